"""Queues what is pushed: a follower of the outbox, which has every new image wait to be read."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.artifacts import kind_of
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestInvalid
from orlop.domain.events import Event, EventKind
from orlop.domain.inside.sbom_rules import SBOM_RULES, AttachedCount
from orlop.domain.manifest import parse_manifest
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import Manifests, Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.insides import InsideStore
from orlop.ports.jobs import Lease
from orlop.services.following import known
from orlop.services.following.follow import Following
from orlop.services.inside.documents import AttachedDocuments, said_by, said_by_tag

#: Events of one batch.
_TOGETHER = 200
_ARRIVALS = frozenset({EventKind.BLOB_PUSHED, EventKind.BLOB_MOUNTED})


class ImageIntake:
    """`step` is for the holder of the follower's lease; `news` is called when there is something to read, `changed`
    with a place whose rules for SBOMs are others."""

    def __init__(
        self,
        outbox: Outbox,
        cursors: Cursors,
        store: InsideStore,
        manifests: Manifests,
        documents: AttachedDocuments,
        clock: Clock,
        news: Callable[[], Awaitable[object]],
        changed: Callable[[str], Awaitable[object]],
    ) -> None:
        self._insides = store.images
        self._places = store.places
        self._manifests = manifests
        self._documents = documents
        self._clock = clock
        self._news = news
        self._changed = changed
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
        anew = {
            image: RepositoryName.stored(event.repository)
            for event in events
            if event.actor != SYSTEM.name
            for image in await self._said_of(event)
        }
        for place in {event.repository for event in events if _is_of_rules(event)}:
            await self._changed(place)
        for image, repository in anew.items():
            rule = await self._documents.rules(repository)
            if rule.counts is not AttachedCount.NEVER and await self._is_image(repository, image):
                await self._insides.again(image, self._clock.now())
                images.append(image)
        come = await self._come(events)
        await self._insides.wait(images, self._clock.now(), known.INSIDE, before, events[-1].id, lease)
        if images or come:
            await self._news()

    async def _come(self, events: Sequence[Event]) -> int:
        """Have images read whose layers were not here and came: those of a cache come as clients pull them."""
        arrived = {(event.repository, event.digest) for event in events if event.kind in _ARRIVALS and event.repository}
        now = self._clock.now()
        return sum(
            [
                await self._places.missed(RepositoryName.stored(repository), Digest.stored(blob), now)
                for repository, blob in sorted(arrived)
            ]
        )

    async def _said_of(self, event: Event) -> Sequence[Digest]:
        """The images of which something is said by what was pushed: an artifact that refers to one, an index with what
        attests its images, or a tag of cosign's."""
        if event.kind in (EventKind.TAG_SET, EventKind.TAG_DELETED):
            image = said_by_tag(event.tag)
            return (image,) if image is not None else ()
        if event.kind is not EventKind.MANIFEST_PUSHED or not event.digest:
            return ()
        found = await self._manifests.resolve(RepositoryName.stored(event.repository), Digest.stored(event.digest))
        return said_by(found) if found is not None else ()

    async def _is_image(self, repository: str, digest: str) -> bool:
        found = await self._manifests.resolve(RepositoryName.stored(repository), Digest.stored(digest))
        if found is None:  # it went meanwhile
            return False
        try:
            return kind_of(parse_manifest(found.content, found.media_type)) is ContentKind.IMAGE
        except ManifestInvalid:  # an earlier release let it in
            return False


def _is_of_rules(event: Event) -> bool:
    """Whether a rule for SBOMs was made, changed or removed."""
    kinds = EventKind.DOCUMENT_CHANGED, EventKind.DOCUMENT_DELETED
    return event.kind in kinds and event.subject.startswith(f"{SBOM_RULES.kind} ")
