"""Has statements wait to be signed for what happens to images: a follower of the outbox. No push waits for it."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.artifacts import kind_of
from orlop.domain.attesting.receipts import RECEIPT_RULES, receipt
from orlop.domain.attesting.statements import RECEIPT_TYPE
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.events import Event, EventKind
from orlop.domain.names import RepositoryName
from orlop.ports.attesting import AttestationKeys, Statements, WantedStatement
from orlop.ports.catalog import Manifests, Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.jobs import Lease
from orlop.services.following import known
from orlop.services.following.follow import Following
from orlop.services.following.manifests import found_manifest
from orlop.services.settings.in_force import SettingsInForce

#: Events of one batch.
_TOGETHER = 200
_IMAGES = frozenset({ContentKind.IMAGE, ContentKind.INDEX})


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
        clock: Clock,
        news: Callable[[], Awaitable[object]],
        moment: Callable[[int], str],
    ) -> None:
        self._statements = statements
        self._keys = keys
        self._settings = settings
        self._manifests = manifests
        self._clock = clock
        self._news = news
        self._moment = moment
        self._following = Following[Event](
            known.STATEMENTS,
            cursors,
            clock,
            read=outbox.events,
            position=lambda event: event.id,
            take=self._take,
            together=_TOGETHER,
        )
        self.step = self._following.step

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        pushes = [event for event in events if event.kind is EventKind.MANIFEST_PUSHED and event.actor != SYSTEM.name]
        wanted: list[WantedStatement] = []
        if pushes and await self._keys.current() is not None:
            for event in pushes:
                wanted += await self._receipts(event)
        await self._statements.wait(wanted, self._clock.now(), known.STATEMENTS, before, events[-1].id, lease)
        if wanted:
            await self._news()

    async def _receipts(self, event: Event) -> tuple[WantedStatement, ...]:
        repository, digest = RepositoryName.stored(event.repository), Digest.stored(event.digest)
        rules = await self._settings.covering(RECEIPT_RULES, repository)
        if not any(rule.body.pushes for rule in rules):
            return ()
        found = await found_manifest(self._manifests, repository, digest)
        if found is None or found.manifest.subject is not None or kind_of(found.manifest) not in _IMAGES:
            return ()
        said = msgspec.json.encode(receipt(event, self._moment(event.at)), order="sorted")
        return (WantedStatement(repository, digest, RECEIPT_TYPE, said),)
