"""Where addresses lie, and that a connection goes nowhere else than it may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from orlop.adapters.addresses import OPERATORS, STRANGERS, AddressRefused, Reach, connector, lying, reach

REACHES = {
    Reach.PUBLIC: ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "1.1.1.1"],
    Reach.LOOPBACK: ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
    Reach.LINK_LOCAL: [
        *("169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"),
        *("2002:a9fe:a9fe::", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "::ffff:a9fe:a9fe", "192.0.0.192"),
    ],
    Reach.PRIVATE: [
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "198.18.0.1"),
        *("192.0.2.1", "203.0.113.9", "fc00::1", "fdff::1", "fec0::1", "2001:db8::1", "::ffff:10.0.0.1"),
        *("64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::", "::ffff:192.168.0.1"),
    ],
    Reach.NOWHERE: [
        *("0.0.0.0", "0.1.2.3", "::", "255.255.255.255", "240.0.0.1", "224.0.0.1", "ff02::1", "::7f00:1"),
        *("::ffff:0.0.0.0", "2001:0:53aa:64c:0:fbff:8000:1", "", "localhost", "2130706433", "0x7f000001", "0177.0.0.1"),
        *("127.1", "1.2.3.4.5", "[::1]", "example.org", "127.0.0.1:80", "１２７.0.0.1 "),
    ],
}


@pytest.mark.parametrize(("text", "where"), [(text, where) for where, texts in REACHES.items() for text in texts])
def test_where_an_address_lies(text: str, where: Reach) -> None:
    assert reach(text) is where


class Names(AbstractResolver):
    """Resolves every name to what the list says next: what a name server does that rebinds."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ResolveResult(hostname=host, host=answer, port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, list[bytes]]]:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def causes(error: BaseException | None) -> list[BaseException]:
    return [] if error is None else [error, *causes(error.__cause__ or getattr(error, "os_error", None))]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"]
)
async def test_however_loopback_is_written_a_stranger_cannot_send_us_there(host: str) -> None:
    async with listening() as (port, heard), aiohttp.ClientSession(connector=connector(lying(STRANGERS))) as session:
        with pytest.raises((aiohttp.ClientError, ValueError, OSError)):
            await session.get(f"http://{host}:{port}/")
        assert heard == []


async def test_the_address_that_is_connected_to_is_the_one_that_was_checked() -> None:
    async with listening() as (port, heard):
        guarded = connector(lying(STRANGERS))
        guarded._resolver = Names("127.0.0.1")
        async with aiohttp.ClientSession(connector=guarded) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as refused:
                await session.get(f"http://rebinding.example:{port}/")
        assert any(isinstance(cause, AddressRefused) for cause in causes(refused.value))
        assert "127.0.0.1 is a loopback address" in str(refused.value)
        assert heard == []


async def test_what_is_permitted_is_reached() -> None:
    async with listening() as (port, heard), aiohttp.ClientSession(connector=connector(lying(OPERATORS))) as session:
        async with session.get(f"http://127.0.0.1:{port}/") as response:
            assert await response.text() == "ok"
        assert heard == [b"GET / HTTP/1.1\r\n"]
