"""What is sent over the wire: to addresses that may be connected to and nowhere else, bounded in time and size."""

import asyncio
import ssl
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from orlop.adapters.addresses import named
from orlop.adapters.webhooks.sender import ANSWER_MAX, HttpSender
from orlop.ports.webhooks import Answer, Outgoing
from tests.receivers import Authority, Receiver

HERE = ("127.0.0.0/8", "::1/128")


async def sent(
    url: str, *, networks: Sequence[str] = HERE, seconds: float = 10.0, proxy: str = "", **fields: Any
) -> Answer:
    """What comes of one request."""
    sender = HttpSender(tuple(networks), proxy, seconds=seconds)
    try:
        return await sender.send(Outgoing(url, {"content-type": "text/plain"}, b"hello", **fields))
    finally:
        await sender.close()


#: However loopback, private and link-local addresses are written, in the hosts of URLs.
FORBIDDEN = [
    *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"),
    *("[::ffff:7f00:1]", "0.0.0.0", "[::]", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fd00::1]"),
    *("[::ffff:10.0.0.1]", "167772161", "169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "2852039166"),
    *("[64:ff9b::a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "100.100.100.200", "224.0.0.1"),
    *("255.255.255.255", "[fd00:ec2::254]", "168.63.129.16"),
]


@pytest.mark.parametrize("host", FORBIDDEN)
async def test_nothing_goes_to_addresses_of_ones_own_however_they_are_written(host: str) -> None:
    receiver = Receiver()
    async with receiver.listening() as port:
        answer = await sent(f"http://{host}:{port}/x", networks=())
    assert answer.status == 0
    assert receiver.requests == []
    assert receiver.connections == 0
    assert "may not be connected to" in answer.error or "cannot be reached" in answer.error


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_addresses_in_networks_that_are_named_are_reached(host: str) -> None:
    receiver = Receiver()
    async with receiver.listening() as port:
        assert (await sent(f"http://{host}:{port}/x?y=1")).status == 200
    assert receiver.requests[0].target == "/x?y=1"


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254"])
def test_where_machines_are_given_credentials_is_no_network_that_can_be_named(address: str) -> None:
    assert not named(("0.0.0.0/0", "::/0"))(address)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("::ffff:10.1.2.3", "10.0.0.0/8"),
        ("fd00::1", "fd00::/8"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_private_addresses_are_for_those_who_name_their_network(address: str, network: str) -> None:
    assert named((network,))(address)
    assert not named(())(address)


class _Names(AbstractResolver):
    """Resolves every name to what the list says next: what a name server does that rebinds."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ResolveResult(hostname=host, host=answer, port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing() -> None:
    allowed, other = Receiver(), Receiver()
    sender = HttpSender(("127.0.0.2/32",))
    async with allowed.listening() as port:
        outgoing = Outgoing(f"http://rebinding.example:{port}/", {}, b"x")
        session = await sender._session(URL(outgoing.url), outgoing)
        session.connector._resolver = _Names("127.0.0.1")  # type: ignore[union-attr]
        answer = await sender.send(outgoing)
    await sender.close()
    assert "127.0.0.1 is a loopback address" in answer.error
    assert "outbound.networks" in answer.error
    assert allowed.requests == other.requests == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(status: int) -> None:
    receiver = Receiver()
    receiver.status = lambda _: status
    async with receiver.listening() as port:
        answer = await sent(f"http://127.0.0.1:{port}/x")
    assert answer.status == status
    assert not answer.fine
    assert len(receiver.requests) == 1


async def test_of_an_answer_its_beginning_is_kept_and_an_endless_one_is_not_read() -> None:
    receiver = Receiver()
    receiver.answer = b"a" * 10_000
    async with receiver.listening() as port:
        assert (await sent(f"http://127.0.0.1:{port}/x")).body == "a" * ANSWER_MAX
        receiver.more = b"b" * 65_536
        answer = await sent(f"http://127.0.0.1:{port}/x", seconds=5)
        receiver.more = b""
    assert (answer.status, len(answer.body)) == (200, ANSWER_MAX)
    assert answer.fine


async def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    receiver = Receiver()
    receiver.answer = b"\xff\0ok"
    async with receiver.listening() as port:
        assert (await sent(f"http://127.0.0.1:{port}/x")).body == "��ok"


async def test_a_receiver_that_hangs_is_given_up() -> None:
    receiver = Receiver()
    receiver.hangs = True
    async with receiver.listening() as port:
        answer = await sent(f"http://127.0.0.1:{port}/x", seconds=0.3)
    assert answer == Answer(error="127.0.0.1 did not answer in 0.3 seconds")


async def test_a_receiver_that_is_not_there_is_told() -> None:
    receiver = Receiver()
    async with receiver.listening() as port:
        pass
    answer = await sent(f"http://127.0.0.1:{port}/x")
    assert answer.error.startswith("127.0.0.1 cannot be reached: ")


async def test_certificates_are_checked_by_authorities_of_ones_own(tmp_path: Path) -> None:
    ours, others = Authority(), Authority()
    receiver = Receiver()
    async with receiver.listening(ours.context(tmp_path)) as port:
        url = f"https://localhost:{port}/x"
        assert (await sent(url, ca=ours.pem)).status == 200
        for ca in (others.pem, ""):
            answer = await sent(url, ca=ca)
            assert answer.status == 0
            assert "certificate verify failed" in answer.error.lower()
        assert "cannot be used" in (await sent(url, ca="no certificate")).error
        assert "mismatch" in (await sent(f"https://127.0.0.1:{port}/x", ca=ours.pem)).error
    assert len(receiver.requests) == 1


async def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    authority, receiver = Authority(), Receiver()
    certificate, key = authority.certificate("registry")
    async with receiver.listening(authority.context(tmp_path, clients=True)) as port:
        url = f"https://localhost:{port}/x"
        assert (await sent(url, ca=authority.pem, certificate=certificate, key=key)).status == 200
        assert receiver.certificate is not None
        assert receiver.certificate["subject"] == ((("commonName", "registry"),),)
        assert (await sent(url, ca=authority.pem)).status == 0
        assert "cannot be used" in (await sent(url, ca=authority.pem, certificate=certificate, key="x")).error


async def test_through_a_proxy_names_are_its_business_and_addresses_are_ours() -> None:
    proxy = Receiver()
    async with proxy.listening() as port:
        through = f"http://127.0.0.1:{port}"
        answer = await sent("http://hooks.example/x", networks=(), proxy=through)
        assert answer.status == 200
        for host in ("10.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "169.254.169.254"):
            refused = await sent(f"http://{host}/x", networks=(), proxy=through)
            assert "may not be connected to" in refused.error, host
    assert [received.target for received in proxy.requests] == ["http://hooks.example/x"]


@pytest.mark.parametrize(
    ("url", "answer", "said"),
    [
        ("https://hooks.example/hush", b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "the proxy answered 407"),
        ("http://hooks.example/hush", b"SSH-2.0-OpenSSH\r\n\r\n", "what it answered is no HTTP"),
    ],
)
async def test_no_error_tells_the_url_nor_the_password_of_a_proxy(url: str, answer: bytes, said: str) -> None:
    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(answering, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        answered = await sent(url, proxy=f"http://us:hunter22@127.0.0.1:{port}")
    assert answered == Answer(error=f"hooks.example cannot be reached: {said}")


async def test_many_receivers_do_not_hold_connections_for_ever() -> None:
    receiver, sender = Receiver(), HttpSender(HERE)
    async with receiver.listening() as port:
        for number in range(1, 80):
            answer = await sender.send(Outgoing(f"http://127.0.0.{number}:{port}/x", {}, b"x"))
            assert answer.status == 200 or "cannot be reached" in answer.error
        assert len(sender._sessions) <= 65
    await sender.close()


async def test_connections_that_two_let_go_of_at_once_are_closed_once() -> None:
    sender, everybody = HttpSender(("127.0.0.0/8",)), asyncio.Event()
    arrived = 0

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        await reader.readuntil(b"\r\n\r\n")
        arrived += 1
        if arrived == 79:
            everybody.set()
        await everybody.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(answering, "0.0.0.0", 0) as server:
        port = server.sockets[0].getsockname()[1]

        def send(number: int) -> Coroutine[Any, Any, Answer]:
            return sender.send(Outgoing(f"http://127.0.1.{number}:{port}/x", {}, b"x"))

        await asyncio.gather(*(send(number) for number in range(1, 80)))
        answers = await asyncio.gather(*(send(number) for number in range(100, 105)))
        assert {answer.status for answer in answers} == {200}
        await sender.close()


def test_tls_below_1_2_is_refused() -> None:
    from orlop.adapters.webhooks.sender import _context

    assert _context("", "", "").minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_requests_side_by_side_share_one_set_of_connections() -> None:
    receiver, sender = Receiver(), HttpSender(HERE)
    async with receiver.listening() as port:
        outgoing = Outgoing(f"http://127.0.0.1:{port}/x", {}, b"x")
        answers = await asyncio.gather(*(sender.send(outgoing) for _ in range(10)))
        assert {answer.status for answer in answers} == {200}
        assert len(sender._sessions) == 1
    await sender.close()
