"""Every parser against bytes that a fuzzer finds: `python -m tests.fuzz [NAME] [SECONDS] [libFuzzer options]`.

Without a name each parser in turn. What a parser does wrong ends its run; libFuzzer shows the bytes and leaves them in
a temporary file, and the exit code is not 0.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["orlop"]):
    from tests.fuzz.parsers import TARGETS, Target

#: Seconds for each parser where no number says otherwise.
SECONDS = 30

#: A parser that takes longer than this for one input, in seconds, or more memory than this, in MiB, has a defect.
_BOUNDS = ("-timeout=5", "-rss_limit_mb=1024", "-max_len=16384", "-print_final_stats=0")


def fuzz(target: Target, options: list[str]) -> None:
    """Fuzz one parser; ends the process."""
    with tempfile.TemporaryDirectory(prefix="orlop-fuzz-") as corpus:
        for number, seed in enumerate(target.seeds):
            Path(corpus, f"seed-{number}").write_bytes(seed)
        findings = f"-artifact_prefix={tempfile.gettempdir()}/orlop-"
        atheris.Setup([sys.argv[0], *_BOUNDS, findings, *options, corpus], target.once)
        atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Fuzz the named parser, or start this program for each of them."""
    seconds = next((argument for argument in arguments if argument.isdecimal()), str(SECONDS))
    options = [f"-max_total_time={seconds}", *(argument for argument in arguments if argument.startswith("-"))]
    named = [argument for argument in arguments if argument in TARGETS]
    unknown = {argument for argument in arguments if not argument.startswith("-")} - {seconds} - set(TARGETS)
    if unknown:
        print(f"there is no parser {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    if len(named) == 1:
        fuzz(TARGETS[named[0]], options)
    failed = []
    for name in named or TARGETS:
        ended = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", name, seconds, *options[1:]], check=False, capture_output=True
        )
        print(f"{name}: {'fine' if not ended.returncode else 'FAILED'}", flush=True)
        if ended.returncode:
            failed.append(name)
            sys.stdout.write(ended.stdout.decode("utf-8", "replace") + ended.stderr.decode("utf-8", "replace"))
    print(f"{len(named or TARGETS)} parsers, {', '.join(failed) or 'none'} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
