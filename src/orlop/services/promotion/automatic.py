"""Has images enter stages by themselves: a follower of the outbox, which asks for their promotions, and has those that
wait be tried anew when what may hold them back is another."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.domain.digest import Digest
from orlop.domain.errors import RequestInvalid
from orlop.domain.events import Event, EventKind
from orlop.domain.names import RepositoryName, Tag, is_referrers_tag
from orlop.domain.pages import PageRequest
from orlop.domain.promotion.pipeline import PIPELINES
from orlop.domain.promotion.promotion import NewPromotion, PromotionState, pipeline_actor
from orlop.ports.accounts import Accounts
from orlop.ports.by import By
from orlop.ports.catalog import Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.jobs import Lease
from orlop.ports.promotion import Promotions
from orlop.services.following import known
from orlop.services.following.follow import of_events
from orlop.services.promotion.outcomes import Became, Counting, uncounted
from orlop.services.promotion.paths import Way, promoted
from orlop.services.settings.in_force import InForce, SettingsInForce

#: Events of one batch.
_TOGETHER = 200
#: After these a tag is what it was not; after those more may be known of an image that waits.
_MOVED = frozenset({EventKind.TAG_SET, EventKind.TAG_DELETED})
_SAID = frozenset(
    {
        *(EventKind.MANIFEST_PUSHED, EventKind.TAG_SET, EventKind.SIGNATURE_VERIFIED, EventKind.SCAN_FINISHED),
        *(EventKind.IMAGE_AFFECTED, EventKind.QUARANTINE_RELEASED),
    }
)
#: Whatever setting changed, a gate may say something else by it.
_RULED = frozenset({EventKind.DOCUMENT_CHANGED, EventKind.DOCUMENT_DELETED, EventKind.EXCEPTION_EXPIRED})
#: How the detail of a tag begins that went back: that is no new image.
_WENT_BACK = "rollback of "
#: Promotions that are looked through for the one that brought an image.
_NEWEST = PageRequest(20)


class AutomaticPromotions:
    """`step` is for the holder of the follower's lease; `news` is called when there is something to carry out.

    What it asks for is carried out like any other promotion that waits, by the rights of nobody: whoever set the
    pipeline had those that it takes.
    """

    def __init__(
        self,
        outbox: Outbox,
        cursors: Cursors,
        settings: SettingsInForce,
        accounts: Accounts,
        rows: Promotions,
        clock: Clock,
        news: Callable[[], Awaitable[object]],
        counted: Counting = uncounted,
    ) -> None:
        self._cursors = cursors
        self._settings = settings
        self._accounts = accounts
        self._rows = rows
        self._clock = clock
        self._news = news
        self._counted = counted
        self.step = of_events(known.PROMOTIONS, outbox, cursors, clock, self._take, _TOGETHER).step

    async def known(self) -> None:
        """More is known of images, or less."""
        await self._again(())

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        asked, said = False, dict[str, None]()
        for event in events:
            if event.kind not in _SAID | _MOVED or not event.repository:
                continue
            pipelines = await self._automatic(event.repository)
            if not pipelines:
                continue
            if event.kind in _MOVED and not is_referrers_tag(event.tag):
                asked |= await self._moved(event, pipelines)
            else:
                said[event.repository] = None
        if any(event.kind in _RULED for event in events):
            await self._again(())
        elif said:
            await self._again(tuple(said))
        if asked:
            await self._news()
        await self._cursors.advance(known.PROMOTIONS, before, events[-1].id, lease)

    async def _again(self, repositories: Sequence[str]) -> None:
        """Have those out of these repositories tried anew that wait; empty: out of all."""
        if await self._rows.hasten(repositories, self._clock.now()):
            await self._news()

    async def _automatic(self, repository: str) -> tuple[InForce, ...]:
        return tuple(each for each in await self._settings.covering(PIPELINES, repository) if each.body.automatic)

    async def _moved(self, event: Event, pipelines: Sequence[InForce]) -> bool:
        """Whether something came of a tag that is another."""
        repository, tag = RepositoryName.stored(event.repository), Tag.stored(event.tag)
        now, digest = self._clock.now(), event.digest if event.kind is EventKind.TAG_SET else ""
        for each in pipelines:
            over = await self._rows.outdate(
                each.path, each.name, (repository, tag), digest, By(pipeline_actor(each.name), now)
            )
            self._counted(Became.EXPIRED, over)
        if not digest or event.detail.startswith(_WENT_BACK):
            return False
        account = await self._account(event)
        asked = False
        for each in pipelines:
            source = each.body.source(repository, tag)
            target = each.body.follows_by_itself(source) if source is not None else None
            if source is None or target is None:
                continue
            way = Way(each.path, each.name, each.body, source, target)
            try:
                image = promoted(way, repository, tag, Digest.stored(digest))
            except RequestInvalid:
                continue  # it has no name there
            needed, opens = way.pipeline.needed(target.name), way.pipeline.opens(target.name, now)
            new = NewPromotion(
                path=way.path,
                pipeline=way.name,
                source=source.name,
                stage=target.name,
                images=(image,),
                asked_id=account,
                needed=needed,
                expires_at=max(now, opens) + way.pipeline.waits,
                due_at=0 if needed else opens,
                automatic=True,
            )
            if await self._rows.ask_by_itself(new, By(pipeline_actor(way.name), now)) is not None:
                self._counted(Became.WAITING)
                asked = True
        return asked

    async def _account(self, event: Event) -> int:
        """Whoever put the image there, not somebody who has their name by now; of what came there by itself whoever put
        it where it came from; 0: nobody who is there."""
        if event.actor.startswith(pipeline_actor("")):
            done = await self._rows.page(_NEWEST, PromotionState.DONE, Digest.stored(event.digest))
            by = (each.asked_id for each in done.items for one in each.images if one.target == event.repository)
            return next(by, 0)
        account = await self._accounts.get(event.actor) if event.actor else None
        return account.id if account is not None and account.created_at <= event.at else 0
