"""Queues what is pushed: a follower of the outbox, which has every new image wait to be read, and every new VEX
document."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.digest import Digest
from orlop.domain.events import REFERRED, Event, EventKind
from orlop.domain.inside.carriers import VEX_DOCUMENTS
from orlop.domain.inside.sbom_rules import SBOM_RULES, AttachedCount
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import Manifests, Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.insides import InsideStore
from orlop.ports.jobs import Lease
from orlop.ports.vex import VexDocuments
from orlop.services.following import known
from orlop.services.following.follow import of_events
from orlop.services.following.manifests import found_manifest
from orlop.services.inside.documents import AttachedDocuments, said_by, said_by_tag

#: Events of one batch.
_TOGETHER = 200
_ARRIVALS = frozenset({EventKind.BLOB_PUSHED, EventKind.BLOB_MOUNTED})
_OF_CONTENT = frozenset(
    {EventKind.MANIFEST_PUSHED, EventKind.MANIFEST_DELETED, EventKind.TAG_SET, EventKind.TAG_DELETED}
)
#: Of who has which role somewhere.
_OF_RIGHTS = frozenset(
    {
        *(EventKind.ACCOUNT_CHANGED, EventKind.ACCOUNT_DELETED, EventKind.GROUP_CHANGED, EventKind.GROUP_DELETED),
        *(EventKind.GRANT_ADDED, EventKind.GRANT_REMOVED),
    }
)


class _Pushed(msgspec.Struct, frozen=True):
    """A manifest that was pushed: whether it is an image, whether it may hold VEX documents, and of which images it may
    say what they hold."""

    is_image: bool = False
    has_vex: bool = False
    said_of: tuple[Digest, ...] = ()


class ImageIntake:
    """`step` is for the holder of the follower's lease; `news` is called when there is something to read, `changed`
    with a place whose rules for SBOMs are others, `vex_news` when there are VEX documents to read;
    `by_roles` gives the places whose rules for SBOMs name roles."""

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
        vex: VexDocuments,
        vex_news: Callable[[], Awaitable[object]],
        by_roles: Callable[[], Awaitable[Sequence[str]]],
    ) -> None:
        self._by_roles = by_roles
        self._insides = store.images
        self._places = store.places
        self._manifests = manifests
        self._documents = documents
        self._clock = clock
        self._news = news
        self._changed = changed
        self._vex = vex
        self._vex_news = vex_news
        self.step = of_events(known.INSIDE, outbox, cursors, clock, self._take, _TOGETHER).step

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        images: dict[Digest, None] = {}
        documents: dict[tuple[RepositoryName, Digest], None] = {}
        held: dict[tuple[RepositoryName, Digest], None] = {}
        anew: dict[tuple[RepositoryName, Digest], None] = {}
        looked: dict[tuple[RepositoryName, Digest], _Pushed] = {}
        for event in events:
            if not event.repository or event.kind not in _OF_CONTENT:
                continue
            repository, said_of = RepositoryName.stored(event.repository), _named_by(event)
            if event.kind is EventKind.MANIFEST_PUSHED and event.digest:
                digest = Digest.stored(event.digest)
                pushed = looked.get((repository, digest)) or await self._look(repository, digest)
                looked[repository, digest], said_of = pushed, pushed.said_of
                if pushed.is_image:
                    images[digest] = held[repository, digest] = None
                if pushed.has_vex:
                    documents[repository, digest] = None
            if event.actor != SYSTEM.name:
                anew |= dict.fromkeys((repository, image) for image in said_of)
        places = {event.repository for event in events if _is_of_rules(event) or _is_of_a_repository(event)}
        if any(event.kind in _OF_RIGHTS for event in events):
            places |= set(await self._by_roles())
        for place in sorted(places):
            await self._changed(place)
        told = [await self._is_told_anew(repository, image) for repository, image in anew]
        told += [await self._came(repository, image) for repository, image in held]
        come = await self._come(events)
        await self._vex.wait(list(documents), self._clock.now())  # may be told twice
        await self._insides.wait(list(images), self._clock.now(), known.INSIDE, before, events[-1].id, lease)
        if images or come or any(told):
            await self._news()
        if documents:
            await self._vex_news()

    async def _is_told_anew(self, repository: RepositoryName, image: Digest) -> bool:
        """Have an image read again that something is said of, where that counts; whether it is."""
        rule = await self._documents.rules(repository)
        if rule.counts is AttachedCount.NEVER or not (await self._look(repository, image)).is_image:
            return False
        await self._insides.again(image, self._clock.now())
        return True

    async def _came(self, repository: RepositoryName, image: Digest) -> bool:
        """Have an image put together anew that is known and came to one more repository, where that may change what
        others say of it, or it is to be attached there; whether it is."""
        if await self._insides.of(image) is None:
            return False
        # First, whatever rules hold here: what documents of elsewhere said stands no longer.
        anew = await self._places.came(image, self._clock.now())
        rule = await self._documents.rules(repository)
        if not rule.attach and rule.counts is AttachedCount.NEVER:
            return anew
        await self._insides.again(image, self._clock.now())
        return True

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

    async def _look(self, repository: RepositoryName, digest: Digest) -> _Pushed:
        found = await found_manifest(self._manifests, repository, digest)
        if found is None:
            return _Pushed()
        has_vex = bool(VEX_DOCUMENTS.layers(found.manifest, found.content))
        return _Pushed(found.is_image, has_vex, said_by(found.manifest, found.content))


def _named_by(event: Event) -> tuple[Digest, ...]:
    """The image that a tag of cosign's says something of, which was set or removed, or that what was deleted referred
    to."""
    image: Digest | None = None
    if event.kind in (EventKind.TAG_SET, EventKind.TAG_DELETED):
        image = said_by_tag(event.tag)
    elif event.kind is EventKind.MANIFEST_DELETED and event.detail.startswith(REFERRED):
        image = Digest.stored(event.detail.removeprefix(REFERRED))
    return (image,) if image is not None else ()


def _is_of_a_repository(event: Event) -> bool:
    """Whether a repository with all that it holds came back out of the trash."""
    return event.kind is EventKind.TRASH_RESTORED and bool(event.repository) and not event.digest


def _is_of_rules(event: Event) -> bool:
    """Whether a rule for SBOMs was made, changed or removed."""
    kinds = EventKind.DOCUMENT_CHANGED, EventKind.DOCUMENT_DELETED
    return event.kind in kinds and event.subject.startswith(f"{SBOM_RULES.kind} ")
