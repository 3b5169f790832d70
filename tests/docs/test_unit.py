"""deploy/orlop.service: systemd reads it, and what it runs is a command line that Orlop takes."""

import re
import subprocess
import sys
from pathlib import Path

from tests.needs import need

_UNIT = Path(__file__).parents[2] / "deploy" / "orlop.service"
_PROGRAM = str(Path(sys.executable).parent / "orlop")


def test_systemd_has_no_complaint(tmp_path: Path) -> None:
    program = need("systemd-analyze")["systemd-analyze"]
    unit = tmp_path / _UNIT.name
    # It complains of a program that is not there, as it has to: Orlop is not installed where the unit expects it.
    unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={_PROGRAM}", _UNIT.read_text(), flags=re.MULTILINE))
    done = subprocess.run([program, "verify", unit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_command_is_one_of_ours(tmp_path: Path) -> None:
    (command,) = re.findall(r"^ExecStart=(.+)$", _UNIT.read_text(), re.MULTILINE)
    _, subcommand, flag, _ = command.split()
    assert subcommand == "serve"
    settings = tmp_path / "orlop.toml"
    settings.write_text('data = "data"\n')
    done = subprocess.run(
        [_PROGRAM, "config", "show", flag, settings], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
