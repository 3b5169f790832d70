"""Attests pushes: a follower of the outbox, which signs a receipt for each push of an image where a rule says so.

A push never waits for it. Of an event that is taken twice the receipt is the same, which is attached once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.artifacts import kind_of
from orlop.domain.attesting.receipts import RECEIPT_RULES, receipt
from orlop.domain.attesting.statements import RECEIPT_TYPE
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.durations import SECOND
from orlop.domain.errors import ManifestInvalid, RegistryError, Unavailable
from orlop.domain.events import Event, EventKind
from orlop.domain.manifest import parse_manifest
from orlop.domain.names import RepositoryName
from orlop.ports.attesting import Attester
from orlop.ports.catalog import Manifests, Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.jobs import Lease
from orlop.services.following import known
from orlop.services.following.follow import Following
from orlop.services.settings.in_force import SettingsInForce

_log = structlog.get_logger("orlop.attesting")

#: Events of one batch, and how long batches of one step are begun, in microseconds: short beside a lease.
_TOGETHER, _STEP = 8, 5 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IMAGES = frozenset({ContentKind.IMAGE, ContentKind.INDEX})


class PushReceipts:
    """`step` is for the holder of the follower's lease."""

    def __init__(
        self,
        outbox: Outbox,
        cursors: Cursors,
        settings: SettingsInForce,
        manifests: Manifests,
        attester: Attester,
        clock: Clock,
    ) -> None:
        self._outbox = outbox
        self._cursors = cursors
        self._settings = settings
        self._manifests = manifests
        self._attester = attester
        self._clock = clock
        self._until = 0
        self._following = Following[Event](
            known.RECEIPTS,
            cursors,
            clock,
            read=self._read,
            position=lambda event: event.id,
            take=self._take,
            together=_TOGETHER,
        )

    async def step(self, lease: Lease) -> int:
        """Take what is new, for some seconds; how many events. Raises Stale, and what attesting fails with."""
        self._until = self._clock.now() + _STEP
        return await self._following.step(lease)

    async def _read(self, after: int, limit: int) -> Sequence[Event]:
        return () if self._clock.now() > self._until else await self._outbox.events(after, limit)

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        for event in events:
            if event.kind is EventKind.MANIFEST_PUSHED and event.digest and event.actor != SYSTEM.name:
                await self._attest(event)
        await self._cursors.advance(known.RECEIPTS, before, events[-1].id, lease)

    async def _attest(self, event: Event) -> None:
        repository, digest = RepositoryName.stored(event.repository), Digest.stored(event.digest)
        rules = await self._settings.covering(RECEIPT_RULES, repository)
        if not any(rule.body.pushes for rule in rules) or not await self._is_image(repository, digest):
            return
        try:
            await self._attester.attest(repository, digest, RECEIPT_TYPE, receipt(event, _moment(event.at)))
        except Unavailable:
            raise  # the key service is away: it is tried again
        except RegistryError as error:
            _log.warning("a push is not attested", repository=repository, digest=digest, why=error.message)

    async def _is_image(self, repository: RepositoryName, digest: Digest) -> bool:
        found = await self._manifests.resolve(repository, digest)
        if found is None:  # it went meanwhile
            return False
        try:
            manifest = parse_manifest(found.content, found.media_type)
        except ManifestInvalid:  # an earlier release let it in
            return False
        return manifest.subject is None and kind_of(manifest) in _IMAGES


def _moment(at: int) -> str:
    return (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z")
