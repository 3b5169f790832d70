"""Has images enter stages by themselves: a follower of the outbox, which asks for their promotions; and has those that
wait be tried anew when what may hold them back is another."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.digest import Digest
from orlop.domain.errors import RequestInvalid
from orlop.domain.events import Event, EventKind
from orlop.domain.gates.gate import GATES
from orlop.domain.inside.exceptions import EXCEPTIONS
from orlop.domain.inside.licence_rules import LICENCE_RULES
from orlop.domain.names import RepositoryName, Tag, is_referrers_tag
from orlop.domain.promotion.pipeline import PIPELINES
from orlop.domain.promotion.promotion import NewPromotion
from orlop.domain.trust.signers import SIGNERS
from orlop.ports.accounts import Account, Accounts
from orlop.ports.by import By
from orlop.ports.catalog import Manifests, Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.jobs import Lease
from orlop.ports.promotion import Promotions
from orlop.services.following import known
from orlop.services.following.follow import Following
from orlop.services.promotion.paths import Way, promoted
from orlop.services.settings.in_force import InForce, SettingsInForce

#: Events of one batch.
_TOGETHER = 200
#: What may be said of an image after it was pushed.
_SAID = frozenset({EventKind.MANIFEST_PUSHED, EventKind.TAG_SET, EventKind.IMAGE_AFFECTED, EventKind.SCAN_FINISHED})
_SETTINGS = tuple(f"{kind.kind} " for kind in (GATES, SIGNERS, EXCEPTIONS, LICENCE_RULES, PIPELINES))


class AutomaticPromotions:
    """`step` is for the holder of the follower's lease; `news` is called when there is something to carry out.

    A promotion is asked for by the rights of whoever set the tag in the stage before, and is carried out like any other
    that waits for its time.
    """

    def __init__(
        self,
        outbox: Outbox,
        cursors: Cursors,
        settings: SettingsInForce,
        manifests: Manifests,
        accounts: Accounts,
        rows: Promotions,
        clock: Clock,
        news: Callable[[], Awaitable[object]],
    ) -> None:
        self._cursors = cursors
        self._settings = settings
        self._manifests = manifests
        self._accounts = accounts
        self._rows = rows
        self._clock = clock
        self._news = news
        self._following = Following[Event](
            known.PROMOTIONS,
            cursors,
            clock,
            read=outbox.events,
            position=lambda event: event.id,
            take=self._take,
            together=_TOGETHER,
        )
        self.step = self._following.step

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        asked = 0
        said: dict[str, None] = {}
        for event in events:
            if event.kind not in _SAID or not event.repository:
                continue
            pipelines = await self._automatic(event.repository)
            if not pipelines:
                continue
            if event.kind is EventKind.TAG_SET and not is_referrers_tag(event.tag):
                asked += await self._ask(event, pipelines)
            else:
                said[event.repository] = None
        now = self._clock.now()
        ruled = any(event.kind in _OF_SETTINGS and event.subject.startswith(_SETTINGS) for event in events)
        if ruled or said:
            await self._rows.hasten(() if ruled else tuple(said), now)
        await self._cursors.advance(known.PROMOTIONS, before, events[-1].id, lease)
        if asked or ruled or said:
            await self._news()

    async def _automatic(self, repository: str) -> tuple[InForce, ...]:
        return tuple(each for each in await self._settings.covering(PIPELINES, repository) if each.body.automatic)

    async def _ask(self, event: Event, pipelines: Sequence[InForce]) -> int:
        """Ask for what comes of a tag that was set; how many promotions."""
        repository, tag, digest = RepositoryName.stored(event.repository), Tag.stored(event.tag), event.digest
        account = await self._account(event)
        asked = 0
        for each in pipelines:
            source = each.body.source(repository, tag)
            target = each.body.follows_by_itself(source) if source is not None else None
            if account is None or source is None or target is None:
                continue
            way, now = Way(each.path, each.name, each.body, source, target), self._clock.now()
            try:
                image = promoted(way, repository, tag, Digest.stored(digest))
            except RequestInvalid:
                continue  # it has no name there
            there = await self._manifests.resolve(image.target, tag if image.target_tag is None else image.target_tag)
            if there is not None and there.digest == image.digest:
                continue  # it was taken before
            needed, opens = way.pipeline.needed(target.name), way.pipeline.opens(target.name, now)
            new = NewPromotion(
                path=way.path,
                pipeline=way.name,
                source=source.name,
                stage=target.name,
                images=(image,),
                asked_id=account.id,
                needed=needed,
                expires_at=max(now, opens) + way.pipeline.waits,
                due_at=0 if needed else opens,
                automatic=True,
            )
            await self._rows.ask(new, By(account.name, now))
            asked += 1
        return asked

    async def _account(self, event: Event) -> Account | None:
        """Whoever set the tag; not somebody who has their name by now."""
        if not event.actor or event.actor == SYSTEM.name:
            return None
        account = await self._accounts.get(event.actor)
        return account if account is not None and account.created_at <= event.at else None


_OF_SETTINGS = (EventKind.DOCUMENT_CHANGED, EventKind.DOCUMENT_DELETED)
