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
from orlop.faces.distribution.manifests import IMMUTABLE, REVALIDATE, ManifestHandlers, warning
from orlop.faces.distribution.plain import PlainRequest, PreparedAnswer
from orlop.faces.distribution.request import Request, RequestKind, parse_request
from orlop.faces.distribution.turnstile import Turnstile
from orlop.faces.http.responses import Header, Headers, Response, header
from orlop.ports.catalog import Pull, StoredManifest
from orlop.services.content.manifests import unknown_manifest
from orlop.services.gates.pulls import GatedPulls


class Ready(msgspec.Struct, frozen=True, gc=False):
    """A manifest as it is remembered: what cannot be worked out in a moment, in as little memory as it takes."""

    pull: Pull
    media_type: str
    body: bytes
    size: int
    until: int
    """Until when it holds, in microseconds since 1970; 0: until the catalog changes."""
    warning: str
    """What the client is to know of it."""

    @property
    def is_described(self) -> bool:
        """Whether its content is elsewhere, and only what describes it is known."""
        return len(self.body) < self.size

    @property
    def repository(self) -> RepositoryName:
        """See Whole."""
        return self.pull.repository

    def headers(self) -> Headers:
        """See Whole."""
        digest = self.pull.digest.encode()
        headers = [
            _content_type(self.media_type),
            (b"docker-content-digest", digest),
            (b"etag", b'"%b"' % digest),
            REVALIDATE if self.pull.tag is not None else IMMUTABLE,
        ]
        if self.warning:
            headers.append(warning(self.warning))
        return headers

    def response(self) -> Response:
        """All of it."""
        return Response(200, self.headers(), self.body, length=self.size if self.is_described else None)


class Pulling:
    """See Reading: manifests by tag and digest, which `answers` forgets when content changes."""

    kind = RequestKind.MANIFEST_GET

    def __init__(
        self, handlers: ManifestHandlers, answers: Answers[Ready], turnstile: Turnstile, gated: GatedPulls
    ) -> None:
        self._gated = gated
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
            ready = await self._look_up(asked.target, request, asked.method)
        if not asked.gets_whole(ready.repository) or not self.gives(ready, asked.method):
            return None
        return PreparedAnswer(self.kind, partial(_response, ready), partial(self.seen, ready, asked))

    def gives(self, whole: Ready, method: str) -> bool:
        """See Reading. Gates hold back what engines run, and not the look at what there is; quarantine does both."""
        asked = self._gated.shows if method == "HEAD" else self._gated.clear
        return asked(whole.pull.repository, whole.pull.digest)

    def seen(self, ready: Ready, asked: PlainRequest) -> None:
        """See Reading."""
        self._handlers.seen(ready.pull, asked.caller, counted=asked.method == "GET")
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
        ready = self._answers.recall(target) or await self._look_up(target, request, exchange.method)
        whole = ready.response()
        if not self.gives(ready, exchange.method) or not self._gives_through(ready, exchange):
            manifest = StoredManifest(ready.pull.digest, ready.media_type, ready.body)
            asked = exchange.caller, ready.repository, request.reference, manifest
            if exchange.method == "HEAD":
                await self._gated.check_shown(*asked)
            elif (passed := await self._gated.check(*asked, exchange.through)).warning:
                self._turnstile.held_back(exchange.caller, ready.pull, passed)
                whole = msgspec.structs.replace(whole, headers=[*whole.headers, warning(passed.warning)])
        response = self._handlers.answer(whole, ready.pull, exchange)
        self._turnstile.pulled(exchange.caller, ready.pull, exchange.method)
        return response

    def _gives_through(self, ready: Ready, exchange: Exchange) -> bool:
        """Whether it is remembered that the gates of the virtual that shows it have nothing against it."""
        if exchange.through is None or exchange.method == "HEAD":
            return True
        return self._gated.clear(ready.repository, ready.pull.digest, exchange.through)

    async def _look_up(self, target: bytes, request: Request, method: str) -> Ready:
        assert request.repository is not None
        return await self._answers.ask(
            target,
            request.repository,
            self._found(request, method),
            lambda found: None if found.is_described else len(found.body) + len(target),
            lambda found: found.until,
            by_digest=isinstance(request.reference, Digest),
        )

    async def _found(self, request: Request, method: str) -> Ready:
        found, pull = await self._handlers.find(request, method)
        manifest = found.manifest
        return Ready(pull, sys.intern(manifest.media_type), manifest.content, found.size, found.until, found.warning)


async def _response(ready: Ready) -> Response:
    return ready.response()


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
