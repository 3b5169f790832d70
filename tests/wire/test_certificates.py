"""Certificates that are exchanged under a running server: served without a restart, and never a broken pair."""

import os
import signal
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from orlop.config.settings import Tls
from orlop.server.tls import Certificates, read_tls
from tests.needs import need
from tests.serving import Server, alone, eventually, serving

pytestmark = pytest.mark.slow


def pair(folder: Path, name: str) -> None:
    """A certificate NAME.crt for NAME, and its key NAME.key."""
    openssl = need("openssl")["openssl"]
    words = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    files = ("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")
    subprocess.run([openssl, *words, *files], cwd=folder, check=True, capture_output=True)


def put(folder: Path, name: str, *, key: str = "") -> None:
    """Put them where the server reads, as programs do that renew certificates: one file after the other, renamed."""
    for ending, source in ((".key", key or name), (".crt", name)):
        (folder / "new").write_bytes((folder / f"{source}{ending}").read_bytes())
        (folder / "new").replace(folder / f"live{ending}")


def shown(server: Server, worker: int | None = None) -> bytes:
    """The certificate that a new connection gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", server.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert secure.recv(64).startswith(b"HTTP/1.1 200")
        found = secure.getpeercert(binary_form=True)
    assert found is not None
    return found


def der(folder: Path, name: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert((folder / f"{name}.crt").read_text())


def all_show(server: Server, wanted: bytes) -> bool:
    """Whether every worker shows it."""
    workers = server.workers()
    for worker in workers:
        with alone(worker, workers):
            if shown(server) != wanted:
                return False
    return True


def test_renewed_files_are_served_without_a_restart(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        pair(tmp_path, name)
    put(tmp_path, "one")
    flags = ("--tls-cert", str(tmp_path / "live.crt"), "--tls-key", str(tmp_path / "live.key"), "--workers", "2")
    with serving(tmp_path, *flags) as server:
        assert all_show(server, der(tmp_path, "one"))
        # By itself, within seconds.
        put(tmp_path, "two")
        eventually("the renewed certificate is served", lambda: all_show(server, der(tmp_path, "two")))
        # A pair that does not fit is told of, and what was there stays.
        put(tmp_path, "three", key="one")
        for _ in range(2):
            server.process.send_signal(signal.SIGHUP)
        eventually(
            "it is told of",
            lambda: any("is not used" in event["event"] for event in server.events() if "event" in event),
        )
        assert all_show(server, der(tmp_path, "two"))
        # At once, when it is asked to.
        put(tmp_path, "three")
        server.process.send_signal(signal.SIGHUP)
        eventually("the third is served", lambda: all_show(server, der(tmp_path, "three")))
        # A worker that takes another's place has what the others have.
        before = server.workers()
        os.kill(next(iter(before)), signal.SIGKILL)
        eventually("it is replaced", lambda: len(server.workers()) == 2 and set(server.workers()) != set(before))
        eventually("all serve the third", lambda: all_show(server, der(tmp_path, "three")))
    assert server.process.returncode == 0
    refused = [event for event in server.events() if "is not used" in event["event"]]
    assert "does not belong to the certificate" in refused[0]["reason"]


def test_a_pair_that_is_replaced_file_by_file_is_waited_for(tmp_path: Path) -> None:
    for name in ("one", "two"):
        pair(tmp_path, name)
    put(tmp_path, "one")
    tls = Tls(tmp_path / "live.crt", tmp_path / "live.key")
    context = read_tls(tls)
    assert context is not None
    certificates = Certificates(tls, context)
    assert certificates.look()
    assert not certificates.look(), "nothing changed"
    put(tmp_path, "one", key="two")
    assert not certificates.look()
    put(tmp_path, "two")
    assert certificates.look()
    (tmp_path / "live.key").unlink()
    assert not certificates.look()
    assert not certificates.look()
    put(tmp_path, "one")
    assert certificates.look()
    assert certificates.context is not context


def test_a_pair_that_could_not_be_used_is_looked_at_when_anything_of_its_files_changes(tmp_path: Path) -> None:
    """Such as who may read them. Their times may be those of before: `cp --preserve` and `rsync --times` set them."""
    for name in ("one", "two"):
        pair(tmp_path, name)
    put(tmp_path, "one", key="two")
    key = tmp_path / "live.key"
    context = read_tls(Tls(tmp_path / "one.crt", tmp_path / "one.key"))
    assert context is not None
    certificates = Certificates(Tls(tmp_path / "live.crt", key), context)
    for _ in range(3):
        assert not certificates.look()
    before = key.stat()
    key.write_bytes((tmp_path / "one.key").read_bytes())

    def is_seen() -> bool:
        os.utime(key, ns=(before.st_atime_ns, before.st_mtime_ns))
        return certificates.look()

    eventually("the pair is used", is_seen)
    now = key.stat()
    assert (now.st_mtime_ns, now.st_size, now.st_ino) == (before.st_mtime_ns, before.st_size, before.st_ino)
