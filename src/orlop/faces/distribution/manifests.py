"""Manifests over HTTP."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from orlop.domain.access import Caller, SubjectKind
from orlop.domain.digest import Digest
from orlop.domain.errors import RequestInvalid
from orlop.domain.manifest import MAX_BYTES
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.request import Request
from orlop.faces.http.headers import etag_matches
from orlop.faces.http.responses import Header, Headers, Response, header
from orlop.ports.catalog import Pull
from orlop.services.content.manifests import Expected, Manifests, Pushed
from orlop.services.content.pulls import PullLog
from orlop.services.upstreams.manifests import FoundManifest, ShownManifests

R = TypeVar("R", bound=Reference)

#: See Manifests.put.
Putting = Callable[[RepositoryName, Reference, bytes, str, Sequence[Tag], Caller, Expected | None], Awaitable[Pushed]]

#: Content under its digest never changes; what a tag leads to may, so it is asked again each time.
IMMUTABLE = header("cache-control", "max-age=31536000, immutable")
REVALIDATE = header("cache-control", "no-cache")


class ManifestHandlers:
    """end-3, end-7 and end-9 of the specification."""

    def __init__(self, manifests: Manifests, shown: ShownManifests, pulls: PullLog) -> None:
        self._manifests = manifests
        self._shown = shown
        self._pulls = pulls

    async def find(self, request: Request, method: str) -> tuple[FoundManifest, Pull]:
        """What a GET or HEAD is for. Raises ManifestUnknown; TooManyRequests, Unavailable of an upstream."""
        assert request.repository is not None
        assert request.reference is not None
        found = await self._shown.resolve(request.repository, request.reference, head=method == "HEAD")
        tag = request.reference if isinstance(request.reference, Tag) else None
        return found, Pull(request.repository, found.manifest.digest, tag, found.manifest.row)

    def answer(self, found: Response, pull: Pull, exchange: Exchange) -> Response:
        """Meet If-None-Match, and remember that the manifest was pulled."""
        condition = exchange.header(b"if-none-match")
        if condition and etag_matches(condition, f'"{pull.digest}"'):
            return Response(304, [entry for entry in found.headers if entry[0] != b"content-type"])
        self.seen(pull, exchange.caller, counted=exchange.method == "GET")
        return found

    def seen(self, pull: Pull, caller: Caller, *, counted: bool) -> None:
        """Remember a pull: of HEAD only one by tag, which engines resolve so, and which does not count. That a scanner
        looks at an image does not say that anybody uses it."""
        if caller.subject.kind is not SubjectKind.SYSTEM and (counted or pull.tag is not None):
            self._pulls.seen(pull, counted=counted)

    async def put(self, request: Request, exchange: Exchange, putting: Putting | None = None) -> Response:
        """PUT by tag, or by digest with any number of `tag` parameters. `putting`: what stores it, where that is
        another."""
        assert request.repository is not None
        assert request.reference is not None
        by_digest = isinstance(request.reference, Digest)
        tags = [Tag(text) for text in request.parameters("tag")] if by_digest else []
        content_type = exchange.text_header(b"content-type")
        content = await exchange.body.read(MAX_BYTES, "a manifest")
        expected = _expected(exchange, tags if isinstance(request.reference, Digest) else [request.reference])
        pushed = await (putting or self._manifests.put)(
            request.repository, request.reference, content, content_type, tags, exchange.caller, expected
        )
        headers: Headers = [
            header("location", f"/v2/{request.repository}/manifests/{pushed.digest}"),
            header("docker-content-digest", pushed.digest),
        ]
        if pushed.subject is not None:
            headers.append(header("oci-subject", pushed.subject))
        if pushed.warning:
            headers.append(warning(pushed.warning))
        headers += [header("oci-tag", tag) for tag in (pushed.tags if by_digest else ())]
        if pushed.held:
            headers.append(warning(f"{request.repository}@{pushed.digest} waits in quarantine until it is let out"))
        return Response(201, headers)

    async def delete(self, request: Request, exchange: Exchange) -> Response:
        """DELETE of a digest removes the manifest and its tags; DELETE of a tag removes the tag alone."""
        assert request.repository is not None
        assert request.reference is not None
        expected = _expected(exchange, [request.reference])
        await self._manifests.delete(request.repository, request.reference, exchange.caller, expected)
        return Response(202, [])


def warning(text: str) -> Header:
    """`Warning: 299 - "…"` (distribution-spec, main branch, "Warnings"): clients show it to people."""
    said = "".join(c if c.isascii() and c.isprintable() else " " for c in text[:400])
    quoted = said.replace("\\", "\\\\").replace('"', '\\"')
    return header("warning", f'299 - "{quoted}"')


def _expected(exchange: Exchange, references: Sequence[R]) -> dict[R, Digest | None]:
    """What the conditions of a request say that references lead to (RFC 9110, section 13.1): `If-Match` with the entity
    tag of a manifest, which is its digest, or `If-None-Match: *` for what is to be new. Raises RequestInvalid."""
    match, none_match = exchange.text_header(b"if-match"), exchange.text_header(b"if-none-match")
    if none_match == "*" and not match:
        return dict.fromkeys(references)
    if not match:
        return {}
    if none_match or not (match.startswith('"') and match.endswith('"')):
        raise RequestInvalid("If-Match has one entity tag: a manifest's digest in double quotes, as ETag has it")
    return dict.fromkeys(references, Digest(match[1:-1]))
