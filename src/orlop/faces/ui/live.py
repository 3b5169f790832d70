"""What keeps an open page as things are: a stream of server-sent events (HTML, section 9.2), one for a page.

It ends with the session, with the right to see the page, and with the server; how many are open at once is bounded.
Pages are whole without it: a browser without scripts loads them again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from orlop.domain.errors import RegistryError, TooManyRequests, Unavailable
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.services.identity.sessions import BrowserSessions

#: Streams of one account, and of all accounts, in one process. A browser opens six connections to a host.
EACH, ALL = 4, 128
#: How often it is looked whether something is another, in seconds.
TICK = 1.0
#: Ticks after which a part is made anew though nothing is known to have changed, and after which a line is sent that
#: says nothing, so that a client that left is noticed.
_STALE, _QUIET = 10, 15

_OVER = "You are not signed in any more, or may not see this any more. Load the page again."
_HEADERS = (("cache-control", "no-store"), ("x-accel-buffering", "no"))


class Shown(msgspec.Struct, frozen=True):
    """A part of a page. `moving`: it is to be made anew at the next look, whatever is known of changes."""

    text: str
    moving: bool = False


#: Makes the part for the page that is open. Raises RegistryError where it may not be seen any more.
Making = Callable[[UiExchange], Awaitable[Shown]]


class Watch(msgspec.Struct, frozen=True):
    """What streams look at. `draining`: the server is about to end; `jobs`: see `Live.stream`, about jobs."""

    draining: Callable[[], bool] = lambda: False
    jobs: Callable[[], object] = lambda: None


class Live:
    """The streams of one process."""

    def __init__(
        self,
        sessions: BrowserSessions,
        draining: Callable[[], bool],
        *,
        each: int = EACH,
        total: int = ALL,
        tick: float = TICK,
    ) -> None:
        self._sessions = sessions
        self._draining = draining
        self._each = each
        self._total = total
        self._tick = tick
        self._open: Counter[int] = Counter()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open.total()

    async def stream(self, exchange: UiExchange, making: Making, changes: Callable[[], object]) -> Reply:
        """A stream of a part of a page, which is sent when it is another. `changes` gives what is another after
        anything changed that it shows, or who may see it.

        Raises TooManyRequests, and what `making` raises at first.
        """
        visitor = exchange.visitor
        assert visitor is not None, "routes that stream are not open"
        account = visitor.account.id
        first = await making(exchange)
        if self._open[account] >= self._each or self.open >= self._total:
            raise TooManyRequests("too many pages are open that show what happens; close some", retry_after=60)
        self._open[account] += 1

        def leave() -> None:
            self._open[account] -= 1
            self._open += Counter()  # keeps no account at none

        parts = self._parts(exchange, making, changes, first)
        return Reply(200, content_type="text/event-stream", headers=_HEADERS, parts=parts, leave=leave)

    async def _parts(
        self, exchange: UiExchange, making: Making, changes: Callable[[], object], shown: Shown
    ) -> AsyncIterator[bytes]:
        count, age, quiet = changes(), 0, 0
        yield b"retry: 3000\n\n" + event("part", shown.text)
        while not self._draining():
            await asyncio.sleep(self._tick)
            age, quiet, told = age + 1, quiet + 1, b""
            try:
                if not await self._is_theirs(exchange):
                    yield event("over", _OVER)
                    return
                now = changes()
                if now != count or shown.moving or age >= _STALE:
                    before, count, age = shown, now, 0
                    shown = await making(exchange)
                    told = event("part", shown.text) if shown.text != before.text else b""
            except Unavailable:
                continue  # the catalog is away: what is shown is the last that was known
            except RegistryError:
                yield event("over", _OVER)
                return
            if told or quiet >= _QUIET:
                quiet = 0
                yield told or b":\n\n"

    async def _is_theirs(self, exchange: UiExchange) -> bool:
        """Whether the session is what it was. Watching does not make it last longer."""
        before = exchange.visitor
        assert before is not None
        now = await self._sessions.look(exchange.secret, address=exchange.address, request=exchange.request)
        return now is not None and now.account.id == before.account.id and not now.account.must_change


def event(name: str, text: str) -> bytes:
    """One event: a line of data for each line of the text."""
    lines = "".join(f"data: {line}\n" for line in text.replace("\r", "").split("\n"))
    return f"event: {name}\n{lines}\n".encode()
