"""`python -m deploy.site`, which `make site` runs."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.site.links import broken
from deploy.site.navigation import astray
from deploy.site.source import gather

_ROOT = Path(__file__).parents[2]


def main() -> int:
    """Build, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m deploy.site")
    parser.add_argument("--root", type=Path, default=_ROOT, help="the repository whose pages are built")
    parser.add_argument("--into", type=Path, required=True, help="the folder of the site, which is made anew")
    given = parser.parse_args()
    wrong = build(given.root.resolve(), given.into.resolve())
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if not wrong:
        print(f"{given.into}/index.html")
    return 1 if wrong else 0


def build(root: Path, site: Path) -> list[str]:
    """Build the site of the repository at `root`; what is wrong with it, a sentence each. Nothing is left where
    anything is."""
    wrong = astray(root)
    if wrong:
        return wrong
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder, "source"), Path(folder, "built")
        source.mkdir()
        gather(root, source)
        options = (
            "--quiet",
            "--fail-on-warning",
            "-j",
            "auto",
            "-c",
            Path(__file__).parent,
            "-d",
            Path(folder, "kept"),
        )
        done = subprocess.run(
            [sys.executable, "-m", "sphinx", "-b", "html", *options, source, built],
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        wrong = [line.replace(f"{source}/", "") for line in done.stderr.splitlines()]
        if done.returncode and not wrong:
            wrong = [f"Sphinx ended with {done.returncode}"]
        wrong = wrong or broken(built)
        if not wrong:
            shutil.rmtree(site, ignore_errors=True)
            shutil.copytree(built, site, ignore=shutil.ignore_patterns(".buildinfo", "objects.inv", "_sources"))
    return wrong


if __name__ == "__main__":
    sys.exit(main())
