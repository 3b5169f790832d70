"""Requests below a virtual: answered as if the client had named a member, and told by the name that it used."""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from orlop.domain.access import Action
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ManifestUnknown, NameUnknown, RegistryError, Unauthorized
from orlop.domain.names import RepositoryName
from orlop.domain.virtuals import VirtualAt
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.lists import ListHandlers
from orlop.faces.distribution.manifests import ManifestHandlers
from orlop.faces.distribution.request import Request, RequestKind
from orlop.faces.http.responses import AnyResponse, header
from orlop.services.content.blobs import Blobs, unknown_blob
from orlop.services.content.manifests import unknown_manifest
from orlop.services.virtuals.filling import Filling
from orlop.services.virtuals.virtuals import Member, Virtuals

#: Lets somebody in to what a request names, or hides it.
LettingIn = Callable[[Request, Exchange], Awaitable[Exchange]]

#: Answers a request as it stands, for whoever was let in.
Answering = Callable[[Request, Exchange], Awaitable[AnyResponse]]

_LISTS = frozenset({RequestKind.TAGS, RequestKind.REFERRERS})
_READS = frozenset({RequestKind.MANIFEST_GET, RequestKind.BLOB_GET}) | _LISTS

#: What is not in one member may be in another.
_UNKNOWN = (ManifestUnknown, BlobUnknown, NameUnknown)


class VirtualHandlers:
    """What the requests of the specification mean below a virtual."""

    def __init__(
        self, virtuals: Virtuals, filling: Filling, lists: ListHandlers, manifests: ManifestHandlers, blobs: Blobs
    ) -> None:
        self._virtuals = virtuals
        self.may_be = virtuals.may_be
        """Whether a target may be below a virtual; where there is none, that costs half a microsecond."""
        self._filling = filling
        self._lists = lists
        self._manifests = manifests
        self._blobs = blobs

    async def of(self, request: Request) -> VirtualAt | None:
        """The virtual that a request is about. Raises Unavailable."""
        return await self._virtuals.of(request.repository) if request.repository is not None else None

    async def answer(
        self, at: VirtualAt, request: Request, exchange: Exchange, let_in: LettingIn, answering: Answering
    ) -> AnyResponse:
        """To look, somebody has to be let in here as well as in the members; to change something only where it goes.

        Raises what that raises; Denied where there is nowhere to push to.
        """
        if request.kind not in _READS:
            return await self._changed(at, request, exchange, let_in, answering)
        exchange = await let_in(request, exchange)
        if exchange.hidden:
            return await answering(request, exchange)
        return await self._read(at, request, exchange, answering)

    async def mounting(self, request: Request, exchange: Exchange) -> tuple[Request, Exchange]:
        """A request to mount from below a virtual, as one from the member that has the blob. Where none has it that the
        caller may pull from it is left as it came, and finds nothing."""
        mount, source = request.parameter("mount"), request.parameter("from")
        if mount is None or not source:
            return request, exchange
        name, caller = RepositoryName(source), exchange.caller
        at = await self._virtuals.of(name)
        if at is None or not await self._virtuals.shows(name, caller):
            return request, exchange
        async for member in self._virtuals.candidates(at, name, caller).members(Action.PULL):
            try:
                await self._blobs.find(member.repository, Digest(mount), caller)
            except BlobUnknown:
                continue
            query = tuple((key, member.repository if key == "from" else value) for key, value in request.query)
            return (
                msgspec.structs.replace(request, query=query),
                msgspec.structs.replace(exchange, caller=member.caller),
            )
        return request, exchange

    async def _read(self, at: VirtualAt, request: Request, exchange: Exchange, answering: Answering) -> AnyResponse:
        """The first answer of a member, or the lists of all of them joined. Where a member fails no other is asked: it
        may be the one that has it."""
        candidates = self._virtuals.candidates(at, _name(request), exchange.caller)
        if request.kind is RequestKind.TAGS:
            return await self._lists.joined_tags(request, candidates)
        if request.kind is RequestKind.REFERRERS:
            return await self._lists.joined_referrers(request, candidates)
        async for member in candidates.members(Action.PULL):
            try:
                return await answering(*_at(member, request, exchange))
            except _UNKNOWN:
                continue
        raise candidates.unauthorized() or _unknown(request)

    async def _changed(
        self, at: VirtualAt, request: Request, exchange: Exchange, let_in: LettingIn, answering: Answering
    ) -> AnyResponse:
        name = _name(request)
        member = await self._virtuals.target(at, name, exchange.caller)
        there, changing = _at(member, request, exchange)
        try:
            changing = await let_in(there, changing)
            if request.kind is RequestKind.MANIFEST_PUT:
                putting = partial(self._filling.put, (at, name))
                response: AnyResponse = await self._manifests.put(there, changing, putting)
            else:
                response = await answering(there, changing)
        except Unauthorized as refusal:
            # Clients fetch tokens for the names that they use.
            refusal.scope = refusal.scope.replace(f"repository:{member.repository}:", f"repository:{name}:")
            raise
        return _renamed(response, member.repository, name)


def _name(request: Request) -> RepositoryName:
    assert request.repository is not None
    return request.repository


def _at(member: Member, request: Request, exchange: Exchange) -> tuple[Request, Exchange]:
    """A request as if the client had named a member."""
    return (
        msgspec.structs.replace(request, repository=member.repository),
        msgspec.structs.replace(exchange, caller=member.caller, through=request.repository),
    )


def _renamed(response: AnyResponse, repository: RepositoryName, name: RepositoryName) -> AnyResponse:
    """An answer that leads on below the name that the client used, for which it has a token."""
    theirs = f"/v2/{repository}/".encode()
    headers = [
        header(key.decode(), f"/v2/{name}/{value[len(theirs) :].decode()}")
        if key == b"location" and value.startswith(theirs)
        else (key, value)
        for key, value in response.headers
    ]
    return msgspec.structs.replace(response, headers=headers)


def _unknown(request: Request) -> RegistryError:
    """What a client is told of what no member has."""
    if request.digest is not None:
        return unknown_blob(_name(request), request.digest)
    assert request.reference is not None
    return unknown_manifest(_name(request), request.reference)
