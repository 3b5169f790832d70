"""Sends entries as syslog messages: RFC 5424, over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425).

Syslog acknowledges nothing. Over TCP and TLS a batch counts as sent when the system took it from us and the connection
stood for a moment after it; over UDP when it was sent. What was lost on the way shows in the sequence numbers.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from orlop.adapters.forwarding.addresses import resolve
from orlop.domain.audit import Chained, Head, timestamp
from orlop.domain.errors import Unavailable

#: Facility 13, log audit (RFC 5424, 6.2.1); severities notice and warning.
_FACILITY, _NOTICE, _WARNING = 13, 5, 4
#: How long connecting and sending a batch may take, in seconds, and the moment that a connection has to stand.
_CONNECT, _SEND, _STANDS = 5.0, 5.0, 0.05
#: Bytes of a datagram that every network takes (RFC 5426, 3.2).
_DATAGRAM = 2048
#: Ours below the private enterprise number that is for documentation (RFC 5612).
_ID = "orlop@32473"


class SyslogSink:
    """See ports.audit.AuditSink. `transport` is `udp`, `tcp` or `tls`; `context` checks certificates."""

    def __init__(self, transport: str, host: str, port: int, context: ssl.SSLContext | None, own_name: str) -> None:
        self._transport = transport
        self._host = host
        self._port = port
        self._context = context
        self._own_name = own_name or "-"
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, entries: Sequence[Chained], heads: Sequence[Head]) -> None:
        messages = [self._entry(each) for each in entries] + [self._head(head) for head in heads]
        try:
            if self._transport == "udp":
                await self._datagrams(messages)
            else:
                async with asyncio.timeout(_CONNECT + _SEND):
                    await self._framed(messages)
        except (OSError, TimeoutError, ssl.SSLError) as cause:
            await self.close()
            why = getattr(cause, "strerror", None) or str(cause) or "it did not take the messages in time"
            raise Unavailable(f"the syslog server {self._host}:{self._port} cannot be reached: {why}") from cause

    async def close(self) -> None:
        if self._stream is not None:
            writer = self._stream[1]
            self._stream = None
            writer.close()
            with suppress(OSError, ssl.SSLError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), _STANDS * 20)

    async def _datagrams(self, messages: list[bytes]) -> None:
        place = (await resolve(self._host, self._port, socket.SOCK_DGRAM))[0]
        family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as udp:
            udp.setblocking(False)
            for message in messages:
                await asyncio.get_running_loop().sock_sendto(udp, message[:_DATAGRAM], place)

    async def _framed(self, messages: list[bytes]) -> None:
        """Octet counting (RFC 6587, 3.4.1; RFC 5425, 4.3): the length, a space, the message."""
        reader, writer = self._stream or await self._connected()
        self._stream = reader, writer
        writer.write(b"".join(b"%d %b" % (len(message), message) for message in messages))
        await writer.drain()
        # A server that is gone says so now: what it never read would else count as sent.
        with suppress(TimeoutError):
            async with asyncio.timeout(_STANDS):
                if not await reader.read(1):
                    raise ConnectionResetError("it closed the connection")

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        failure: OSError | None = None
        for address, port in await resolve(self._host, self._port, socket.SOCK_STREAM):
            try:
                return await asyncio.open_connection(
                    address,
                    port,
                    ssl=self._context,
                    server_hostname=self._host if self._context is not None else None,
                )
            except OSError as cause:
                failure = cause
        raise failure or OSError("there is no address")

    def _entry(self, chained: Chained) -> bytes:
        entry = chained.entry
        severity = _WARNING if entry.refused else _NOTICE
        data = {
            "sequence": str(entry.sequence),
            "kind": entry.kind,
            "actor": entry.actor,
            "repository": entry.repository,
            "address": entry.address,
            "hash": chained.hash,
        }
        body = msgspec.json.encode({**msgspec.structs.asdict(entry), "hash": chained.hash})
        return self._message(severity, entry.at, "entry", data, body)

    def _head(self, head: Head) -> bytes:
        data = {"sequence": str(head.sequence), "hash": head.hash, "key": head.key}
        return self._message(_NOTICE, head.at, "head", data, msgspec.json.encode(head))

    def _message(self, severity: int, at: int, kind: str, data: dict[str, str], body: bytes) -> bytes:
        """RFC 5424, section 6. The body is JSON, which is ASCII or UTF-8 without line breaks: marked with a BOM."""
        structured = " ".join(f'{name}="{_escaped(value)}"' for name, value in data.items() if value)
        head = f"<{_FACILITY * 8 + severity}>1 {timestamp(at)} {self._own_name} orlop - {kind} [{_ID} {structured}] "
        return head.encode() + b"\xef\xbb\xbf" + body


def _escaped(value: str) -> str:
    """RFC 5424, section 6.3.3."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]").replace("\n", " ").replace("\r", " ")
