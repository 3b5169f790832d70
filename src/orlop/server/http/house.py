"""What connections share, and the words in which they speak with applications."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from orlop.server.http.pace import Patience

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
#: A whole answer: status, fields as they are sent with the length among them, and body.
Whole = tuple[int, bytes, bytes]
#: Beside ASGI: the answer to a request whose head has arrived, if it can be given without waiting for anything. None:
#: ask as ASGI asks, as for every request that has a body. It costs less, for there are no tasks and no queues.
AtOnce = Callable[[Message], Whole | None]


class Unread(NamedTuple):
    """A request that was refused before anybody was asked: what is known of it, as it came, and who sent it."""

    status: int
    method: str
    target: str
    client: str


#: Is told of each.
OnUnread = Callable[[Unread], None]

#: An extension of ASGI: the connection, as far as an application needs it that wants to know who keeps it waiting.
#: `late` is for how many seconds the client has, and not made good; `cut` ends it.
PACE = "orlop.pace"


class Guest(Protocol):
    """A connection, as far as those know it who let it in: see connection.Connection."""

    waiting_since: float | None

    @property
    def late(self) -> float: ...
    def last_call(self) -> None: ...
    def renewed(self) -> None: ...
    def look(self, now: float, since: float, patience: Patience) -> bool: ...
    def make_way(self) -> bool: ...
    def abort(self) -> None: ...


class House(Protocol):
    """What the connections of a worker share."""

    is_draining: bool
    is_secure: bool
    date: bytes
    head_bytes: int
    application: Application
    at_once: AtOnce
    unread: OnUnread
    cuts: int  # how many clients were cut off for keeping the server waiting

    def entered(self, guest: Guest) -> None:
        """A client is here."""
        ...

    def left(self, guest: Guest) -> None:
        """It is gone."""
        ...

    def holds(self, guest: Guest, unsent: int) -> None:
        """So many bytes wait in memory for the client; 0: no more than is usual."""
        ...
