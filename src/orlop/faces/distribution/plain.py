"""The short way: requests as most clients make them, by somebody who is known, for something that is known.

Everything about them was worked out before, or they are left to the long way, which can do the same and all the rest.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from orlop.domain.access import Caller
from orlop.domain.names import RepositoryName
from orlop.faces.distribution.request import Kind
from orlop.faces.distribution.responses import AnyResponse
from orlop.faces.proxies import Proxies
from orlop.ports.clock import Clock
from orlop.services.standing import Standing, Standings

Scope = dict[str, Any]

_METHODS = frozenset({"GET", "HEAD"})
#: Where a server lets us keep what we find out of a head, for those that follow and are the same but for their target;
#: and the name under which it is there.
SAME_HEAD, _PLAIN = "orlop.same_head", "plain"


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A plain request: its headers are single, it has neither parameters nor a body, and who asks is remembered."""

    method: str
    target: bytes
    headers: dict[bytes, bytes]
    standing: Standing
    caller: Caller
    now: int

    def may_pull(self, repository: RepositoryName | None) -> bool:
        """Whether it is remembered that they may."""
        return self.standing.may_pull(repository, self.now)


class Given(msgspec.Struct, frozen=True, gc=False):
    """What a plain request gets if it is not one too many: `respond` makes the answer, `seen` notes that it was given.

    `respond` raises ContentCorrupt, Unavailable.
    """

    kind: Kind
    respond: Callable[[], Awaitable[AnyResponse]]
    seen: Callable[[], None]


class _Seen(msgspec.Struct, frozen=True, gc=False):
    """What a head says whatever its target is. `key`: see Standings."""

    method: str
    headers: dict[bytes, bytes]
    key: bytes
    address: str


class Plain:
    """Tells plain requests from others."""

    def __init__(self, standings: Standings, proxies: Proxies, clock: Clock) -> None:
        self._standings = standings
        self._proxies = proxies
        self._clock = clock

    def read(self, scope: Scope, request_id: str) -> Asked | None:
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
        standing = self._standings.recall(seen.key, now)
        if standing is None:
            return None
        caller = Caller(standing.subject, seen.address, request_id)
        return Asked(seen.method, target, seen.headers, standing, caller, now)

    def _see(self, scope: Scope) -> _Seen | None:
        method, lines = scope["method"], scope["headers"]
        if method not in _METHODS or scope["http_version"] >= "2" or scope["query_string"]:
            return None
        headers: dict[bytes, bytes] = dict(lines)
        if len(headers) != len(lines) or b"content-length" in headers or b"transfer-encoding" in headers:
            return None
        key = self._standings.key(headers.get(b"authorization", b""))
        return _Seen(method, headers, key, self._proxies.client(scope, headers))
