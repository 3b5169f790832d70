"""Proxies on loopback: HTTP with CONNECT (RFC 9110, section 9.3.6) and with whole URLs, and SOCKS5 (RFC 1928, 1929).

They note where they were asked to go, and refuse whoever does not give the name and password that they want. Names that
end in `.test` are this machine's; others are not looked up.
"""

import asyncio
import base64
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address


class Tunnels:
    """What both have in common."""

    def __init__(self, user: str = "", password: str = "") -> None:
        self.user, self.password = user, password
        self.asked: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[str, None]:
        """`host:port`, until the block ends."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self.serve(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        raise NotImplementedError

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Go where a client wants to go."""
        self.asked.append(f"{host}:{port}")
        return await asyncio.open_connection("127.0.0.1" if host.endswith(".test") else host, port)

    @staticmethod
    async def join(
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Carry both ways until both sides are done."""

        async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while piece := await source.read(65_536):
                    target.write(piece)
                    await target.drain()
                if target.can_write_eof():
                    target.write_eof()

        try:
            await asyncio.gather(carry(reader, there[1]), carry(there[0], writer))
        finally:
            there[1].close()


class HttpProxy(Tunnels):
    """Carries connections for CONNECT, and single requests for whole URLs."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        wanted = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self.user and headers.get("proxy-authorization") != wanted:
            writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            return
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            there = await self.connect(host.strip("[]"), int(port))
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            authority, _, path = target.removeprefix("http://").partition("/")
            host, _, port = authority.rpartition(":")
            there = await self.connect(host, int(port))
            kept = [line for line in lines if not line.lower().startswith(("proxy-", "connection:"))]
            whole = "\r\n".join([f"{method} /{path} HTTP/1.1", *kept, "Connection: close", "", ""])
            there[1].write(whole.encode("latin-1"))
        await self.join(reader, writer, there)


class SocksProxy(Tunnels):
    """Carries connections for the command CONNECT."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        method = 2 if self.user else 0
        if version != 5 or method not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, method]))
        if method == 2 and not await self._is_known(reader, writer):
            return
        version, command, _, kind = await reader.readexactly(4)
        if kind == 3:
            (length,) = await reader.readexactly(1)
            host = (await reader.readexactly(length)).decode("ascii")
        else:
            host = str(ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        try:
            there = await self.connect(host, port)
        except OSError:
            writer.write(b"\x05\x05\x00\x01" + bytes(6))
            return
        assert (version, command) == (5, 1)
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await self.join(reader, writer, there)

    async def _is_known(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        _, length = await reader.readexactly(2)
        user = await reader.readexactly(length)
        (length,) = await reader.readexactly(1)
        password = await reader.readexactly(length)
        known = (user.decode(), password.decode()) == (self.user, self.password)
        writer.write(b"\x01\x00" if known else b"\x01\x01")
        return known
