"""The other servers: distribution 2.8 and 3, zot, and nginx with static files. Each with two cores and its own log."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.scenes import content, distribution, layouts, static
from bench.servers.process import Running, free_port, started
from bench.servers.programs import built, found, said

#: Seconds that a server which is filled late may look at its empty folder.
_FIRST_LOOK = 3.0


class Peer(NamedTuple):
    """A server to compare with. `scene` names the form of its storage, which several may share."""

    name: str
    program: str
    origin: str
    version: tuple[str, ...]
    scene: str
    write: Callable[[Path, int], None]
    configure: Callable[[Path, Path, int], list[str]]
    """(working folder, storage, port) to the arguments of its start."""
    takes_pushes: bool = True
    filled_running: bool = False
    """Its content is put into its empty folder once it runs; see ZOT."""
    environment: Mapping[str, str] = {}

    @property
    def path(self) -> str | None:
        """The program, or None when it is not on this machine."""
        return found(self.program)

    def describe(self) -> str:
        """Its version, in its own words or its compiler's."""
        assert self.path is not None
        told = said([self.path, *self.version]) if self.version else built(self.path)
        return told.replace(self.path, self.program)

    @contextmanager
    def serving(self, folder: Path, storage: Path) -> Iterator[Running]:
        """The server on this storage; configuration and logs go to `folder`."""
        assert self.path is not None
        port = free_port()
        root = storage
        if self.filled_running:
            root = folder / "storage"
            root.mkdir()
        command = [self.path, *self.configure(folder, root, port)]
        ready = "/v2/" if self.takes_pushes else f"/v2/{content.IMAGE}/manifests/v0"
        with started(self.name, command, port, folder, ready=ready, environment=self.environment) as running:
            if self.filled_running:
                time.sleep(_FIRST_LOOK)
                for entry in storage.iterdir():
                    (root / entry.name).symlink_to(entry)
            yield running


def _distribution(folder: Path, storage: Path, port: int) -> list[str]:
    """As Debian ships it (`/etc/docker/registry/config.yml`), but for authentication, which is left out."""
    configuration = {
        "version": 0.1,
        "log": {"fields": {"service": "registry"}},
        "storage": {
            "cache": {"blobdescriptor": "inmemory"},
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
        },
        "http": {
            "addr": f"127.0.0.1:{port}",
            "secret": "bench",
            "headers": {"X-Content-Type-Options": ["nosniff"]},
        },
        "health": {"storagedriver": {"enabled": True, "interval": "10s", "threshold": 3}},
    }
    path = folder / "config.yml"
    path.write_text(json.dumps(configuration))  # JSON is YAML
    return ["serve", str(path)]


def _zot(folder: Path, storage: Path, port: int, *, commit: bool = False) -> list[str]:
    configuration = {
        "distSpecVersion": "1.1.1",
        "storage": {"rootDirectory": str(storage), "commit": commit},
        "http": {"address": "127.0.0.1", "port": str(port)},
        "log": {"level": "info", "output": str(folder / "zot.log")},
    }
    path = folder / "config.json"
    path.write_text(json.dumps(configuration))
    return ["serve", str(path)]


def _nginx(folder: Path, storage: Path, port: int) -> list[str]:
    path = folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""  # temporary folders are closed to others
    path.write_text(
        f"""
        {user} daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
        events {{ worker_connections 768; }}
        http {{
            sendfile on; tcp_nopush on; access_log {folder}/access.log; default_type application/octet-stream;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
            uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            server {{
                listen 127.0.0.1:{port} reuseport; root {storage};
                location ~ /manifests/ {{ default_type {content.MANIFEST}; }}
            }}
        }}
        """
    )
    return ["-c", str(path)]


DISTRIBUTION_2 = Peer(
    name="distribution 2.8",
    program="docker-registry",
    origin="Debian package docker-registry",
    version=("--version",),
    scene="distribution",
    write=distribution.write,
    configure=_distribution,
)
DISTRIBUTION_3 = Peer(
    name="distribution 3",
    program="registry",
    origin="Go module github.com/distribution/distribution/v3/cmd/registry",
    version=("--version",),
    scene="distribution",
    write=distribution.write,
    configure=_distribution,
    environment={"OTEL_TRACES_EXPORTER": "none"},  # by default it looks for a collector of traces that is not there
)
#: zot begins by looking for blobs that it holds twice, which walks the whole folder once for each digest and with
#: 100,000 of them would not end within the bench. On an empty folder that is done at once, and what is put there later
#: is found as well.
ZOT = Peer(
    name="zot",
    program="zot",
    origin="Go module zotregistry.dev/zot/v2/cmd/zot",
    version=(),
    scene="layouts",
    write=layouts.write,
    configure=_zot,
    filled_running=True,
)
#: By default zot answers a push before its bytes are on the disk; this one syncs the files of blobs, not the folders.
ZOT_SYNCING = ZOT._replace(name="zot, syncing", configure=partial(_zot, commit=True))
NGINX = Peer(
    name="nginx",
    program="nginx",
    origin="Debian package nginx",
    version=("-v",),
    scene="static",
    write=static.write,
    configure=_nginx,
    takes_pushes=False,
)

PEERS = (DISTRIBUTION_2, DISTRIBUTION_3, ZOT, NGINX)
PUSHED_TO = tuple(peer for peer in (*PEERS, ZOT_SYNCING) if peer.takes_pushes)
