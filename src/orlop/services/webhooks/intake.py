"""Makes deliveries of events: a follower of the outbox, which matches a batch and writes it with its cursor."""

from collections.abc import Callable, Sequence

import msgspec

from orlop.domain.access.rights import Visibility
from orlop.domain.digest import Digest
from orlop.domain.events import Event, EventKind
from orlop.domain.names import RepositoryName
from orlop.domain.webhooks.facts import Facts, facts_of
from orlop.domain.webhooks.hook import WEBHOOKS
from orlop.domain.webhooks.matching import wants
from orlop.ports.catalog import BlobLinks, Manifests, Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.identity import AccessFacts
from orlop.ports.jobs import Lease
from orlop.ports.webhooks import DeliveryIntake, NewDelivery
from orlop.services.following import known
from orlop.services.following.follow import of_events
from orlop.services.settings.in_force import SettingsInForce

#: Events of one batch, whose deliveries one transaction writes.
_TOGETHER = 200

_OF_MANIFESTS = frozenset({EventKind.MANIFEST_PUSHED, EventKind.MANIFEST_PULLED, EventKind.TAG_SET})
_OF_BLOBS = frozenset({EventKind.BLOB_PUSHED, EventKind.BLOB_MOUNTED, EventKind.BLOB_PULLED})


class Describing:
    """Completes what an event says by what the catalog knows of its content, as it is by now."""

    def __init__(self, manifests: Manifests, links: BlobLinks, access: AccessFacts) -> None:
        self._manifests = manifests
        self._links = links
        self._access = access

    async def facts(self, event: Event) -> Facts:
        """What is told of an event."""
        facts = facts_of(event)
        if event.kind in _OF_MANIFESTS and event.digest:
            name, digest = RepositoryName.stored(event.repository), Digest.stored(event.digest)
            manifest = await self._manifests.resolve(name, digest)
            if manifest is not None:
                facts = msgspec.structs.replace(facts, media_type=manifest.media_type, size=len(manifest.content))
        elif event.kind in _OF_BLOBS and event.digest:
            name, digest = RepositoryName.stored(event.repository), Digest.stored(event.digest)
            link = await self._links.find(name, digest)
            if link is not None:
                facts = msgspec.structs.replace(facts, size=link.blob.size)
        if event.repository:
            place = await self._access.place(event.repository)
            facts = msgspec.structs.replace(facts, public=place.visible.visibility is Visibility.PUBLIC)
        return facts


class Intake:
    """See the module. `step` is for the holder of the follower's lease; `news` is called when there are deliveries."""

    def __init__(
        self,
        outbox: Outbox,
        cursors: Cursors,
        intake: DeliveryIntake,
        in_force: SettingsInForce,
        describing: Describing,
        clock: Clock,
        news: Callable[[], None],
    ) -> None:
        self._intake = intake
        self._in_force = in_force
        self._describing = describing
        self._clock = clock
        self._news = news
        self.step = of_events(known.WEBHOOKS, outbox, cursors, clock, self._take, _TOGETHER).step

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        made = [delivery for event in events for delivery in await self._deliveries(event)]
        await self._intake.add(made, known.WEBHOOKS, before, events[-1].id, lease, self._clock.now())
        if made:
            self._news()

    async def _deliveries(self, event: Event) -> list[NewDelivery]:
        hooks = [
            hook
            for hook in await self._in_force.covering(WEBHOOKS, event.repository)
            if wants(hook.body, hook.path, event)
        ]
        if not hooks:
            return []
        told = msgspec.json.encode(await self._describing.facts(event))
        return [NewDelivery(hook.identity, event.repository, event.id, event.kind.value, told) for hook in hooks]
