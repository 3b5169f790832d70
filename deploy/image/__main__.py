"""`python -m deploy.image`, which `make image` runs."""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.image import attest, debian, layout
from deploy.image.image import Image, attached, created, furnish, image, index
from deploy.image.python import PLACE, ROOT, compiled, installed
from orlop import __version__

_LOCK = ("--require-hashes", "-r", ROOT / "requirements" / "run.txt")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "orlop-image"


def main() -> int:
    """Build, and say what came of it."""
    given = _arguments().parse_args()
    if given.wheel is None and not given.fetch:
        (given.wheel,) = (ROOT / "dist").glob(f"orlop-{__version__}-*.whl")
    try:
        return build(given)
    except debian.NotToBeHad as error:
        print(f"no image: {error}", file=sys.stderr)
        return 1


def build(given: argparse.Namespace) -> int:
    """Build what the arguments say. Raises NotToBeHad."""
    own = _ARCHITECTURES[platform.machine()]
    wanted = given.platform.split(",")
    mirrors = debian.Mirrors(given.mirror, given.security_mirror)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or 0)
    commit = _commit()
    lock = (ROOT / "requirements" / "run.txt").read_bytes()
    given.out.mkdir(parents=True, exist_ok=True)
    images: list[Image] = []
    referrers, blobs = [], []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        debs = {each: debian.packages(given.cache, each, mirrors, offline=given.offline) for each in {own, *wanted}}
        if given.fetch:
            for architecture in wanted:
                installed(_LOCK, architecture, work / architecture, offline=False)
            return 0
        debian.unpacked(debs[own]).write(work / "root")
        for architecture in wanted:
            made = _image(architecture, own, work, debs[architecture], given, epoch, commit)
            images.append(made)
            bill = attached(made.manifest, attest.sbom(made, epoch), attest.SBOM, {})
            origin = attached(
                made.manifest, attest.provenance(made, debs[architecture], commit, lock, epoch), attest.PROVENANCE, {}
            )
            referrers += [bill[0], origin[0]]
            blobs += [*layout.contents(made), *bill[1:], *origin[1:]]
    whole = index(images, _labels(epoch, commit))
    target = given.out / "image"
    shutil.rmtree(target, ignore_errors=True)
    tag = ".".join(__version__.split(".")[:2])
    layout.write_folder(target, {tag: whole}, referrers, blobs)
    print(f"{target}: orlop:{tag} {whole.descriptor['digest']}")
    for each in images:
        archive = given.out / f"orlop-{__version__}-{each.architecture}.tar"
        layout.write_archive(archive, f"orlop:{tag}", each)
        print(
            f"{archive}: linux/{each.architecture} {each.manifest.descriptor['digest']},"
            f" {each.packed / 1e6:.1f} MB to pull, {each.unpacked / 1e6:.1f} MB on disk"
        )
    return 0


def _image(
    architecture: str,
    own: str,
    work: Path,
    debs: list[debian.Deb],
    given: argparse.Namespace,
    epoch: int,
    commit: str,
) -> Image:
    """The image for one architecture: three layers, of which the first two stay the same from release to release."""
    here = work / architecture
    base = debian.unpacked(debs)
    licence = (ROOT / "LICENSE").read_text()
    compiled(base, f"usr/lib/python{debian.PYTHON}", work / "root", own, here / "base")
    libraries = installed(_LOCK, architecture, here / "libraries", offline=given.offline)
    compiled(libraries, PLACE, work / "root", own, here / "compiled")
    program = installed([given.wheel.absolute()], architecture, here / "program", offline=given.offline)
    compiled(program, PLACE, work / "root", own, here / "own")
    furnish(program, f"python{debian.PYTHON}", licence)
    layers = [
        (f"packages of Debian {debian.SUITE}", base),
        ("requirements/run.txt", libraries),
        (f"orlop {__version__}", program),
    ]
    return image(
        architecture, [(said, tree.layer(given.level)) for said, tree in layers], _labels(epoch, commit), epoch
    )


def _labels(epoch: int, commit: str) -> dict[str, str]:
    """Annotations of image-spec (annotations.md, "Pre-Defined Annotation Keys")."""
    said = {
        "title": "Orlop",
        "description": "A container registry: one command for a single developer, the same program for a company.",
        "version": __version__,
        "revision": commit,
        "created": created(epoch),
        "licenses": "Apache-2.0",
    }
    return {f"org.opencontainers.image.{name}": value for name, value in said.items() if value}


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else ""


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make image", description="Put the container image together.")
    parser.add_argument("--wheel", type=Path, help="the wheel of Orlop", default=None)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the layout and the archives go")
    parser.add_argument("--platform", default="amd64,arm64", help="architectures, with commas between them")
    parser.add_argument("--cache", type=Path, default=_CACHE, help="where packages of Debian are kept")
    parser.add_argument("--level", type=int, default=6, help="of compression, from 1 to 9")
    parser.add_argument("--fetch", action="store_true", help="only fetch packages, for --offline")
    parser.add_argument("--offline", action="store_true", help="take what was fetched last")
    parser.add_argument("--mirror", default="http://deb.debian.org/debian", help="of Debian's packages")
    parser.add_argument("--security-mirror", default="http://deb.debian.org/debian-security", help="of its updates")
    return parser


if __name__ == "__main__":
    sys.exit(main())
