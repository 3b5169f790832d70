"""Programs that tests run beside Orlop. Where one is missing its tests are skipped, or fail if all are required."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

#: Where `go install` puts programs, whether or not it is on the PATH.
_GO_PROGRAMS = Path(os.environ.get("GOBIN") or Path.home() / "go" / "bin")
#: Where .ci/run puts clients that are libraries: an environment of Python in `python`, archives of Java in `jib`,
#: a program that reads files as the programs do that they are for in `readers`, cosign 3 in `cosign3`,
#: and what signs as Notation does in `notation`.
CLIENTS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "orlop-clients"
#: Where Debian puts the programs of a PostgreSQL server, by its major version.
_POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def need(*binaries: str) -> dict[str, str]:
    """The paths of programs, by name; skips the test, naming what is missing.

    With `ORLOP_TEST_REQUIRE=all` in the environment a missing program fails the test instead.
    """
    found = {name: find(name) for name in binaries}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        lack(f"not installed: {', '.join(missing)}")
    return {name: path for name, path in found.items() if path is not None}


def lack(reason: str) -> NoReturn:
    """Skip the test because this machine lacks something; fail it when nothing may be lacking."""
    if os.environ.get("ORLOP_TEST_REQUIRE") == "all":
        pytest.fail(reason)
    pytest.skip(reason)


def find(name: str) -> str | None:
    """The path of a program on the PATH, among Go's, PostgreSQL's or the clients'; None where there is none."""
    own = (CLIENTS / "python" / "bin", *(CLIENTS / each for each in ("readers", "cosign3", "notation")))
    folders = (_GO_PROGRAMS, *_POSTGRES, *own)
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(map(str, folders)))
