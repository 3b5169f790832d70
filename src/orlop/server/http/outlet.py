"""Sends parts of files past the transport, on the socket itself, and waits where that is full."""

import asyncio
import os
import socket


class Outlet:
    """The way out of one connection for files.

    To wait for room takes a descriptor of its own, since the loop keeps that of the transport to itself. It is made
    when it is first needed and let go of when nobody sends.
    """

    __slots__ = ("_client", "_loop", "_room", "_watched", "moved")

    def __init__(self, loop: asyncio.AbstractEventLoop, client: socket.socket) -> None:
        self._loop = loop
        self._client = client
        self._watched: socket.socket | None = None
        self._room: asyncio.Future[None] | None = None
        #: Bytes that the system has taken.
        self.moved = 0

    @property
    def is_waiting(self) -> bool:
        """Whether somebody waits for room."""
        return self._room is not None and not self._room.done()

    async def send(self, head: bytes, descriptor: int, offset: int, count: int) -> None:
        """`head` and bytes of a file. Raises EOFError when it has fewer, OSError when it cannot be read, and
        ConnectionError when the client is gone."""
        descriptor_out = self._client.fileno()
        while head:
            try:
                sent = self._client.send(head, socket.MSG_MORE)
            except BlockingIOError:
                await self._writable()
                continue
            head = head[sent:]
            self.moved += sent
        while count:
            try:
                sent = os.sendfile(descriptor_out, descriptor, offset, count)
            except BlockingIOError:
                await self._writable()
                continue
            if not sent:
                raise EOFError
            offset += sent
            count -= sent
            self.moved += sent

    async def _writable(self) -> None:
        watched = self._watched
        if watched is None:
            watched = self._watched = self._client.dup()
        self._room = self._loop.create_future()
        self._loop.add_writer(watched, self.wake)
        try:
            await self._room
        finally:
            if self._watched is not None:
                self._loop.remove_writer(watched)
        if self._watched is None:
            raise ConnectionResetError

    def wake(self) -> None:
        """Waiting tasks are to look again."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def close(self) -> None:
        """Let go of the descriptor. Waiting tasks learn that the client is gone."""
        watched, self._watched = self._watched, None
        if watched is not None:
            self._loop.remove_writer(watched)
            watched.close()
        self.wake()
