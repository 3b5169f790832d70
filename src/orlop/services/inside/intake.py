"""Queues what is pushed: a follower of the outbox, which has every new image wait to be read."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.domain.artifacts import kind_of
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestInvalid
from orlop.domain.events import Event, EventKind
from orlop.domain.manifest import parse_manifest
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import Manifests, Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.insides import Insides
from orlop.ports.jobs import Lease
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
    ) -> None:
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
        pushed = {
            event.digest: event.repository
            for event in events
            if event.kind is EventKind.MANIFEST_PUSHED and event.digest
        }
        images = [Digest.stored(digest) for digest, name in pushed.items() if await self._is_image(name, digest)]
        await self._insides.wait(images, self._clock.now(), known.INSIDE, before, events[-1].id, lease)
        if images:
            await self._news()

    async def _is_image(self, repository: str, digest: str) -> bool:
        found = await self._manifests.resolve(RepositoryName.stored(repository), Digest.stored(digest))
        if found is None:  # it went meanwhile
            return False
        try:
            return kind_of(parse_manifest(found.content, found.media_type)) is ContentKind.IMAGE
        except ManifestInvalid:  # an earlier release let it in
            return False
