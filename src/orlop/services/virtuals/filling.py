"""Pushes by a virtual's name of manifests that name what another member has.

A client that looks first sees it below the virtual, and does not send it. So what the manifest names, its repository
lacks, and the client may pull from another member is put there before the manifest.
"""

from collections.abc import Sequence
from typing import NamedTuple

from orlop.domain.access import Action, Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ManifestBlobUnknown, ManifestUnknown, NameUnknown
from orlop.domain.manifest import EdgeKind, parse_manifest
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.domain.virtuals import VirtualAt
from orlop.services.content.blobs import Blobs
from orlop.services.content.manifests import Expected, Manifests, Pushed
from orlop.services.upstreams.blobs import ShownBlobs
from orlop.services.upstreams.manifests import ShownManifests
from orlop.services.virtuals.virtuals import Member, Virtuals

#: How deep indexes of indexes are followed.
_DEPTH = 4


class _Filled(NamedTuple):
    """Where things are put, by whom, and the members that they may be taken from."""

    repository: RepositoryName
    caller: Caller
    members: tuple[Member, ...]


class Filling:
    """Stores manifests as services.content.manifests does."""

    def __init__(
        self,
        virtuals: Virtuals,
        manifests: Manifests,
        blobs: Blobs,
        shown_manifests: ShownManifests,
        shown_blobs: ShownBlobs,
    ) -> None:
        self._virtuals = virtuals
        self._manifests = manifests
        self._blobs = blobs
        self._shown_manifests = shown_manifests
        self._shown_blobs = shown_blobs

    async def put(
        self,
        below: tuple[VirtualAt, RepositoryName],
        repository: RepositoryName,
        reference: Reference,
        content: bytes,
        content_type: str,
        tags: Sequence[Tag],
        caller: Caller,
        expected: Expected | None = None,
    ) -> Pushed:
        """See Manifests.put. `below`: the virtual and the name that the client used; `caller`: as they come to the
        repository. Raises ManifestBlobUnknown for what no member has that the caller may pull from."""
        push = repository, reference, content, content_type, tags, caller, expected
        try:
            return await self._manifests.put(*push)
        except ManifestBlobUnknown as missing:
            filled = _Filled(repository, caller, await self._members(*below, repository, caller))
            await self._fill(filled, content, content_type, missing, _DEPTH)
        return await self._manifests.put(*push)

    async def _members(
        self, at: VirtualAt, name: RepositoryName, target: RepositoryName, caller: Caller
    ) -> tuple[Member, ...]:
        """Where to take from what the target lacks: all of them before the first is taken, which may make the target,
        and its name one that is asked for nowhere else."""
        candidates = self._virtuals.candidates(at, name, caller)
        members = [member async for member in candidates.members(Action.PULL)]
        return tuple(member for member in members if member.repository != target)

    async def _fill(
        self, filled: _Filled, content: bytes, content_type: str, missing: ManifestBlobUnknown, depth: int
    ) -> None:
        """Put there what is missing of what a manifest names. Raises `missing` where a part of it is nowhere."""
        edges = parse_manifest(content, content_type).edges
        children = {edge.digest for edge in edges if edge.kind is EdgeKind.MANIFEST}
        for text in missing.detail["digests"]:
            digest = Digest.stored(text)
            if digest not in children:
                found = await self._blob(filled, digest)
            else:
                found = depth > 0 and await self._child(filled, digest, depth - 1)
            if not found:
                raise missing

    async def _blob(self, filled: _Filled, digest: Digest) -> bool:
        """Link a blob from the first member that has it; whether one has."""
        for member in filled.members:
            try:
                await self._held(member, digest)
            except BlobUnknown:
                continue
            for source in (member.repository, None):  # what is taken from elsewhere for an upstream stays there
                if await self._blobs.mount(digest, source, filled.repository, member.caller) is not None:
                    return True
        return False

    async def _held(self, member: Member, digest: Digest) -> None:
        """Have a member hold a blob. Raises BlobUnknown; what an upstream raises that is to be asked for it."""
        try:
            await self._blobs.find(member.repository, digest, member.caller)
        except BlobUnknown:
            if await self._shown_blobs.kept(member.repository, digest, member.caller) is None:
                raise

    async def _child(self, filled: _Filled, digest: Digest, depth: int) -> bool:
        """Store a manifest that an index names, with all that it names itself; whether a member has it."""
        for member in filled.members:
            try:
                found = (await self._shown_manifests.resolve(member.repository, digest, head=False)).manifest
                await self._manifests.check_seen(member.repository, digest, digest, member.caller)
            except (ManifestUnknown, NameUnknown):
                continue
            push = filled.repository, digest, found.content, found.media_type, (), filled.caller
            try:
                await self._manifests.put(*push)
            except ManifestBlobUnknown as missing:
                await self._fill(filled, found.content, found.media_type, missing, depth)
                await self._manifests.put(*push)
            return True
        return False
