"""Threads that wait for the disk, so that the event loop does not.

Not the standard library's pool: there each call passes through two futures, three locks and a chain of callbacks, which
takes two to three times as long as waking a thread and being woken by it (docs/performance.md).
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar, cast

T = TypeVar("T")


class _Call(NamedTuple):
    """What a thread is to do, and who waits for it."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    loop: asyncio.AbstractEventLoop
    outcome: asyncio.Future[Any]


class DiskThreads:
    """At most `most` threads, each made when all that are there have something to do."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = 0
        self._is_closed = False

    def call(self, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Have a thread call a function. Whoever stops waiting leaves it running: it cannot be stopped half-way.

        Needs a running event loop, which the outcome comes back to. Raises RuntimeError after `close`.
        """
        if self._is_closed:
            raise RuntimeError("the threads that wait for the disk have ended")
        loop = asyncio.get_running_loop()
        outcome = loop.create_future()
        self._open += 1
        if self._open > len(self._threads) < self._most:
            thread = threading.Thread(target=self._run, name="orlop-disk", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._calls.put(_Call(function, arguments, loop, outcome))
        return cast("asyncio.Future[T]", outcome)

    def close(self) -> None:
        """Wait for what the threads still do, and end them. May be called twice."""
        self._is_closed = True
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            self._make(call)
            del call  # neither it nor what it came to is kept alive while there is nothing to do

    def _make(self, call: _Call) -> None:
        try:
            value = call.function(*call.arguments)
        except BaseException as failure:  # noqa: BLE001 - handed to the one who asked, whatever it is
            self._report(call, None, failure)
        else:
            self._report(call, value, None)

    def _report(self, call: _Call, value: Any, failure: BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop is closed, and whoever waited is gone with it
            call.loop.call_soon_threadsafe(self._settle, call.outcome, value, failure)

    def _settle(self, outcome: asyncio.Future[Any], value: Any, failure: BaseException | None) -> None:
        self._open -= 1
        if outcome.done():
            return
        if failure is None:
            outcome.set_result(value)
        else:
            outcome.set_exception(failure)
