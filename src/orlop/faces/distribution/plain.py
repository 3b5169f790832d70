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


class Plain:
    """Tells plain requests from others."""

    def __init__(self, standings: Standings, proxies: Proxies, clock: Clock) -> None:
        self._standings = standings
        self._proxies = proxies
        self._clock = clock

    def read(self, scope: Scope, request_id: str) -> Asked | None:
        """The request, if it is one."""
        if scope["method"] not in _METHODS or scope["http_version"] >= "2" or scope["query_string"]:
            return None
        target = scope.get("raw_path")
        if target is None:
            return None
        lines = scope["headers"]
        headers: dict[bytes, bytes] = dict(lines)
        if len(headers) != len(lines) or b"content-length" in headers or b"transfer-encoding" in headers:
            return None
        now = self._clock.now()
        standing = self._standings.recall(headers.get(b"authorization", b""), now)
        if standing is None:
            return None
        caller = Caller(standing.subject, self._proxies.client(scope, headers), request_id)
        return Asked(scope["method"], target, headers, standing, caller, now)
