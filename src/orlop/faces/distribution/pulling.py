"""Pulls of manifests the short way: found by the bytes of their target, before anything is parsed.

What the catalog said is remembered for as long as it cannot have changed; what is not remembered is looked up with one
query.
"""

import sys
from functools import lru_cache, partial

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.names import RepositoryName
from orlop.faces.distribution.answers import Answers
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.manifests import IMMUTABLE, REVALIDATE, ManifestHandlers
from orlop.faces.distribution.plain import PlainRequest, PreparedAnswer
from orlop.faces.distribution.request import Request, RequestKind, parse_request
from orlop.faces.distribution.turnstile import Turnstile
from orlop.faces.http.responses import Header, Headers, Response, header
from orlop.ports.catalog import Pull
from orlop.services.content.manifests import unknown_manifest


class Ready(msgspec.Struct, frozen=True, gc=False):
    """A manifest as it is remembered: what cannot be worked out in a moment, in as little memory as it takes."""

    pull: Pull
    media_type: str
    body: bytes

    @property
    def repository(self) -> RepositoryName:
        """See Whole."""
        return self.pull.repository

    def headers(self) -> Headers:
        """See Whole."""
        digest = self.pull.digest.encode()
        return [
            _content_type(self.media_type),
            (b"docker-content-digest", digest),
            (b"etag", b'"%b"' % digest),
            REVALIDATE if self.pull.tag is not None else IMMUTABLE,
        ]


class Pulling:
    """See Reading: manifests by tag and digest, which `answers` forgets when content changes."""

    kind = RequestKind.MANIFEST_GET

    def __init__(self, handlers: ManifestHandlers, answers: Answers[Ready], turnstile: Turnstile) -> None:
        self._handlers = handlers
        self._answers = answers
        self._turnstile = turnstile

    def recall(self, target: bytes) -> Ready | None:
        """See Reading."""
        return self._answers.recall(target)

    async def warm(self, asked: PlainRequest) -> PreparedAnswer | None:
        """The answer to a plain request for a manifest; None for anything else, and for who may not be remembered to
        be allowed to pull it. Raises what the catalog refuses such a request with."""
        if b"/manifests/" not in asked.target:
            return None
        ready = self._answers.recall(asked.target)
        if ready is None:
            request = _parsed(asked.method, asked.target)
            if request is None or not asked.may_pull(request.repository):
                return None
            ready = await self._look_up(asked.target, request)
        if not asked.gets_whole(ready.repository):
            return None
        return PreparedAnswer(self.kind, partial(_response, ready), partial(self.seen, ready, asked))

    def seen(self, ready: Ready, asked: PlainRequest) -> None:
        """See Reading."""
        self._handlers.seen(ready.pull, counted=asked.method == "GET")
        self._turnstile.pulled(asked.caller, ready.pull, asked.method)

    async def answer(self, target: bytes, request: Request, exchange: Exchange) -> Response:
        """GET and HEAD of a manifest by whoever may. Raises ManifestUnknown.

        What is there is sent with its own type, whatever `Accept` says: a server may "disregard the header field by
        treating the response as if it is not subject to content negotiation" (RFC 9110, section 12.5.1), and many
        clients name fewer types than they read.
        """
        assert request.repository is not None
        assert request.reference is not None
        if exchange.hidden:
            raise unknown_manifest(request.repository, request.reference)
        ready = self._answers.recall(target) or await self._look_up(target, request)
        response = self._handlers.answer(Response(200, ready.headers(), ready.body), ready.pull, exchange)
        self._turnstile.pulled(exchange.caller, ready.pull, exchange.method)
        return response

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


async def _response(ready: Ready) -> Response:
    return Response(200, ready.headers(), ready.body)


def _parsed(method: str, target: bytes) -> Request | None:
    """The request for a manifest; None if it is for something else, or wrong."""
    try:
        request = parse_request(method, target.decode("latin-1"), "")
    except RegistryError:
        return None
    return request if request.kind is RequestKind.MANIFEST_GET else None


@lru_cache(maxsize=256)
def _content_type(media_type: str) -> Header:
    return header("content-type", media_type)
