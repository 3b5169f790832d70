"""Threads that wait for the disk, so that the event loop does not.

Not the standard library's pool: there each call passes through two futures, three locks and a chain of callbacks, which
takes two to three times as long as waking a thread and being woken by it (docs/performance.md).
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar, cast

T = TypeVar("T")
Settle = Callable[[asyncio.Future[Any], Any, BaseException | None], None]


class _Call(NamedTuple):
    """What a thread is to do, and who waits for it."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    loop: asyncio.AbstractEventLoop
    outcome: asyncio.Future[Any]

    def made(self) -> tuple[Any, BaseException | None]:
        """What it comes to: a value or a failure."""
        try:
            return self.function(*self.arguments), None
        except BaseException as failure:  # noqa: BLE001 - handed to the one who asked, whatever it is
            return None, failure

    def report(self, settle: Settle, value: Any, failure: BaseException | None) -> None:
        """Have the event loop tell the one who asked."""
        with suppress(RuntimeError):  # the loop is closed, and whoever waited is gone with it
            self.loop.call_soon_threadsafe(settle, self.outcome, value, failure)


def _settle(outcome: asyncio.Future[Any], value: Any, failure: BaseException | None) -> None:
    if outcome.done():
        return
    if failure is None:
        outcome.set_result(value)
    else:
        outcome.set_exception(failure)


class DiskThreads:
    """At most `most` threads, each made when all that are there have something to do."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = 0
        self._is_closed = False
        self._closing = threading.Lock()

    def call(self, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Have a thread call a function. A caller that stops waiting leaves it running: it cannot be stopped half-way.

        Needs a running event loop, which the outcome comes back to. Raises RuntimeError after `close`.
        """
        call = self.expected(function, arguments)
        self.begin(lambda: call.report(self.end, *call.made()))
        return cast("asyncio.Future[T]", call.outcome)

    def close(self) -> None:
        """Wait for what the threads still do, and end them. May be called twice."""
        with self._closing:
            self._is_closed = True
            for _ in self._threads:
                self._work.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    # --- what a strand asks for ---------------------------------------------------------------------------------------

    def expected(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> _Call:
        """A call with its outcome still to come. Raises RuntimeError after `close`."""
        if self._is_closed:
            raise RuntimeError("the threads that wait for the disk have ended")
        loop = asyncio.get_running_loop()
        return _Call(function, arguments, loop, loop.create_future())

    def begin(self, work: Callable[[], None]) -> None:
        """Have a thread do something, which reports to `end` when all of it is done. Raises RuntimeError where the
        system has not a single thread for it."""
        if self._open >= len(self._threads) < self._most:
            thread = threading.Thread(target=self._run, name="orlop-disk", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                if not self._threads:
                    raise
            else:
                self._threads.append(thread)
        self._open += 1
        self._work.put(work)

    def put_back(self, work: Callable[[], None]) -> bool:
        """In a thread: leave the rest of some work to whoever comes to it, if anything else waits to be done."""
        if self._work.empty():
            return False
        with self._closing:
            if not self._is_closed:
                self._work.put(work)
            return not self._is_closed

    def end(self, outcome: asyncio.Future[Any], value: Any, failure: BaseException | None) -> None:
        """In the event loop: settle the last, or only, outcome of some work."""
        self._open -= 1
        _settle(outcome, value, failure)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # neither it nor what it came to is kept alive while there is nothing to do


class Strand:
    """Calls that are made one after the other, in their order, by one of the threads at a time.

    Boost.Asio has the name. While calls wait, whoever made one makes the next, unless anything else waits for a thread.
    """

    def __init__(self, threads: DiskThreads) -> None:
        self._threads = threads
        self._waiting: deque[_Call] = deque()
        self._lock = threading.Lock()
        self._is_running = False

    def call(self, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """As DiskThreads.call, after all calls before it."""
        call = self._threads.expected(function, arguments)
        with self._lock:
            self._waiting.append(call)
            is_running, self._is_running = self._is_running, True
        if not is_running:
            try:
                self._threads.begin(self._run)
            except RuntimeError:
                self._waiting.clear()
                self._is_running = False
                raise
        return cast("asyncio.Future[T]", call.outcome)

    def _run(self) -> None:
        while True:
            call = self._waiting.popleft()
            value, failure = call.made()
            with self._lock:
                self._is_running = goes_on = bool(self._waiting)
            call.report(_settle if goes_on else self._threads.end, value, failure)
            del call, value, failure
            if not goes_on or self._threads.put_back(self._run):
                return
