"""A way to a server on loopback that can be closed, for good: then nobody gets there any more."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PIECE = 1 << 16


class Relay:
    """Passes connections on to `target`, a `host:port`, until it is closed."""

    def __init__(self, target: str) -> None:
        self.address = ""
        self._target = target
        self._passing: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    def close(self) -> None:
        """Refuse what comes, and break off what is under way."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._closed(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    async def _closed(self) -> None:
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        host, _, port = self._target.rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        try:
            await asyncio.gather(_pass(reader, back), _pass(there, writer))
        except asyncio.CancelledError:
            pass  # closed
        finally:
            self._passing.discard(task)
            for end in (writer, back):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # an end is gone
        while piece := await source.read(_PIECE):
            target.write(piece)
            await target.drain()
        target.write_eof()


@contextmanager
def relay(target: str) -> Iterator[Relay]:
    """A relay, closed at the end at the latest."""
    opened = Relay(target)
    try:
        yield opened
    finally:
        opened.close()
