"""Lists over HTTP: repositories, tags, referrers, and the ping that clients begin with."""

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlencode

import msgspec

from orlop.domain.access import Action
from orlop.domain.descriptor import Descriptor, index_of
from orlop.domain.errors import NameUnknown, RequestInvalid
from orlop.domain.media_types import OCI_INDEX
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest, joined, page_size
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.request import Request
from orlop.faces.http.responses import Header, Headers, Response, header
from orlop.services.access.decisions import Access
from orlop.services.content.repositories import Repositories
from orlop.services.upstreams.lists import ShownLists
from orlop.services.virtuals.virtuals import Candidates

_JSON = header("content-type", "application/json")


class ListHandlers:
    """end-1, end-8, end-12 of the specification, and the catalog of repositories that came before it."""

    def __init__(self, repositories: Repositories, access: Access, lists: ShownLists) -> None:
        self._repositories = repositories
        self._access = access
        self._lists = lists

    async def ping(self, request: Request, exchange: Exchange) -> Response:
        """Whether there is a registry here. The header is what old Docker Engines look for."""
        return Response(200, [_JSON, header("docker-distribution-api-version", "registry/2.0")], b"{}")

    async def catalog(self, request: Request, exchange: Exchange) -> Response:
        """Every repository that the caller may see, in byte order."""
        self._access.check_listing(exchange.caller)
        page = _page(request)
        found = await self._repositories.page(exchange.caller, page)
        last = found.items[-1] if found.more and found.items else None
        return Response(200, [_JSON, *_next("/v2/_catalog", page, last)], _encode({"repositories": found.items}))

    async def tags(self, request: Request, exchange: Exchange) -> Response:
        """The tags of a repository, in byte order; a list with none is `[]`, never null."""
        assert request.repository is not None
        page = _page(request)
        if exchange.hidden:
            raise _unknown(request.repository)
        return _tags(request.repository, page, await self._lists.tags(request.repository, page))

    async def joined_tags(self, request: Request, candidates: Candidates) -> Response:
        """The tags that a name below a virtual has in any member."""
        assert request.repository is not None
        page = _page(request)
        pages = []
        async for member in candidates.members(Action.LIST):
            with suppress(NameUnknown):
                pages.append(await self._lists.tags(member.repository, page))
        if not pages:
            raise candidates.unauthorized() or _unknown(request.repository)
        return _tags(request.repository, page, joined(pages, page, str))

    async def referrers(self, request: Request, exchange: Exchange) -> Response:
        """The manifests whose subject is a digest, as an index; empty where there are none, never a 404."""
        assert request.repository is not None
        assert request.digest is not None
        page, artifact_type = _page(request), _artifact_type(request)
        if exchange.hidden:
            found: Page[Descriptor] = Page(())
        else:
            found = await self._lists.referrers(request.repository, request.digest, artifact_type, page)
        return _index(request, page, artifact_type, found)

    async def joined_referrers(self, request: Request, candidates: Candidates) -> Response:
        """Those in any member of a name below a virtual."""
        assert request.digest is not None
        page, artifact_type = _page(request), _artifact_type(request)
        pages = [
            await self._lists.referrers(member.repository, request.digest, artifact_type, page)
            async for member in candidates.members(Action.PULL)
        ]
        refusal = candidates.unauthorized() if not pages else None
        if refusal is not None:
            raise refusal
        return _index(request, page, artifact_type, joined(pages, page, lambda descriptor: descriptor.digest))


def _unknown(repository: RepositoryName) -> NameUnknown:
    return NameUnknown(f"there is no repository {repository}", {"name": repository})


def _tags(repository: RepositoryName, page: PageRequest, found: Page[Tag]) -> Response:
    # "When n is zero, this endpoint MUST return an empty list, and MUST NOT include a Link header".
    last = found.items[-1] if found.more and found.items else None
    return Response(
        200,
        [_JSON, *_next(f"/v2/{repository}/tags/list", page, last)],
        _encode({"name": repository, "tags": found.items}),
    )


def _artifact_type(request: Request) -> str | None:
    """The one type of referrers that is asked for. Raises RequestInvalid."""
    artifact_type = request.parameter("artifactType") or None
    if artifact_type is not None and "\0" in artifact_type:
        raise RequestInvalid("artifactType contains a NUL character, which no media type does")
    return artifact_type


def _index(request: Request, page: PageRequest, artifact_type: str | None, found: Page[Descriptor]) -> Response:
    path = f"/v2/{request.repository}/referrers/{request.digest}"
    headers: Headers = [header("content-type", OCI_INDEX)]
    parameters = []
    if artifact_type is not None:
        headers.append(header("oci-filters-applied", "artifactType"))
        parameters.append(("artifactType", artifact_type))
    headers += _next(path, page, found.items[-1].digest if found.more and found.items else None, parameters)
    return Response(200, headers, _encode(index_of(list(found.items), OCI_INDEX)))


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)


def _page(request: Request) -> PageRequest:
    # No key has a NUL character, so what comes after one that does is what comes after the part before it.
    return PageRequest(page_size(request.parameter("n")), (request.parameter("last") or "").partition("\0")[0])


def _next(path: str, page: PageRequest, last: str | None, parameters: Sequence[tuple[str, str]] = ()) -> list[Header]:
    """The Link to the next page (RFC 5988), its query built anew from what was understood of this one."""
    if last is None:
        return []
    query = urlencode([*parameters, ("n", str(page.size)), ("last", last)])
    return [header("link", f'<{path}?{query}>; rel="next"')]
