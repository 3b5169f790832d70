"""Copies an image, and on request what refers to it, from one store to another; what is there already is not sent."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.domain.descriptor import Platform
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, ManifestUnknown, NameUnknown, Unauthorized, Unsupported
from orlop.domain.manifest import Edge, EdgeKind
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import ContentSource, ContentTarget, Placement
from orlop.services.content.graph import Graph, Node

#: Blobs under way at once where nobody says.
DEFAULT_JOBS = 4
#: More connections than this help nobody and look like an attack.
MAX_JOBS = 64

#: Answers of a target that says nothing of what it has, as registries do where a repository is not there yet. What was
#: not to be known is sent, and whether it may be is for the push to say.
_NOT_TOLD = (Unauthorized, Denied, Unsupported)


class Outcome(StrEnum):
    """What became of a blob or a manifest."""

    COPIED = "copied"
    MOUNTED = "mounted"
    PRESENT = "present"
    """The target had it."""
    FOREIGN = "foreign"
    """A layer that is not to be distributed; named by the manifest, not copied."""


class CopyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to copy."""

    reference: str
    """A tag, name or digest at the source."""
    tags: tuple[str, ...] = ()
    """What to call it at the target; set last, when everything is there."""
    platform: Platform | None = None
    """Only the image for this platform, in place of the index it was found in."""
    referrers: bool = False
    """Also whatever has one of the copied manifests as its subject."""
    foreign: bool = False
    """Also layers that are not to be distributed, for a target that is of no use without them."""
    jobs: int = DEFAULT_JOBS
    trusting: bool = False
    """What the target has of manifests, it has whole and lists as referrers: their blobs are not looked at, and they
    are not put again. For targets that refuse a manifest without its blobs, and where most of it is there."""


class CopyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    digest: Digest
    media_type: str
    manifests: dict[Digest, Outcome]
    blobs: dict[Digest, Outcome]
    copied_bytes: int
    """Of the blobs that were sent."""


class CopyProgress(Protocol):
    """Told how a copy goes. Every call is quick."""

    def planned(self, blobs: Iterable[Edge]) -> None:
        """These may have to be sent."""

    def moved(self, digest: Digest, position: int) -> None:
        """Bytes [0, position) of a blob are on their way; goes back after a broken connection."""

    def settled(self, digest: Digest, outcome: Outcome) -> None:
        """A blob or manifest is done with."""


class Silent:
    """Tells nobody."""

    def planned(self, blobs: Iterable[Edge]) -> None:
        """Nothing."""

    def moved(self, digest: Digest, position: int) -> None:
        """Nothing."""

    def settled(self, digest: Digest, outcome: Outcome) -> None:
        """Nothing."""


async def copy(
    source: ContentSource, target: ContentTarget, request: CopyRequest, progress: CopyProgress | None = None
) -> CopyReport:
    """Copy an image as it is, byte for byte.

    Blobs first, then manifests, children before parents, then what refers to them, and the tagged manifest last, so
    that no name ever points at half an image. Broken off, it goes on where it was: what the target has is skipped.
    Raises whatever source and target raise, and RequestInvalid for a platform that is not there.
    """
    return await _Copy(source, target, request, progress or Silent()).run()


class _Copy:
    def __init__(
        self, source: ContentSource, target: ContentTarget, request: CopyRequest, progress: CopyProgress
    ) -> None:
        self._source = source
        self._target = target
        self._request = request
        self._progress = progress
        self._manifests: dict[Digest, Outcome] = {}
        self._blobs: dict[Digest, Outcome] = {}
        self._copied_bytes = 0
        self._shut_out = False
        """The target did not take whoever asked what it has, and took nothing from them since."""

    async def run(self) -> CopyReport:
        graph = Graph(self._source)
        root = await graph.root(self._request.reference, self._request.platform)
        nodes = [node async for node in graph.below(root)]
        if self._request.referrers:
            nodes += [node async for node in graph.above(list(nodes))]
        present = {node.digest for node in nodes if await self._has_manifest(node)}
        wanted = self._wanted([node for node in nodes if not (self._request.trusting and node.digest in present)])
        self._progress.planned(wanted)
        await self._copy_blobs(wanted)
        for node in nodes:
            if node is not root:
                await self._copy_manifest(node, present)
        await self._copy_manifest(root, present, self._request.tags)
        return CopyReport(
            digest=root.digest,
            media_type=root.content.media_type,
            manifests=self._manifests,
            blobs=self._blobs,
            copied_bytes=self._copied_bytes,
        )

    async def _has_manifest(self, node: Node) -> bool:
        if self._shut_out:
            return False
        try:
            await self._target.resolve(node.digest)
        except Unauthorized:
            self._shut_out = True
            return False
        except (ManifestUnknown, NameUnknown, *_NOT_TOLD):
            return False
        return True

    async def _has_blob(self, edge: Edge) -> bool:
        if self._shut_out:
            return False
        try:
            return await self._target.stat_blob(edge.digest) == edge.size
        except _NOT_TOLD:
            return False

    def _wanted(self, nodes: list[Node]) -> list[Edge]:
        """Every blob to look at, once. An image that is there may have lost one, and nobody else would notice."""
        wanted: dict[Digest, Edge] = {}
        for node in nodes:
            for edge in node.manifest.edges:
                if edge.kind is EdgeKind.MANIFEST:
                    continue
                if edge.foreign and not self._request.foreign:
                    self._settle_blob(edge.digest, Outcome.FOREIGN)
                else:
                    wanted.setdefault(edge.digest, edge)
        # Large ones first: a layer begun last would be waited for alone.
        return sorted(wanted.values(), key=lambda edge: -edge.size)

    async def _copy_blobs(self, blobs: list[Edge]) -> None:
        queue = iter(blobs)
        if self._shut_out:
            # It may be the sign-in that is refused, and accounts are locked after a few of those: one alone finds out.
            for edge in itertools.islice(queue, 1):
                await self._copy_blob(edge)
            self._shut_out = False
        jobs = min(max(self._request.jobs, 1), MAX_JOBS, len(blobs))
        tasks = [asyncio.ensure_future(self._work(queue)) for _ in range(jobs)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, queue: Iterator[Edge]) -> None:
        for edge in queue:
            await self._copy_blob(edge)

    async def _copy_blob(self, edge: Edge) -> None:
        if await self._has_blob(edge):
            self._settle_blob(edge.digest, Outcome.PRESENT)
            return
        if edge.foreign and await self._source.stat_blob(edge.digest) is None:
            raise Unsupported(f"layer {edge.digest} is not to be distributed, and the source does not have it")
        placement = await self._target.push_blob(
            edge.digest, edge.size, lambda offset: self._read(edge, offset), self._mount_from()
        )
        if placement is Placement.MOUNTED:
            self._settle_blob(edge.digest, Outcome.MOUNTED)
        else:
            self._copied_bytes += edge.size
            self._settle_blob(edge.digest, Outcome.COPIED)

    async def _read(self, edge: Edge, offset: int) -> AsyncGenerator[bytes, None]:
        position = offset
        async with aclosing(self._source.read_blob(edge.digest, edge.size, offset)) as content:
            async for piece in content:
                position += len(piece)
                self._progress.moved(edge.digest, position)
                yield piece

    def _mount_from(self) -> RepositoryName | None:
        """The source's repository, where it lies in the registry of the target."""
        source, target = self._source.origin, self._target.origin
        if source is None or target is None or source.registry != target.registry or source == target:
            return None
        return source.repository

    async def _copy_manifest(self, node: Node, present: set[Digest], tags: tuple[str, ...] = ()) -> None:
        there = node.digest in present
        # A referrer that is there may still be missing from a list that clients keep, so it is put again.
        if not there or tags or (node.manifest.subject is not None and not self._request.trusting):
            await self._target.put_manifest(node.content, tags)
        outcome = Outcome.PRESENT if there else Outcome.COPIED
        self._manifests[node.digest] = outcome
        self._progress.settled(node.digest, outcome)

    def _settle_blob(self, digest: Digest, outcome: Outcome) -> None:
        # A blob named by an image that is there and by one that is not is looked at, and that look decides.
        self._blobs[digest] = outcome
        self._progress.settled(digest, outcome)
