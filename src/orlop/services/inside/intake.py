"""Queues what is pushed: a follower of the outbox, which has every new image wait to be read, and every new VEX
document."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.domain.artifacts import kind_of
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestInvalid
from orlop.domain.events import Event, EventKind
from orlop.domain.inside.vex.carriers import vex_layers
from orlop.domain.manifest import parse_manifest
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import Manifests, Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.insides import Insides
from orlop.ports.jobs import Lease
from orlop.ports.vex import VexDocuments
from orlop.services.following import known
from orlop.services.following.follow import Following

#: Events of one batch.
_TOGETHER = 200


class ImageIntake:
    """`step` is for the holder of the follower's lease; `news` is called when there is something to read."""

    def __init__(
        self,
        outbox: Outbox,
        cursors: Cursors,
        insides: Insides,
        manifests: Manifests,
        clock: Clock,
        news: Callable[[], Awaitable[object]],
        vex: VexDocuments,
        vex_news: Callable[[], Awaitable[object]],
    ) -> None:
        self._vex = vex
        self._vex_news = vex_news
        self._insides = insides
        self._manifests = manifests
        self._clock = clock
        self._news = news
        self._following = Following[Event](
            known.INSIDE,
            cursors,
            clock,
            read=outbox.events,
            position=lambda event: event.id,
            take=self._take,
            together=_TOGETHER,
        )
        self.step = self._following.step

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        pushed = dict.fromkeys(
            (RepositoryName.stored(event.repository), Digest.stored(event.digest))
            for event in events
            if event.kind is EventKind.MANIFEST_PUSHED and event.digest
        )
        images: dict[Digest, None] = {}
        documents: list[tuple[RepositoryName, Digest]] = []
        for name, digest in pushed:
            kind, has_vex = await self._look(name, digest)
            if kind is ContentKind.IMAGE:
                images[digest] = None
            if has_vex:
                documents.append((name, digest))
        await self._vex.wait(documents, self._clock.now())  # may be told twice
        await self._insides.wait(list(images), self._clock.now(), known.INSIDE, before, events[-1].id, lease)
        if images:
            await self._news()
        if documents:
            await self._vex_news()

    async def _look(self, repository: RepositoryName, digest: Digest) -> tuple[ContentKind, bool]:
        """What it is, and whether it may hold VEX documents."""
        found = await self._manifests.resolve(repository, digest)
        if found is None:  # it went meanwhile
            return ContentKind.OTHER, False
        try:
            manifest = parse_manifest(found.content, found.media_type)
        except ManifestInvalid:  # an earlier release let it in
            return ContentKind.OTHER, False
        return kind_of(manifest), bool(vex_layers(manifest, found.content))
