"""Blobs over HTTP: whole, in ranges, or just whether they are there."""

from orlop.domain.blob import Blob
from orlop.domain.digest import Digest
from orlop.domain.errors import ContentCorrupt, RangeNotSatisfiable
from orlop.domain.names import RepositoryName
from orlop.domain.ranges import Span, parse_range
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.manifests import IMMUTABLE
from orlop.faces.distribution.redirects import RedirectRules
from orlop.faces.distribution.request import Request
from orlop.faces.distribution.small import SmallBlobs
from orlop.faces.http.headers import etag_matches
from orlop.faces.http.responses import (
    INLINE,
    AnyResponse,
    Headers,
    Response,
    StreamResponse,
    header,
)
from orlop.services.content.blobs import Blobs, FoundBlob, unknown_blob
from orlop.services.upstreams.blobs import ShownBlobs

#: An address is a secret with a short life.
_NO_STORE = header("cache-control", "no-store")


class BlobHandlers:
    """end-2 and end-10 of the specification."""

    def __init__(
        self,
        blobs: Blobs,
        shown: ShownBlobs,
        small: SmallBlobs,
        redirects: RedirectRules = RedirectRules(),  # noqa: B008 - a frozen value
    ) -> None:
        self._blobs = blobs
        self._shown = shown
        self._small = small
        self._redirects = redirects

    async def find(self, request: Request, exchange: Exchange) -> FoundBlob:
        """The blob, before conditions and ranges."""
        assert request.repository is not None
        assert request.digest is not None
        if exchange.hidden:
            raise unknown_blob(request.repository, request.digest)
        return await self._blobs.find(request.repository, request.digest, exchange.caller)

    async def shown(self, repository: RepositoryName, digest: Digest, exchange: Exchange) -> AnyResponse | None:
        """The blob of a repository that does not hold it and shows an upstream; None where it shows none. Raises
        BlobUnknown, TooManyRequests, Unavailable."""
        is_head = exchange.method == "HEAD"
        found = await self._shown.find(repository, digest, exchange.caller, head=is_head)
        if isinstance(found, Blob):
            return await self.answer(found, exchange)
        if found is None:
            return None
        headers = blob_headers(found.digest)
        if found.content is None:
            return Response(200, headers, length=found.size)
        try:
            span = span_of(found.size, f'"{found.digest}"', exchange)
        except RangeNotSatisfiable:
            found.content.close()
            raise
        if span is None:
            return StreamResponse(200, headers, found.content, Span(0, found.size))
        headers.append(header("content-range", f"bytes {span.start}-{span.stop - 1}/{found.size}"))
        return StreamResponse(206, headers, found.content, span)

    async def answer(self, blob: Blob, exchange: Exchange) -> AnyResponse:
        """GET and HEAD, with conditions and ranges (RFC 9110, sections 13 and 14).

        A client that may be sent to the store is, with 307 (section 15.4.8), unless the blob is so small that its
        bytes cost less than another connection. It repeats its ranges there.
        """
        digest = blob.key.digest
        etag = f'"{digest}"'
        condition = exchange.header(b"if-none-match")
        if condition and etag_matches(condition, etag):
            return Response(304, blob_headers(digest)[1:])
        if exchange.method != "HEAD" and blob.size > INLINE and self._redirects.allow(exchange):
            address = await self._blobs.address(blob)
            if address is not None:
                return Response(307, [header("location", address), header("docker-content-digest", digest), _NO_STORE])
        headers = blob_headers(digest)
        span = span_of(blob.size, etag, exchange)
        if span is not None:
            headers.append(header("content-range", f"bytes {span.start}-{span.stop - 1}/{blob.size}"))
            return StreamResponse(206, headers, await self._blobs.open(blob), span)
        body = self._small.recall(digest)
        if body is None:
            content = await self._blobs.open(blob)
            if exchange.method != "HEAD" and blob.size > INLINE:
                return StreamResponse(200, headers, content, Span(0, blob.size))
            try:
                body = b"" if exchange.method == "HEAD" else await content.read()
                if exchange.method != "HEAD":
                    self._small.keep(blob, body)
            except ContentCorrupt as failure:
                raise await self._blobs.damaged(blob, failure) from failure
            finally:
                content.close()
        return Response(200, headers, body if exchange.method != "HEAD" else b"", length=blob.size)

    async def delete(self, request: Request, exchange: Exchange) -> Response:
        """DELETE takes the blob out of this repository; its bytes go when no repository holds it."""
        assert request.repository is not None
        assert request.digest is not None
        await self._blobs.delete(request.repository, request.digest, exchange.caller)
        return Response(202, [])


def blob_headers(digest: Digest) -> Headers:
    """What is said of a blob, however much of it is sent."""
    return [
        header("content-type", "application/octet-stream"),
        header("docker-content-digest", digest),
        header("etag", f'"{digest}"'),
        header("accept-ranges", "bytes"),
        IMMUTABLE,
    ]


def span_of(size: int, etag: str, exchange: Exchange) -> Span | None:
    """The part of a blob that is wanted; None for all of it. Raises RangeNotSatisfiable."""
    wanted = exchange.header(b"range")
    if not wanted or exchange.method == "HEAD":  # "only defined for GET" (section 14.2)
        return None
    unless_changed = exchange.header(b"if-range")
    if unless_changed and unless_changed != etag:
        return None
    return parse_range(wanted, size)
