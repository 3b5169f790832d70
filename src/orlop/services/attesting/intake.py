"""Has statements wait to be signed for what happens to images: a follower of the outbox. No push waits for it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.artifacts import kind_of
from orlop.domain.attesting.decisions import decision, image_of, promotion_of
from orlop.domain.attesting.receipts import RECEIPT_RULES, ReceiptRule, receipt
from orlop.domain.attesting.statements import DECISION_TYPE, RECEIPT_TYPE
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.events import Event, EventKind
from orlop.domain.names import RepositoryName
from orlop.ports.attesting import AttestationKeys, Statements, WantedStatement
from orlop.ports.catalog import Manifests, Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.held import HeldPushes
from orlop.ports.jobs import Lease
from orlop.ports.promotion import Promotions
from orlop.services.following import known
from orlop.services.following.follow import of_events
from orlop.services.following.manifests import found_manifest
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.upstreams.shown import Upstreams

#: Events of one batch.
_TOGETHER = 200
_IMAGES = frozenset({ContentKind.IMAGE, ContentKind.INDEX})
_DECISIONS = frozenset({EventKind.IMAGE_PROMOTED, EventKind.PROMOTION_ROLLED_BACK})
#: The detail of what the trash gave back: it was pushed before.
_RESTORED = "from the trash"


class StatementIntake:
    """`step` is for the holder of the follower's lease; `news` is called when something is to be signed.

    `moment`: microseconds since 1970 as RFC 3339.
    """

    def __init__(
        self,
        outbox: Outbox,
        cursors: Cursors,
        statements: Statements,
        keys: AttestationKeys,
        settings: SettingsInForce,
        manifests: Manifests,
        promotions: Promotions,
        held: HeldPushes,
        shown: Upstreams,
        clock: Clock,
        news: Callable[[], Awaitable[object]],
        moment: Callable[[int], str],
    ) -> None:
        self._statements = statements
        self._keys = keys
        self._settings = settings
        self._manifests = manifests
        self._promotions = promotions
        self._held = held
        self._shown = shown
        self._clock = clock
        self._news = news
        self._moment = moment
        self.step = of_events(known.STATEMENTS, outbox, cursors, clock, self._take, _TOGETHER).step

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        telling = [event for event in events if _is_push(event) or event.kind in _DECISIONS]
        wanted: list[WantedStatement] = []
        if telling and await self._keys.current() is not None:
            for event in telling:
                said = await (self._receipt(event) if _is_push(event) else self._decision(event))
                wanted += [said] if said is not None else []
        await self._statements.wait(wanted, self._clock.now(), known.STATEMENTS, before, events[-1].id, lease)
        if wanted:
            await self._news()

    async def _receipt(self, event: Event) -> WantedStatement | None:
        repository, digest = RepositoryName.stored(event.repository), Digest.stored(event.digest)
        rule = await self._rule(repository)
        if rule is None or not rule.pushes or await self._shown.of(repository) is not None:
            return None  # what a cache fetched nobody pushed
        found = await found_manifest(self._manifests, repository, digest)
        if found is None or found.manifest.subject is not None or kind_of(found.manifest) not in _IMAGES:
            return None
        by, at = "", 0
        if event.kind is EventKind.QUARANTINE_RELEASED:
            held = await self._held.released(repository, digest)
            if held is None:
                return None
            by, at = held.pushed_by, held.pushed_at
        return WantedStatement(repository, digest, RECEIPT_TYPE, _json(receipt(event, self._moment, by, at)))

    async def _decision(self, event: Event) -> WantedStatement | None:
        repository, digest, number = RepositoryName.stored(event.repository), event.digest, promotion_of(event)
        rule = await self._rule(repository)
        if rule is None or not rule.promotions or number is None:
            return None
        promotion = await self._promotions.get(number)
        found = image_of(event, promotion) if promotion is not None else None
        if promotion is None or found is None:
            return None
        place, image = found
        gates = await self._promotions.gates(number)
        said = decision(event, promotion, image, gates[place] if gates else (), self._moment)
        return WantedStatement(repository, Digest.stored(digest), DECISION_TYPE, _json(said))

    async def _rule(self, repository: RepositoryName) -> ReceiptRule | None:
        """The one that holds there."""
        found = await self._settings.covering(RECEIPT_RULES, repository)
        return found[-1].body if found else None


def _is_push(event: Event) -> bool:
    """Whether somebody pushed, or what they pushed came out of quarantine: what a promotion brings is told of as that,
    and what the registry attaches is not told of."""
    if event.kind is EventKind.QUARANTINE_RELEASED:
        return True
    pushed = event.kind is EventKind.MANIFEST_PUSHED and event.actor != SYSTEM.name
    return pushed and event.detail != _RESTORED and promotion_of(event) is None


def _json(said: dict[str, Any]) -> bytes:
    return msgspec.json.encode(said, order="sorted")
