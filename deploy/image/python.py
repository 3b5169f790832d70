"""What Orlop is and needs, as packages of Python: laid down by uv for any platform, without what nothing imports, and
compiled by the Python of the image."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.image.debian import PYTHON, NotToBeHad
from deploy.image.tree import Tree

ROOT = Path(__file__).parents[2]
#: Where Python of Debian looks for what is installed beside its packages.
PLACE = f"usr/local/lib/python{PYTHON}/dist-packages"
#: As uv calls the platforms; the version of glibc is that of Debian.
_PLATFORMS = {"amd64": "x86_64-manylinux_2_40", "arm64": "aarch64-manylinux_2_40"}
#: Where the loader and the libraries of each architecture are.
_LOADERS = {
    "amd64": ("usr/lib64/ld-linux-x86-64.so.2", "x86_64-linux-gnu"),
    "arm64": ("usr/lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu"),
}
_UNWANTED = re.compile(
    r"bin(/|$)|bazel-project(/|$)"  # commands, which have this machine's paths; what a package ships by mistake
    r"|cel_expr_python/ext(/|$)"  # extensions of the language that rules here do not have
    r"|botocore/data/(?!(s3|sts|sso|sso-oidc|endpoints\.json|partitions\.json|sdk-default-configuration\.json|_retry\.json)(/|$)).+"
    r"|faker/providers/[^/]+/(?!en_US|en(/|$))[a-z]{2,3}(_[A-Z]{2})?(/|$)"
    r"|asyncpg/.*\.(pyx|pxd|pxi|c|h)$|uvloop/.*\.(pyx|pxd|pxi|c|h)$|.*\.(pyx|pxd|pxi|c|h|pyi)$"
    r"|apsw/sqlite_extra_binaries(/|$)"
    r"|([^/]+/)*(tests|testdata)(/|$)|[^/]+-stubs(/|$)"
    r"|[^/]+\.dist-info/(direct_url\.json|uv_cache\.json|REQUESTED|RECORD)$"
)


def installed(requirements: Sequence[str | Path], architecture: str, work: Path, *, offline: bool) -> Tree:
    """Packages of Python for an architecture; only what is built already, so nothing of theirs is run."""
    command = [
        *(str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--no-config"),
        *("--python-version", PYTHON, "--python-platform", _PLATFORMS[architecture], "--only-binary", ":all:"),
        *("--no-deps", "--target", str(work), *map(str, requirements), *(["--offline"] if offline else [])),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise NotToBeHad(f"packages of Python for {architecture}: {done.stderr.strip()[-2000:]}")
    tree = Tree()
    tree.take(work, PLACE)
    tree.drop(lambda path: bool(_UNWANTED.match(path.removeprefix(f"{PLACE}/"))))
    return tree


def compiled(tree: Tree, below: str, root: Path, architecture: str, work: Path) -> None:
    """Add what Python compiles of each module, by the Python in `root`, a tree for this machine.

    The files are never compared with their sources, which nobody can change in an image.
    """
    tree.write(work, below)
    loader, libraries = _LOADERS[architecture]
    command = [
        *(
            str(root / loader),
            "--library-path",
            str(root / "usr/lib" / libraries),
            str(root / f"usr/bin/python{PYTHON}"),
        ),
        *("-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(work), "-p", "/", str(work / below)),
    ]
    environment = {
        "PYTHONHOME": str(root / "usr"),
        "PYTHONHASHSEED": "0",
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        raise NotToBeHad(f"the Python of the image does not run here: {(done.stdout + done.stderr)[-2000:]}")
    for path in sorted((work / below).rglob("__pycache__/*.pyc")):
        tree.file(str(path.relative_to(work)), path.read_bytes())
