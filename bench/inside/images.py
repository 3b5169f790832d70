"""`python -m bench.inside.images FOLDER [--only NAME …]`: makes images of real packages, one archive of one layer each.

Packages come from the registries that pip, npm, Maven, cargo and mmdebstrap know. Nothing of them is committed.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from bench.servers.programs import found

_DJANGO = (
    "django==4.2.1",
    "requests==2.31.0",
    "jinja2==3.1.2",
    "Flask==2.2.2",
    "SQLAlchemy<2",
    "ruamel.yaml",
    "celery",
)
_FASTAPI = ("fastapi==0.100.0", "uvicorn==0.22.0", "cryptography==41.0.1", "ruff==0.4.4", "numpy==1.26.0")
_EXPRESS = ("express@4.18.2", "lodash@4.17.20", "@babel/core@7.23.0", "webpack@5.88.0")
_NEXT = ("next@13.4.0", "react@18.2.0", "react-dom@18.2.0")
_JARS = (
    "org.apache.logging.log4j:log4j-core:2.14.1",
    "org.springframework:spring-webmvc:5.3.17",
    "com.fasterxml.jackson.core:jackson-databind:2.13.1",
    "org.hibernate:hibernate-core:5.6.5.Final",
    "io.netty:netty-all:4.1.70.Final",
)


def _pip(folder: str, packages: tuple[str, ...]) -> Callable[[Path], None]:
    def make(tree: Path) -> None:
        _run(sys.executable, "-m", "pip", "install", "-q", "--target", str(tree / folder), *packages)

    return make


def _npm(packages: tuple[str, ...], *more: str) -> Callable[[Path], None]:
    def make(tree: Path) -> None:
        (tree / "srv").mkdir()
        (tree / "srv" / "package.json").write_text('{"name": "app", "version": "1.0.0"}')
        options = ("--ignore-scripts", "--no-audit", "--no-fund", *more)
        _run("npm", "install", "--silent", "--prefix", str(tree / "srv"), *options, *packages)

    return make


def _jars(tree: Path) -> None:
    """Libraries of Java with all that they need."""
    needed = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in (each.split(":") for each in _JARS)
    )
    own = "<modelVersion>4.0.0</modelVersion><groupId>a</groupId><artifactId>b</artifactId><version>1</version>"
    with tempfile.TemporaryDirectory() as folder:
        pom = Path(folder) / "pom.xml"
        pom.write_text(f"<project>{own}<dependencies>{needed}</dependencies></project>")
        _run("mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={tree / 'app'}")


def _nested(tree: Path) -> None:
    """The same within one archive, as Spring Boot packs an application."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(tree / "app.jar", "w") as jar:
        _jars(Path(folder))
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nImplementation-Title: app\n")
        for each in sorted((Path(folder) / "app").glob("*.jar")):
            jar.write(each, f"BOOT-INF/lib/{each.name}")


def _programs(*names: str) -> Callable[[Path], None]:
    """Go programs that the tests use too."""

    def make(tree: Path) -> None:
        for name in names:
            path = found(name)
            if path is None:
                raise SystemExit(f"{name} is not installed: see tests/clients/tools.txt")
            shutil.copy(path, tree)

    return make


def _rust(tree: Path) -> None:
    """Programs of Rust that say what they were built of."""
    path = f"{tree / 'bin'}{os.pathsep}{os.environ['PATH']}"
    install = ("install", "--locked", "--root", str(tree))
    _run("cargo", *install, "cargo-auditable")
    subprocess.run(["cargo", "auditable", *install, "hexyl", "fd-find"], check=True, env=os.environ | {"PATH": path})


TREES: dict[str, Callable[[Path], None]] = {
    "python": _pip("usr/lib/python3/dist-packages", _DJANGO),
    "venv": _pip("srv/app/lib/python3.11/site-packages", _FASTAPI),
    "node": _npm(_EXPRESS),
    "node-lock": _npm(_NEXT, "--package-lock-only"),
    "java": _jars,
    "java-nested": _nested,
    "golang": _programs("crane", "oras", "regctl"),
    "golang-large": _programs("cosign", "helm"),
    "scratch-go": _programs("ko"),
    "rust": _rust,
    "dotnet": _pip("usr/share", ("dotnetcore2==3.1.23",)),
}
SYSTEMS = {
    "debian-11": ("bullseye", "openssl,curl,python3,perl"),
    "debian": ("bookworm", "ca-certificates,perl,python3"),
    "ruby-php": ("trixie", "ruby,ruby-rack,ruby-nokogiri,bundler,composer,nodejs,python3-requests,python3-yaml"),
}


def main() -> int:
    """Make what is not there yet."""
    parser = argparse.ArgumentParser(prog="python -m bench.inside.images")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", choices=[*TREES, *SYSTEMS], default=[])
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.only or [*TREES, *SYSTEMS]:
        layer = arguments.folder / f"{name}.tar"
        if layer.exists():
            continue
        if name in SYSTEMS:
            suite, packages = SYSTEMS[name]
            _run("mmdebstrap", "--variant=essential", f"--include={packages}", suite, str(layer))
            continue
        with tempfile.TemporaryDirectory() as tree:
            TREES[name](Path(tree))
            _run("tar", "-C", tree, "--owner=0", "--group=0", "-cf", str(layer), ".")
    return 0


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
