"""The audit log is sent on: to real receivers on loopback, at least once, in order, and nowhere that it must not go."""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from orlop.adapters.forwarding import addresses
from orlop.adapters.forwarding.http import HttpSink
from orlop.adapters.forwarding.syslog import SyslogSink
from orlop.domain.audit import Chained, Head, timestamp
from orlop.domain.errors import Stale, Unavailable
from orlop.domain.events import Event, EventKind
from orlop.ports.audit import AuditSink
from orlop.ports.clock import SECOND
from orlop.ports.jobs import Lease
from orlop.services.audit.forward import AuditForward
from orlop.services.following import known
from orlop.services.jobs.lasting_work import LastingWork
from tests.unit.audit.office import Office

#: RFC 5424, section 6, as far as our messages go.
_MESSAGE = re.compile(
    rb"<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\S+) orlop - (entry|head) "
    rb"\[orlop@32473((?: [a-z]+=\"(?:[^\"\\\]]|\\[\"\\\]])*\")+)\] \xef\xbb\xbf(.*)",
    re.DOTALL,
)


class Receiver:
    """A syslog server over TCP or TLS, by octet counting; `deaf` closes each connection at once."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.deaf = False

    @asynccontextmanager
    async def listening(self, context: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[int]:
        """Listen until the block ends; the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=context)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not self.deaf:
                length = int(await reader.readuntil(b" "))
                self.messages.append(await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def got(self, count: int) -> list[bytes]:
        """What came, when so many have."""
        async with asyncio.timeout(20):
            while len(self.messages) < count:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        return self.messages


class Kept:
    """A sink that keeps what it gets, unless it fails."""

    def __init__(self) -> None:
        self.entries: list[int] = []
        self.heads: list[int] = []
        self.failing = 0
        self.closed = False

    async def send(self, entries: Sequence[Chained], heads: Sequence[Head]) -> None:
        if self.failing:
            self.failing -= 1
            raise Unavailable("it is away")
        self.entries += [each.entry.sequence for each in entries]
        self.heads += [head.sequence for head in heads]

    async def close(self) -> None:
        self.closed = True


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that nobody vouches for but itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(cert.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def forwarding(office: Office, sink: AuditSink, name: str = "syslog") -> AuditForward:
    return AuditForward(name, office.audit.reader, office.rows.cursors, office.clock, sink)


async def lease(office: Office, job: str = "forward-syslog", owner: str = "one") -> Lease:
    now = office.clock.now()
    found = await office.rows.leases.acquire(job, owner, now=now, until=now + 60 * SECOND)
    assert found is not None
    return found


async def written(count: int = 3) -> Office:
    office = Office()
    await office.written(count)
    return office


async def test_everything_is_sent_once_in_order_with_its_heads() -> None:
    office, sink = await written(450), Kept()
    forward = forwarding(office, sink)
    assert await forward.step(await lease(office)) == 450
    assert await forward.step(await lease(office)) == 0
    await office.written(2)
    office.clock.at += 120 * SECOND
    await office.written(1)
    assert await forwarding(office, sink).step(await lease(office)) == 3
    assert sink.entries == list(range(1, 454))
    assert sink.heads == [100, 453], "the first transaction, and a while later"


async def test_what_failed_is_sent_again() -> None:
    office, sink = await written(450), Kept()
    forward = forwarding(office, sink)
    sink.failing = 1
    with pytest.raises(Unavailable):
        await forward.step(await lease(office))
    await forward.step(await lease(office))
    assert sink.entries == list(range(1, 451))


async def test_a_process_that_lost_the_lease_moves_nothing() -> None:
    office, sink = await written(), Kept()
    late = await lease(office)
    office.clock.at += 61 * SECOND
    await lease(office, owner="two")
    with pytest.raises(Stale):
        await forwarding(office, sink).step(late)
    assert await office.rows.cursors.position(known.forwarding("syslog")) == 0


async def test_failures_are_tried_again_after_a_while_until_it_works() -> None:
    office, sink = await written(), Kept()
    sink.failing = 2
    forward = forwarding(office, sink)
    standing = LastingWork(
        forward.follower.job, forward.step, office.rows.leases, office.clock, "one", every=0.01, last=forward.close
    )
    standing.start()
    async with asyncio.timeout(20):
        while not sink.entries:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    await standing.stop()
    assert sink.entries == [1, 2, 3]
    assert sink.closed


class TestSyslog:
    """RFC 5424 messages over each transport."""

    async def test_over_tcp(self) -> None:
        office, receiver = await written(), Receiver()
        async with receiver.listening() as port:
            sink = SyslogSink("tcp", "127.0.0.1", port, None, "host")
            await forwarding(office, sink).step(await lease(office))
            messages = [_MESSAGE.fullmatch(message) for message in await receiver.got(4)]
            await sink.close()
        assert all(messages)
        assert [match[4] for match in messages if match] == [b"entry"] * 3 + [b"head"]
        first = messages[0]
        assert first is not None
        assert int(first[1]) == 13 * 8 + 5
        assert first[2].decode() == timestamp(office.entries[0].entry.at)
        body = json.loads(first[6])
        assert body["sequence"] == 1
        assert body["hash"] == office.entries[0].hash

    async def test_refusals_are_warnings_and_names_are_escaped(self) -> None:
        sink = SyslogSink("tcp", "127.0.0.1", 1, None, "")
        office = Office()
        await office.audit.writer.write(
            [Event(at=office.clock.now(), kind=EventKind.REFUSED, actor='a"]\\\r\nb', repository="app")]
        )
        await office.writer.step(await office.lease())
        match = _MESSAGE.fullmatch(sink._entry(office.entries[0]))
        assert match is not None
        assert int(match[1]) == 13 * 8 + 4
        assert match[3] == b"-"
        assert rb'actor="a\"\]\\  b"' in match[5]

    async def test_over_tls_with_a_certificate_that_is_checked(self, tmp_path: Path) -> None:
        cert, key = certificate(tmp_path)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(cert, key)
        office, receiver = await written(), Receiver()
        async with receiver.listening(server) as port:
            stranger = SyslogSink("tls", "localhost", port, ssl.create_default_context(), "host")
            with pytest.raises(Unavailable, match="cannot be reached"):
                await forwarding(office, stranger).step(await lease(office))
            assert receiver.messages == []
            trusting = SyslogSink("tls", "localhost", port, ssl.create_default_context(cafile=str(cert)), "host")
            await forwarding(office, trusting).step(await lease(office))
            assert len(await receiver.got(4)) == 4
            await trusting.close()

    async def test_over_udp_a_message_is_a_datagram(self) -> None:
        office = await written()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            udp.settimeout(20)
            sink = SyslogSink("udp", "127.0.0.1", udp.getsockname()[1], None, "host")
            await forwarding(office, sink).step(await lease(office))
            messages = [await asyncio.to_thread(udp.recv, 4096) for _ in range(4)]
        assert all(_MESSAGE.fullmatch(message) for message in messages)

    async def test_a_server_that_hangs_up_got_nothing(self) -> None:
        office, receiver = await written(), Receiver()
        receiver.deaf = True
        async with receiver.listening() as port:
            sink = SyslogSink("tcp", "127.0.0.1", port, None, "host")
            with pytest.raises(Unavailable):
                await forwarding(office, sink).step(await lease(office))
            receiver.deaf = False
            await forwarding(office, sink).step(await lease(office))
            assert len(await receiver.got(4)) == 4
            await sink.close()

    async def test_a_server_that_is_restarted_gets_the_rest(self) -> None:
        office, receiver = await written(), Receiver()
        async with receiver.listening() as port:
            sink = SyslogSink("tcp", "127.0.0.1", port, None, "host")
            await forwarding(office, sink).step(await lease(office))
            await receiver.got(4)
            await sink.close()
        await office.written(2)
        with pytest.raises(Unavailable):
            await forwarding(office, sink).step(await lease(office))
        async with receiver.listening(port=port):
            await forwarding(office, sink).step(await lease(office))
            sequences = [json.loads(m.partition(b"\xef\xbb\xbf")[2])["sequence"] for m in await receiver.got(6)]
            await sink.close()
        assert sequences == [1, 2, 3, 3, 4, 5]


class Collector:
    """An HTTP server that keeps what it gets."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, list[dict[str, object]]]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.elsewhere = ""

    @asynccontextmanager
    async def listening(self, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        app = web.Application()
        app.router.add_post("/log", self._take)
        app.router.add_post("/elsewhere", self._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        if self.elsewhere and request.path == "/log":
            raise web.HTTPTemporaryRedirect(self.elsewhere)
        if self.status == 200:
            self.bodies.append(await request.json())
            self.headers.append(dict(request.headers))
        return web.Response(status=self.status)


class TestHttp:
    """JSON batches."""

    async def test_batches_with_a_token(self) -> None:
        office, collector = await written(), Collector()
        async with collector.listening() as port:
            sink = HttpSink(f"http://127.0.0.1:{port}/log", "secret", ssl.create_default_context())
            await forwarding(office, sink, "http").step(await lease(office, "forward-http"))
            await sink.close()
        (body,) = collector.bodies
        assert [entry["sequence"] for entry in body["entries"]] == [1, 2, 3]
        assert body["entries"][0]["hash"] == office.entries[0].hash
        assert [head["sequence"] for head in body["heads"]] == [3]
        assert collector.headers[0]["Authorization"] == "Bearer secret"
        assert collector.headers[0]["Content-Type"] == "application/json"

    @pytest.mark.parametrize("status", [304, 400, 401, 404, 413, 429, 500, 503])
    async def test_whatever_is_no_success_is_sent_again(self, status: int) -> None:
        office, collector = await written(), Collector()
        collector.status = status
        async with collector.listening() as port:
            sink = HttpSink(f"http://127.0.0.1:{port}/log", "", ssl.create_default_context())
            with pytest.raises(Unavailable):
                await forwarding(office, sink).step(await lease(office))
            collector.status = 200
            await forwarding(office, sink).step(await lease(office))
            await sink.close()
        assert len(collector.bodies) == 1

    async def test_no_redirect_is_followed(self) -> None:
        office, collector = await written(), Collector()
        async with collector.listening() as port:
            collector.elsewhere = f"http://127.0.0.1:{port}/elsewhere"
            sink = HttpSink(f"http://127.0.0.1:{port}/log", "secret", ssl.create_default_context())
            with pytest.raises(Unavailable, match="answered 307"):
                await forwarding(office, sink).step(await lease(office))
            await sink.close()
        assert collector.bodies == []

    async def test_a_certificate_is_checked(self, tmp_path: Path) -> None:
        cert, key = certificate(tmp_path)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(cert, key)
        office, collector = await written(), Collector()
        async with collector.listening(server) as port:
            url = f"https://localhost:{port}/log"
            stranger = HttpSink(url, "", ssl.create_default_context())
            with pytest.raises(Unavailable):
                await forwarding(office, stranger).step(await lease(office))
            await stranger.close()
            trusting = HttpSink(url, "", ssl.create_default_context(cafile=str(cert)))
            await forwarding(office, trusting).step(await lease(office))
            await trusting.close()
        assert len(collector.bodies) == 1


class TestAddresses:
    """Where the log does not go."""

    @pytest.mark.parametrize(
        "address",
        [
            "169.254.169.254",
            "169.254.0.1",
            "fe80::1",
            "fe80::1%eth0",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "192.0.0.192",
            "224.0.0.1",
            "ff02::1",
            "0.0.0.0",
            "::",
        ],
    )
    def test_is_never_sent_by_name(self, address: str) -> None:
        assert addresses.forbidden(address)

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "192.0.2.1", "2001:db8::1", "fd00::1"])
    def test_other_addresses_are_fine(self, address: str) -> None:
        assert not addresses.forbidden(address)

    async def test_a_name_that_leads_there_is_refused_and_the_address_itself_is_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("169.254.169.254", 80))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
        with pytest.raises(Unavailable, match="write the address itself"):
            await addresses.resolve("metadata.example", 80, socket.SOCK_STREAM)
        with pytest.raises(Unavailable):
            await addresses.resolve("2852039166", 80, socket.SOCK_STREAM)
        assert await addresses.resolve("169.254.169.254", 80, socket.SOCK_STREAM) == [("169.254.169.254", 80)]

    async def test_the_http_sink_asks_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("169.254.169.254", 80))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
        sink = HttpSink("http://metadata.example/log", "", ssl.create_default_context())
        with pytest.raises(Unavailable):
            await sink.send([], [])
        await sink.close()
