"""Several replicas of Orlop on one database and one bucket, behind nginx, which sends every request to the next one."""

import os
import re
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.needs import need
from tests.postgres import PostgresServer
from tests.s3 import S3Server
from tests.servers import OrlopServer, free_port

#: What operators are given to start from.
EXAMPLE = Path(__file__).parents[1] / "deploy" / "nginx.conf"


class Fleet:
    """Replicas that run, and the address (`host:port`) at which nginx takes requests for all of them."""

    def __init__(self, replicas: list[OrlopServer], address: str) -> None:
        self.replicas = replicas
        self.address = address

    @property
    def url(self) -> str:
        """With scheme, without a slash at the end."""
        return f"http://{self.address}"

    def verify(self) -> dict[str, Any]:
        """What `orlop verify` says of the stores, which has to be that nothing is wrong."""
        return self.replicas[0].verify()


@contextmanager
def fleet(
    folder: Path, postgres: PostgresServer, store: S3Server, *, count: int = 3, **settings: Any
) -> Iterator[Fleet]:
    """`count` replicas of one worker each, in a new database and under a new prefix of the bucket `fleet`."""
    shared = {"catalog_url": postgres.catalog(), "workers": 1, **store.settings("fleet", uuid.uuid4().hex), **settings}
    with fleet_with(folder, [shared] * count) as replicas:
        yield replicas


@contextmanager
def fleet_with(
    folder: Path,
    settings: Sequence[Mapping[str, Any]],
    *,
    tls: Sequence[Path] = (),
    example: Path = EXAMPLE,
    port: int = 0,
) -> Iterator[Fleet]:
    """A replica for each of these settings. `tls`: certificate and key of nginx, where `example` asks for them;
    `port`: where nginx listens, if not on any."""
    replicas = []
    for number, each in enumerate(settings):
        (folder / f"replica-{number}").mkdir(parents=True)
        replicas.append(OrlopServer(folder / f"replica-{number}", each))
    with ExitStack() as stack:
        for replica in replicas:
            stack.callback(replica.kill)
            replica.start()
        yield Fleet(
            replicas,
            stack.enter_context(_balanced(folder, [replica.address for replica in replicas], tls, example, port)),
        )
        for replica in replicas:
            if replica.is_running:
                assert replica.stop() == 0, replica.log_text()[-4000:]
            assert "Traceback" not in replica.log_text(), replica.log_text()[-4000:]


@contextmanager
def _balanced(folder: Path, addresses: list[str], tls: Sequence[Path], example: Path, port: int) -> Iterator[str]:
    """Nginx before these addresses, by an example in deploy/."""
    program = need("nginx")["nginx"]
    port = port or free_port()
    servers = "".join(rf" server {address}\1" + "\n" for address in addresses)
    text = re.sub(r" +server replica-1:5000([^\n]*)\n( +server replica-\d:5000[^\n]*\n)+", servers, example.read_text())
    if tls:
        text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
        for secret, file in zip(("/run/secrets/tls.crt", "/run/secrets/tls.key"), tls, strict=True):
            text = text.replace(secret, str(file))
    else:
        text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
        # These replicas are open, and an open registry refuses whatever says that it was forwarded
        # (faces.http.loopback).
        text = text.replace("proxy_set_header X-Forwarded-Proto $scheme;", "")
    temporary = " ".join(f"{what}_temp_path {folder}/{what};" for what in ("client_body", "proxy", "fastcgi", "uwsgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    text = text.replace("events {}", f"{user} daemon off; pid {folder}/nginx.pid; events {{}}")
    text = text.replace("http {", f"http {{ access_log off; {temporary} scgi_temp_path {folder}/scgi;", 1)
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    with (folder / "nginx.log").open("wb") as log:
        command = [program, "-e", str(folder / "nginx-errors.log"), "-c", str(configuration)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait(folder, process)
        yield f"127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait(folder: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while not (folder / "nginx.pid").exists():
        assert process.poll() is None, (folder / "nginx.log").read_text()
        assert time.monotonic() < deadline, "nginx does not start"
        time.sleep(0.02)
