"""S3 servers as programs, started by the test on a free port, with their objects in a temporary folder."""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from orlop.adapters.s3 import S3Options, S3Session
from tests.needs import need
from tests.servers import free_port

ACCESS_KEY, SECRET_KEY = "tests", "no secret at all"
_START_SECONDS = 60.0


class S3Server(NamedTuple):
    """A running server. `objects` is the folder in which it keeps them, a folder for each bucket."""

    endpoint: str
    objects: Path

    def options(self, bucket: str, prefix: str = "", **more: str) -> S3Options:
        """How to reach a bucket."""
        return S3Options(
            bucket=bucket,
            prefix=prefix,
            endpoint=self.endpoint,
            **{"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY, "addressing": "path"} | more,
        )

    def settings(self, bucket: str, prefix: str = "") -> dict[str, str]:
        """Settings of Orlop, named like their variables."""
        return {
            "blobs_url": f"s3://{bucket}/{prefix}".rstrip("/"),
            "blobs_endpoint": self.endpoint,
            "blobs_access_key_id": ACCESS_KEY,
            "blobs_secret_access_key": SECRET_KEY,
        }

    async def make(self, bucket: str) -> None:
        """Make a bucket."""
        session = S3Session(self.options(bucket))
        await session.ask("create_bucket")
        await session.close()

    def made(self, bucket: str) -> str:
        """Make a bucket, outside of an event loop; its name."""
        asyncio.run(self.make(bucket))
        return bucket


@contextmanager
def versitygw(
    folder: Path, certificate: tuple[Path, Path] | None = None, host: str = "127.0.0.1"
) -> Iterator[S3Server]:
    """versitygw on a folder, with TLS if it gets a certificate and its key; skips where it is not installed.

    It listens on `host`, and has to be reached on loopback.
    """
    program, port = need("versitygw")["versitygw"], free_port()
    keys = {"ROOT_ACCESS_KEY_ID": ACCESS_KEY, "ROOT_SECRET_ACCESS_KEY": SECRET_KEY}
    objects = folder / "objects"
    tls = ["--cert", str(certificate[0]), "--key", str(certificate[1])] if certificate else []
    command = [program, "--quiet", "--keep-alive", "--port", f"{host}:{port}", *tls, "posix", str(objects)]
    with _running(command, keys, port, objects):
        yield S3Server(f"{'https' if certificate else 'http'}://127.0.0.1:{port}", objects)


@contextmanager
def minio(folder: Path) -> Iterator[S3Server]:
    """MinIO on a folder; skips where it is not installed."""
    program, port = need("minio")["minio"], free_port()
    keys = {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY, "MINIO_UPDATE": "off"}
    objects = folder / "objects"
    command = [program, "server", "--quiet", "--address", f"127.0.0.1:{port}", str(objects)]
    with _running(command, keys | {"HOME": str(folder)}, port, objects):
        yield S3Server(f"http://127.0.0.1:{port}", objects)


#: By name, for tests that run on each.
SERVERS = {"versitygw": versitygw, "minio": minio}


@contextmanager
def _running(command: list[str], variables: dict[str, str], port: int, objects: Path) -> Iterator[None]:
    objects.mkdir(parents=True)
    log_file = objects.parent / "server.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait(port, process, log_file)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, "the S3 server does not listen"
            time.sleep(0.05)
        else:
            return
