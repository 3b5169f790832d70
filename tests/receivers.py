"""Receivers of webhooks: HTTP/1.1 servers on loopback, with or without TLS, that answer as they are told and keep what
they get."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class Received(NamedTuple):
    """A request."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Receiver:
    """Answers each request with `status(request)` and `answer`; `hangs`: with nothing, for as long as it listens."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.status: Callable[[Received], int] = lambda _: 200
        self.answer = b"ok"
        self.more: bytes = b""
        self.hangs = False
        self.certificate: dict[str, Any] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self, context: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[int]:
        """Listen until the block ends; the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=context)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def got(self, count: int, seconds: float = 30) -> list[Received]:
        """What came, when so many have."""
        async with asyncio.timeout(seconds):
            while len(self.requests) < count:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        return self.requests

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        tls = writer.get_extra_info("ssl_object")
        self.certificate = tls.getpeercert() if tls is not None else None
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                lines = (line.partition(":") for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, _, value in lines}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                received = Received(head[0].split(" ")[1], headers, body)
                self.requests.append(received)
                if self.hangs:
                    await asyncio.Event().wait()
                status = self.status(received)
                length = len(self.answer) + (1 << 40 if self.more else 0)
                writer.write(
                    b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\nLocation: /elsewhere\r\n\r\n" % (status, length)
                )
                writer.write(self.answer)
                while self.more:
                    writer.write(self.more)
                    await writer.drain()
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()


class Authority:
    """An authority of the test's own, and certificates that it gives out."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of a test")])
        self.pem = self._made(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=None))

    def certificate(self, name: str) -> tuple[str, str]:
        """A certificate for a host or a client, and its key; PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = self._made(subject, key.public_key(), x509.SubjectAlternativeName([x509.DNSName(name)]))
        return made, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def context(self, folder: Path, name: str = "localhost", *, clients: bool = False) -> ssl.SSLContext:
        """For a server of that name; `clients`: that asks clients for certificates of this authority."""
        certificate, key = self.certificate(name)
        file = folder / f"{name}.pem"
        file.write_text(certificate + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        if clients:
            context.load_verify_locations(cadata=self.pem)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _made(self, subject: x509.Name, key: Any, extension: x509.ExtensionType) -> str:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
