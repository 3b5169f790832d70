"""Pulls of manifests as most clients make them: found by the bytes of their target, before anything is parsed.

What the catalog said is remembered for as long as it cannot have changed; what is not remembered is looked up with one
query. Everything else about a request was worked out before, or it is left to the long way.
"""

import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.media_types import LONGEST_ACCEPT, accepts
from orlop.faces.distribution.answers import Answers
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.manifests import IMMUTABLE, REVALIDATE, ManifestHandlers
from orlop.faces.distribution.request import Kind, Request, parse_request
from orlop.faces.distribution.responses import Header, Headers, Response, header
from orlop.ports.catalog import Pull
from orlop.ports.clock import Clock
from orlop.services.manifests import require_acceptable, unknown_manifest
from orlop.services.standing import Standing, Standings

Scope = dict[str, Any]

_METHODS = frozenset({"GET", "HEAD"})


class Ready(msgspec.Struct, frozen=True, gc=False):
    """A manifest as it is remembered: what cannot be worked out in a moment, in as little memory as it takes."""

    pull: Pull
    media_type: str
    body: bytes

    def headers(self) -> Headers:
        """All that does not depend on the request."""
        digest = self.pull.digest.encode()
        return [
            _content_type(self.media_type),
            (b"docker-content-digest", digest),
            (b"etag", b'"%b"' % digest),
            REVALIDATE if self.pull.tag is not None else IMMUTABLE,
        ]


class Warm(msgspec.Struct, frozen=True, gc=False):
    """A request that is answered the short way: with what, to whom, and its headers."""

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

    async def warm(self, scope: Scope) -> Warm | None:
        """The answer to a request for a manifest without parameters, conditions and a body, by somebody of whom it is
        remembered that they may pull it; None for any other. Raises what the catalog refuses such a request with.
        """
        if scope["method"] not in _METHODS or scope["http_version"] >= "2" or scope["query_string"]:
            return None
        target = scope.get("raw_path")
        if target is None or b"/manifests/" not in target:
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
        now = self._clock.now()
        standing = self._standings.recall(headers.get(b"authorization", b""), now)
        if standing is None:
            return None
        ready = self._answers.recall(target)
        if ready is None:
            request = _parsed(scope["method"], target)
            if request is None or not standing.may_pull(request.repository, now):
                return None
            ready = await self._look_up(target, request)
        elif not standing.may_pull(ready.pull.repository, now):
            return None
        accept = headers.get(b"accept")
        if accept is not None and (len(accept) > LONGEST_ACCEPT or not _admits(accept, ready.media_type)):
            return None
        return Warm(ready, standing, headers)

    def seen(self, ready: Ready, *, counted: bool) -> None:
        """Note a pull."""
        self._handlers.seen(ready.pull, counted=counted)

    async def answer(self, scope: Scope, request: Request, exchange: Exchange) -> tuple[Response, Pull]:
        """GET and HEAD of a manifest by whoever may, with what was pulled. Raises ManifestUnknown, NotAcceptable."""
        assert request.repository is not None
        assert request.reference is not None
        if exchange.hidden:
            raise unknown_manifest(request.repository, request.reference)
        target = scope.get("raw_path") or scope["path"].encode()
        ready = self._answers.recall(target) or await self._look_up(target, request)
        require_acceptable(request.reference, ready.media_type, exchange.header(b"accept"))
        return self._handlers.answer(Response(200, ready.headers(), ready.body), ready.pull, exchange), ready.pull

    async def _look_up(self, target: bytes, request: Request) -> Ready:
        assert request.repository is not None
        return await self._answers.ask(
            target,
            request.repository,
            self._found(request),
            lambda found: len(found.body) + len(target),
            by_digest=isinstance(request.reference, Digest),
        )

    async def _found(self, request: Request) -> Ready:
        found, pull = await self._handlers.find(request)
        return Ready(pull, sys.intern(found.media_type), found.content)


def _parsed(method: str, target: bytes) -> Request | None:
    """The request for a manifest; None if it is for something else, or wrong."""
    try:
        request = parse_request(method, target.decode("latin-1"), "")
    except RegistryError:
        return None
    return request if request.kind is Kind.MANIFEST_GET else None


@lru_cache(maxsize=1_024)
def _admits(accept: bytes, media_type: str) -> bool:
    return accepts(accept.decode("latin-1"), media_type)


@lru_cache(maxsize=256)
def _content_type(media_type: str) -> Header:
    return header("content-type", media_type)
