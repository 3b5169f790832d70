"""The container image, built once, and containers of it that serve: under podman as somebody who is not root, and under
the Docker Engine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from orlop import __version__
from tests.clients.programs import Station
from tests.deploy.pythons import ROOT
from tests.needs import lack, need

#: Somebody who has no rights here: nobody.
NOBODY = 65534


class Built(NamedTuple):
    """What `make image` leaves behind for this machine's architecture: a layout, and an archive for engines."""

    layout: Path
    archive: Path

    def index(self) -> dict[str, Any]:
        """What the layout lists."""
        listed: dict[str, Any] = json.loads((self.layout / "index.json").read_text())
        return listed

    def document(self, digest: str) -> dict[str, Any]:
        """A document of the layout."""
        found: dict[str, Any] = json.loads(self.blob(digest).read_bytes())
        return found

    def blob(self, digest: str) -> Path:
        """The file of a blob."""
        return self.layout / "blobs" / digest.replace(":", "/")

    def image(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The manifest and the config of the one image that is in the index."""
        (entry,) = [each for each in self.index()["manifests"] if "artifactType" not in each]
        (image,) = self.document(entry["digest"])["manifests"]
        manifest = self.document(image["digest"])
        return manifest, self.document(manifest["config"]["digest"])


def build(wheel: Path, folder: Path) -> Built:
    """Build it, of packages that were fetched before, packed as quickly as can be. Skips where none were."""
    need("apt-get")
    command = [sys.executable, "-m", "deploy.image", "--offline", "--level", "1"]
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    done = subprocess.run(
        [*command, "--wheel", wheel, "--out", folder, "--platform", architecture],
        cwd=ROOT,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "TMPDIR": str(folder.parent)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if "run make image once" in done.stderr or "network was disabled" in done.stderr or "is missing" in done.stderr:
        lack(f"packages for the image were not fetched: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    return Built(folder / "image", folder / f"orlop-{__version__}-{architecture}.tar")


class Nobody:
    """podman as a user without rights, who has subordinate ids only in a mount namespace of each command's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "ids").write_text("nobody:200000:65536\n")
        for each in ("home", "run", "tmp"):
            (folder / each).mkdir(mode=0o700)
        for each in (folder, *folder.iterdir()):
            os.chown(each, NOBODY, NOBODY)

    def command(self, *arguments: str) -> list[str]:
        """A command line."""
        programs = need("unshare", "setpriv", "podman", "runc", "newuidmap")
        script = 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && cd / && exec "$@"'
        store = (f"--root={self._folder}/home/store", f"--runroot={self._folder}/run/store", "--storage-driver=overlay")
        engine = ("--cgroup-manager=cgroupfs", "--events-backend=none", f"--runtime={programs['runc']}")
        drop = (programs["setpriv"], f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        return [
            *(programs["unshare"], "--mount", "/bin/sh", "-c", script, str(self._folder / "ids")),
            *(*drop, programs["podman"], *store, *engine, *arguments),
        ]

    def environment(self) -> dict[str, str]:
        """What it is started with."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": f"{self._folder}/home",
            "XDG_RUNTIME_DIR": f"{self._folder}/run",
            "TMPDIR": f"{self._folder}/tmp",
        }

    def run(self, *arguments: str, given: Path | None = None) -> str:
        """The output of a command that ends well. `given`: a file as its standard input."""
        with (given or Path(os.devnull)).open("rb") as stream:
            done = subprocess.run(
                self.command(*arguments), stdin=stream, env=self.environment(), capture_output=True, timeout=300
            )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


@contextmanager
def nobody() -> Iterator[Nobody]:
    """podman of nobody, and nothing of it left at the end."""
    if os.geteuid() != 0:
        lack("only root lends somebody else subordinate ids")
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            yield Nobody(folder)
        finally:
            for pid in folder.rglob("pause.pid"):  # it keeps the namespace of users for the next command
                os.kill(int(pid.read_text()), signal.SIGKILL)
            shutil.rmtree(folder / "home", ignore_errors=True)


def push_and_pull(station: Station, address: str, password: str, name: str = "team/app:1") -> str:
    """Push an image with what comes with it, and pull it; its digest."""
    station.run("crane", "auth", "login", address, "-u", "admin", "-p", password)
    with (station.folder / "layer.tar").open("wb") as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    image = f"{address}/{name}"
    pushed = station.text("crane", "append", "-f", str(station.folder / "layer.tar"), "-t", image)
    station.run("crane", "pull", image, str(station.folder / "pulled.tar"))
    return pushed.rpartition("@")[2]
