"""Blobs, the short way and the long one. What `answers` remember is which copy a blob is; the bytes of small ones are
remembered apart, so that they outlive what happens to the catalog."""

from functools import partial
from typing import Any

import msgspec

from orlop.domain.blob import Blob
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown
from orlop.domain.names import RepositoryName
from orlop.faces.distribution.answers import Answers
from orlop.faces.distribution.blobs import BlobHandlers, blob_headers
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.plain import PlainRequest, PreparedAnswer
from orlop.faces.distribution.request import Request, RequestKind
from orlop.faces.distribution.small import SmallBlobs
from orlop.faces.distribution.turnstile import Turnstile
from orlop.faces.http.body import RequestBody
from orlop.faces.http.responses import AnyResponse, Headers


class Known(msgspec.Struct, frozen=True, gc=False):
    """A blob of a repository. Not `lasting` is one that no manifest names yet: the next request asks again."""

    repository: RepositoryName
    digest: Digest
    blob: Blob
    lasting: bool


class SmallBlob(msgspec.Struct, frozen=True, gc=False):
    """A blob of a repository with its content."""

    known: Known
    body: bytes

    @property
    def repository(self) -> RepositoryName:
        """See Whole."""
        return self.known.repository

    def headers(self) -> Headers:
        """See Whole."""
        return blob_headers(self.known.digest)


class Fetching:
    """See Reading: blobs by digest; `answers` forgets where they are when content changes, `small` has the content of
    some."""

    kind = RequestKind.BLOB_GET

    def __init__(
        self, handlers: BlobHandlers, answers: Answers[Known], small: SmallBlobs, turnstile: Turnstile
    ) -> None:
        self._handlers = handlers
        self._answers = answers
        self._small = small
        self._turnstile = turnstile

    def recall(self, target: bytes) -> SmallBlob | None:
        """See Reading."""
        known = self._answers.recall(target)
        if known is None:
            return None
        body = self._small.recall(known.digest)
        return SmallBlob(known, body) if body is not None else None

    def gives(self, whole: SmallBlob, method: str) -> bool:
        """See Reading. Whoever may pull gets what they know the digest of."""
        return True

    def seen(self, whole: SmallBlob, asked: PlainRequest) -> None:
        """See Reading."""
        self._noted(whole.known, asked)

    def warm(self, asked: PlainRequest) -> PreparedAnswer | None:
        """The answer to a plain request for a blob that is known; None for anything else, and for who is not known to
        be allowed to pull it."""
        known = self._answers.recall(asked.target)
        if known is None or not asked.may_pull(known.repository):
            return None
        exchange = Exchange(asked.method, asked.headers, _NO_BODY, asked.caller)
        return PreparedAnswer(
            self.kind,
            partial(self._answered, known, exchange),
            partial(self._noted, known, asked),
        )

    async def answer(self, target: bytes, request: Request, exchange: Exchange) -> AnyResponse:
        """GET and HEAD of a blob by whoever may. Raises BlobUnknown, ContentCorrupt, Unavailable."""
        if exchange.hidden:
            await self._handlers.find(request, exchange)
        assert request.repository is not None
        known = self._answers.recall(target)
        if known is None:
            try:
                known = await self._look_up(target, request.repository, request, exchange)
            except BlobUnknown:
                assert request.digest is not None
                shown = await self._handlers.shown(request.repository, request.digest, exchange)
                if shown is None:
                    raise
                self._turnstile.read(exchange.caller, request.repository, request.digest, exchange.method)
                return shown
        self._turnstile.read(exchange.caller, known.repository, known.digest, exchange.method)
        return await self._answered(known, exchange)

    async def _answered(self, known: Known, exchange: Exchange) -> AnyResponse:
        """What is held; or where its copy turns out to be damaged, so that nobody gets it any more, what an upstream
        has."""
        try:
            return await self._handlers.answer(known.blob, exchange)
        except BlobUnknown:
            shown = await self._handlers.shown(known.repository, known.digest, exchange)
            if shown is None:
                raise
            return shown

    async def _look_up(self, target: bytes, repository: RepositoryName, request: Request, exchange: Exchange) -> Known:
        return await self._answers.ask(
            target,
            repository,
            self._found(request, exchange),
            lambda known: len(target) if known.lasting else None,
            by_digest=True,
        )

    def _noted(self, known: Known, asked: PlainRequest) -> None:
        self._turnstile.read(asked.caller, known.repository, known.digest, asked.method)

    async def _found(self, request: Request, exchange: Exchange) -> Known:
        assert request.repository is not None
        assert request.digest is not None
        found = await self._handlers.find(request, exchange)
        return Known(request.repository, request.digest, found.blob, found.lasting)


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}


_NO_BODY = RequestBody(_nothing, {}, 0.0, http1=True)
