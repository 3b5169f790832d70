"""The short way: requests as most clients make them, by somebody who is known, for something that is known.

Everything about them was worked out before, or they are left to the long way, which can do the same and all the rest.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import msgspec

from orlop.domain.access import Caller
from orlop.domain.names import RepositoryName
from orlop.faces.distribution.request import RequestKind
from orlop.faces.http.asgi import Scope
from orlop.faces.http.credentials import Credentials
from orlop.faces.http.responses import AnyResponse, Headers
from orlop.ports.clock import Clock
from orlop.services.access.known_callers import KnownCaller, KnownCallers

_METHODS = frozenset({"GET", "HEAD"})
#: Where a server lets us keep what we find out of a head, for those that follow and are the same but for their target;
#: and the name under which it is there.
SAME_HEAD, _PLAIN = "orlop.same_head", "plain"


class PlainRequest(msgspec.Struct, frozen=True, gc=False):
    """A plain request: its headers are single, it has neither parameters nor a body, and who asks is remembered."""

    method: str
    target: bytes
    headers: dict[bytes, bytes]
    known_caller: KnownCaller
    caller: Caller
    now: int

    def may_pull(self, repository: RepositoryName | None) -> bool:
        """Whether it is remembered that they may."""
        return self.known_caller.may_pull(repository, self.now)

    def gets_whole(self, repository: RepositoryName) -> bool:
        """Whether they get all of what the target names in a repository that it is remembered they may pull from,
        whatever they have of it already."""
        headers = self.headers
        return self.may_pull(repository) and b"if-none-match" not in headers and b"range" not in headers


class Whole(Protocol):
    """An answer that is in memory, all of it: 200 to whoever gets it whole."""

    @property
    def repository(self) -> RepositoryName:
        """Where they have to be allowed to pull."""
        ...

    @property
    def body(self) -> bytes:
        """Its content."""
        ...

    def headers(self) -> Headers:
        """All that does not depend on the request."""
        ...


W = TypeVar("W", bound=Whole)


class Reading(Protocol[W]):
    """Reads one kind of content, of which it remembers what was asked for."""

    @property
    def kind(self) -> RequestKind:
        """What requests for it are."""
        ...

    def recall(self, target: bytes) -> W | None:
        """The answer that is in memory for a target."""
        ...

    def gives(self, whole: W, method: str) -> bool:
        """Whether nothing has to be asked before it is given, whoever asks for it."""
        ...

    def seen(self, whole: W, asked: PlainRequest) -> None:
        """Note that it was given."""
        ...


class PreparedAnswer(msgspec.Struct, frozen=True, gc=False):
    """What a plain request gets if it is not one too many: `respond` makes the answer, `seen` notes that it was given.

    `respond` raises ContentCorrupt, Unavailable.
    """

    kind: RequestKind
    respond: Callable[[], Awaitable[AnyResponse]]
    seen: Callable[[], None]


class _Seen(msgspec.Struct, frozen=True, gc=False):
    """What a head says whatever its target is. `key`: see KnownCallers."""

    method: str
    headers: dict[bytes, bytes]
    key: bytes
    address: str


class Plain:
    """Tells plain requests from others."""

    def __init__(self, known_callers: KnownCallers, credentials: Credentials, clock: Clock) -> None:
        self._known_callers = known_callers
        self._credentials = credentials
        self._clock = clock

    def read(self, scope: Scope, request_id: str) -> PlainRequest | None:
        """The request, if it is one."""
        target = scope.get("raw_path")
        if target is None:
            return None
        same = scope["extensions"].get(SAME_HEAD) if "extensions" in scope else None
        seen: _Seen | None = same.get(_PLAIN) if same else None
        if seen is None:
            seen = self._see(scope)
            if seen is None:
                return None
            if same is not None:
                same[_PLAIN] = seen
        now = self._clock.now()
        known_caller = self._known_callers.recall(seen.key, now)
        if known_caller is None:
            return None
        caller = Caller(known_caller.subject, seen.address, request_id)
        return PlainRequest(seen.method, target, seen.headers, known_caller, caller, now)

    def _see(self, scope: Scope) -> _Seen | None:
        method, lines = scope["method"], scope["headers"]
        if method not in _METHODS or scope["http_version"] >= "2" or scope["query_string"]:
            return None
        headers: dict[bytes, bytes] = dict(lines)
        if len(headers) != len(lines) or b"content-length" in headers or b"transfer-encoding" in headers:
            return None
        key = self._known_callers.key(self._credentials.of(scope, headers))
        return _Seen(method, headers, key, self._credentials.proxies.client(scope, headers))
