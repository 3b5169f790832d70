"""`python -m bench [--quick] [--only NAME …]`: runs the measures, prints what they find, writes results.md."""

import argparse
import subprocess
import sys
import tempfile
import traceback
from contextlib import ExitStack
from pathlib import Path

from bench import machine, report
from bench.field import Field
from bench.findings import Finding
from bench.load.connection import Refused
from bench.load.crews import CrewFailed
from bench.load.wrk import CONNECTIONS, THREADS, LoadFailed
from bench.measures import MEASURES, Measure
from bench.plan import FULL, QUICK
from bench.scenes import people
from bench.scenes.folder import KEPT
from bench.servers import orlop
from bench.servers.process import ServerFailed

_REMARKS = (
    "what the servers hold is read once before, so that none is measured by the disk",
    "every server has both cores, writes its usual access log to a file, and shares the cores with the load generator",
    f"orlop has {people.USERS:,} users and {people.GRANTS:,} grants; every request to it comes from a robot that signs"
    " in with its secret (Basic), is checked for what the robot may do, and is counted against its limits; the other"
    " servers let anybody in, and so do the replicas",
    "for pushes orlop has the whole catalog, the other servers begin empty, which favours them if anything",
    "distribution's storage leaves out the layers of the many repositories, which nothing here reads",
    "distribution 3 runs with its export of traces switched off, which favours it",
    "nginx serves files: it resolves no tag, checks no access, and stands for the limit of the machine",
)


def main() -> int:
    """Run; 1 when a measure could not be taken, whatever the figures say."""
    arguments = _arguments()
    plan = QUICK if arguments.quick else FULL
    chosen = [each for each in MEASURES if not arguments.only or each.name in arguments.only]
    hardware = list(machine.hardware())
    KEPT.mkdir(exist_ok=True)
    findings: list[Finding] = []
    failed = 0
    with ExitStack() as stack:
        # Beside the kept storage, and so on the same file system; a temporary folder of the system may be in memory.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=KEPT, prefix="run-")))
        field = Field(plan, folder, stack)
        software = list(machine.software(field))
        _introduce(hardware + software, quick=plan.quick)
        for measure in chosen:
            finding = _taken(measure, field)
            if finding is None:
                failed += 1
            else:
                findings.append(finding)
                print("\n".join(report.lines(finding)), flush=True)
    if plan.quick:
        print("quick: fewer and shorter rounds on less content; nothing was written")
    elif arguments.only:
        print("not everything was measured; nothing was written")
    elif not failed:
        commands = [
            f"python -m bench  # {THREADS} thread and {CONNECTIONS} connections of wrk for GET",
            " ".join(["python", *orlop.command(Path("DATA"), 0)[1:]]),
        ]
        report.write(findings, plan.rounds, hardware, software, commands, _REMARKS)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, for the inner loop")
    names = [each.name for each in MEASURES]
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=", ".join(names))
    return parser.parse_args()


def _introduce(facts: list[tuple[str, str]], *, quick: bool) -> None:
    for what, which in facts:
        print(f"{what:20} {which}")
    if quick:
        print("QUICK RUN: not to be quoted")
    print(flush=True)


def _taken(measure: Measure, field: Field) -> Finding | None:
    try:
        return measure.run(field)
    except (CrewFailed, LoadFailed, OSError, Refused, ServerFailed, subprocess.SubprocessError):
        print(f"{measure.name} FAILED", file=sys.stderr)
        traceback.print_exc()
        return None


if __name__ == "__main__":
    sys.exit(main())
