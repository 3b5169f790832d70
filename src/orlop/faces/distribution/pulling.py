"""Pulls of manifests that are answered from memory: found by the bytes of their target, before anything is parsed."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from orlop.domain.digest import Digest
from orlop.faces.distribution.answers import Answers
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.manifests import ManifestHandlers
from orlop.faces.distribution.request import Request
from orlop.faces.distribution.responses import Header, Response
from orlop.ports.catalog import Pull
from orlop.ports.clock import Clock
from orlop.services.standing import Standing, Standings

Scope = dict[str, Any]

_METHODS = frozenset({"GET", "HEAD"})
_TAIL: tuple[Header, ...] = ((b"server", b"orlop"),)


class Ready(msgspec.Struct, frozen=True, gc=False):
    """A manifest as it is answered, and everything that is the same for each request for it."""

    request: Request
    found: Response
    pull: Pull
    headers: tuple[Header, ...]
    """All but the name of the request."""


class Warm(msgspec.Struct, frozen=True, gc=False):
    """A request that is answered from memory: with what, to whom, and its headers."""

    ready: Ready
    standing: Standing
    headers: Mapping[bytes, bytes]


class Pulling:
    """Manifests by tag and digest. `answers` forgets them when content changes, `standings` who may pull them."""

    def __init__(self, handlers: ManifestHandlers, answers: Answers[Ready], standings: Standings, clock: Clock) -> None:
        self._handlers = handlers
        self._answers = answers
        self._standings = standings
        self._clock = clock

    def recall(self, scope: Scope) -> Warm | None:
        """The answer to a request, if nothing about it has to be looked up or worked out.

        That is a GET or HEAD without conditions and without a body, for what was asked for before in the same words,
        by somebody of whom it is remembered that they may pull it.
        """
        if scope["method"] not in _METHODS or scope["http_version"] >= "2":
            return None
        lines = scope["headers"]
        headers: dict[bytes, bytes] = dict(lines)
        if (
            len(headers) != len(lines)
            or b"if-none-match" in headers
            or b"content-length" in headers
            or b"transfer-encoding" in headers
        ):
            return None
        key = (scope.get("raw_path"), scope["query_string"], headers.get(b"accept"))
        ready = self._answers.recall(key)
        if ready is None:
            return None
        now = self._clock.now()
        standing = self._standings.recall(headers.get(b"authorization", b""), now)
        if standing is None or not standing.may_pull(ready.request.repository, now):
            return None
        return Warm(ready, standing, headers)

    def seen(self, ready: Ready, *, counted: bool) -> None:
        """Note a pull."""
        self._handlers.seen(ready.pull, counted=counted)

    async def answer(
        self, scope: Scope, request: Request, exchange: Exchange, named: Callable[[Response], Response]
    ) -> tuple[Response, Pull]:
        """GET and HEAD of a manifest by whoever may: from memory while the catalog is as it was, else with one query.
        With what was pulled.

        `named` adds what only depends on the target.
        """
        if exchange.hidden:
            await self._handlers.find(request, exchange)
        key = (scope.get("raw_path"), scope["query_string"], exchange.headers.get(b"accept"))
        ready = self._answers.recall(key)
        if ready is None:
            asked = sum(len(part) for part in key if part is not None)
            ready = await self._answers.ask(
                key,
                self._found(request, exchange, named),
                lambda found: len(found.found.body) + asked,
                by_digest=isinstance(request.reference, Digest),
            )
        return self._handlers.answer(ready.found, ready.pull, exchange), ready.pull

    async def _found(self, request: Request, exchange: Exchange, named: Callable[[Response], Response]) -> Ready:
        found, pull = await self._handlers.find(request, exchange)
        found = named(found)
        length = (b"content-length", b"%d" % len(found.body))
        return Ready(request, found, pull, (*found.headers, *_TAIL, length))
