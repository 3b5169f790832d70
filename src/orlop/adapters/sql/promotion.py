"""Promotions as rows, and the transaction that carries one out."""

from collections.abc import Collection, Sequence
from hashlib import sha256

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.manifests import delete_tag
from orlop.adapters.sql.pointing import set_tag
from orlop.adapters.sql.promotion_copy import Belongings, belongings, copied, in_order
from orlop.adapters.sql.records import each, existing_repository, locked_repository, made_repository
from orlop.domain.counts import counted
from orlop.domain.digest import Digest
from orlop.domain.durations import DAY
from orlop.domain.errors import NameUnknown, NotFound, Stale
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest, after_number, page_of
from orlop.domain.promotion.promotion import (
    Approval,
    GatePassed,
    NewPromotion,
    PromotedImage,
    Promotion,
    PromotionState,
    moved_on,
)
from orlop.ports.by import By
from orlop.ports.promotion import AlongPipeline, Move, PromotionOutcome
from orlop.ports.terms import Terms

#: Greater than the number of any promotion.
_BEYOND = (1 << 63) - 1


class SqlPromotions:
    """See ports.promotion.Promotions. `lists`: what pages are read by."""

    def __init__(self, engine: Engine, lists: Session) -> None:
        self._engine = engine
        self._reader = engine.reader
        self._lists = lists

    async def beside(self, repository: RepositoryName, digest: Digest) -> tuple[Tag, ...]:
        row = await existing_repository(self._reader, repository)
        return tuple(sorted((await belongings(self._reader, row, repository, digest)).tags))

    async def ask(self, asked: NewPromotion, by: By) -> Promotion:
        async def steps(tx: Session, ledger: Ledger) -> Promotion:
            number = await _add(tx, asked, by)
            if number is None:
                row = await tx.one("promotion_waiting", _once(asked))
                assert row is not None
                return await _found(tx, row[0])
            return await _asked(tx, number, ledger)

        return await self._engine.write(recorded(by, steps), changes=False)

    async def carry_out(self, promotion: NewPromotion | Promotion, moves: Sequence[Move], by: By) -> PromotionOutcome:
        async def steps(tx: Session, ledger: Ledger) -> PromotionOutcome:
            if isinstance(promotion, Promotion):
                await _waiting(tx, promotion.id)
            rows = await self._located(tx, moves, by, ledger)
            number = promotion.id if isinstance(promotion, Promotion) else await _add(tx, promotion, by, done=True)
            assert number is not None
            subject = f"promotion {number}"
            await tx.many(
                "promotion_gates_add",
                [(number, at, msgspec.json.encode(move.gates).decode()) for at, move in enumerate(moves) if move.gates],
            )
            manifests, blobs, changed = 0, 0, False
            for place, move in enumerate(moves):
                image = move.image
                source, target = (rows[image.repository], image.repository), (rows[image.target], image.target)
                whole = source != target and bool(ledger.caching(source[0]))
                if isinstance(promotion, Promotion) and promotion.by_tag and image.tag is not None:
                    at = await tx.one("tag_target", source[0], image.tag)
                    if at is None or at[1] != image.digest:
                        raise moved_on(image)
                found = await belongings(tx, *source, image.digest, whole=whole)
                more = 0, 0
                if source != target:
                    more = await copied(tx, source, target, found, by, ledger, move.terms.content, subject)
                    changed |= await _beside(tx, source[0], target, found, move, by, ledger)
                    ledger.pushed(target[0])
                manifests, blobs = manifests + more[0], blobs + more[1]
                detail = f"promotion {number} of {promotion.pipeline}, from {promotion.source} to {promotion.stage}"
                previous, moved = "", False
                if image.target_tag is not None:
                    was = await set_tag(tx, target, image.target_tag, image.digest, move.terms, by, ledger, detail)
                    previous, moved = (was or "", True) if was != image.digest else ("", False)
                await tx.run("promotion_image_done", number, place, previous, int(moved))
                changed |= moved or any(more)
                tag = image.target_tag or ""
                ledger.event(EventKind.IMAGE_PROMOTED, image.target, image.digest, tag, subject=subject, detail=detail)
            if not changed and isinstance(promotion, NewPromotion):
                raise _Nothing
            if isinstance(promotion, Promotion):
                await tx.run("promotion_end", number, PromotionState.DONE, by.at, by.actor, "")
            return PromotionOutcome(await _found(tx, number), manifests, blobs)

        holding = min((move.terms.settings for move in moves if move.terms.settings), default=0)
        targets = {move.image.target for move in moves}
        changes = next(iter(targets)) if len(targets) == 1 else True
        try:
            return await self._engine.write(recorded(by, steps), changes=changes, holding=holding)
        except _Nothing:
            return PromotionOutcome(None)

    async def _located(self, tx: Session, moves: Sequence[Move], by: By, ledger: Ledger) -> dict[RepositoryName, int]:
        """The rows of all repositories, locked; of targets made where they are new."""
        terms = {move.image.target: move.terms for move in moves}
        rows: dict[RepositoryName, int] = {}
        for name in in_order([*terms, *(move.image.repository for move in moves)]):
            if name in terms:
                known = await made_repository(tx, name, by, ledger, terms[name])
            else:
                row = await locked_repository(tx, name, ledger)
                if row is None:
                    raise NameUnknown(f"there is no repository {name}", {"name": name})
                known = row
            rows[name] = known
        return rows

    async def get(self, promotion: int) -> Promotion | None:
        row = await self._reader.one("promotion_get", promotion)
        return (await whole(self._reader, [row]))[0] if row is not None else None

    async def gates(self, promotion: int) -> tuple[tuple[GatePassed, ...], ...]:
        found = await self.get(promotion)
        said: dict[int, str] = dict(await self._reader.all("promotion_gates_of", promotion))
        if found is None or not said:
            return ()
        return tuple(
            msgspec.json.decode(said.get(place, "[]"), type=tuple[GatePassed, ...])
            for place in range(len(found.images))
        )

    async def page(
        self,
        page: PageRequest,
        state: PromotionState | None = None,
        digest: Digest | None = None,
        along: AlongPipeline | None = None,
    ) -> Page[Promotion]:
        keys = after_number(page) or _BEYOND, page.size + 1
        if digest is not None:
            which = (along.path, along.pipeline, along.stage) if along is not None else ("", "", "")
            rows = await self._lists.all(
                "promotion_page_of", *keys, digest, -1 if state is None else int(state), int(along is not None), *which
            )
        elif along is not None:
            name, more = "promotion_page_along", [along.path, along.pipeline]
            if along.stage:
                name, more = "promotion_page_into", [*more, along.stage]
            if state is None:
                rows = await self._lists.all(name, *keys, *more)
            else:
                rows = await self._lists.all(f"{name}_in", *keys, *more, int(state))
        elif state is None:
            rows = await self._lists.all("promotion_page", *keys)
        else:
            rows = await self._lists.all("promotion_page_in", *keys, int(state))
        return page_of(await whole(self._lists, rows), page)

    async def newest(self, target: RepositoryName) -> Promotion | None:
        row = await self._reader.one("promotion_newest_into", target)
        return await self.get(row[0]) if row is not None else None

    async def approve(self, promotion: int, account: int, by: By) -> Promotion:
        async def steps(tx: Session, ledger: Ledger) -> Promotion:
            await _waiting(tx, promotion)
            new = await tx.one("promotion_approve", promotion, account, by.actor, by.at)
            found = await _found(tx, promotion)
            if new is not None:
                _tell(ledger, EventKind.PROMOTION_APPROVED, found, f"to {found.stage}")
            return found

        return await self._engine.write(recorded(by, steps), changes=False)

    async def hold(self, promotion: int, due_at: int) -> Promotion:
        async def steps(tx: Session) -> Promotion:
            await _waiting(tx, promotion)
            await tx.run("promotion_hold", promotion, due_at, due_at + DAY)
            return await _found(tx, promotion)

        return await self._engine.write(steps, changes=False)

    async def ask_by_itself(self, asked: NewPromotion, by: By) -> Promotion | None:
        [image] = asked.images

        async def steps(tx: Session, ledger: Ledger) -> Promotion | None:
            same = image.digest, image.target, image.target_tag or "", asked.stage
            if await tx.one("promotion_was_asked", *same) is not None:
                return None
            number = await _add(tx, asked, by)
            if number is None:
                return None
            return await _asked(tx, number, ledger)

        return await self._engine.write(recorded(by, steps), changes=False)

    async def outdate(self, path: str, pipeline: str, tag: tuple[RepositoryName, Tag], digest: str, by: By) -> int:
        old = [row[0] for row in await self._reader.all("promotions_outdated", path, pipeline, *tag, digest)]
        why = f"{tag[0]}:{tag[1]} is {digest}" if digest else f"{tag[0]}:{tag[1]} is gone"
        return await self._expired(old, why, by)

    async def put_off(self, promotion: Promotion, due_at: int, why: str) -> None:
        async def steps(tx: Session) -> None:
            await tx.run("promotion_put_off", promotion.id, promotion.due_at, due_at, why)

        await self._engine.write(steps, changes=False)

    async def hasten(self, repositories: Collection[str], now: int) -> int:
        wanted = each(sorted(repositories))
        if await self._reader.one("promotions_automatic") is None:
            return 0

        async def steps(tx: Session) -> int:
            if not repositories:
                return len(await tx.all("promotions_hasten", now))
            return len(await tx.all("promotions_hasten_out_of", now, wanted))

        return await self._engine.write(steps, changes=False)

    async def waiting(self) -> tuple[int, int]:
        row = await self._reader.one("promotions_waiting")
        assert row is not None
        return row[0], row[1]

    async def due(self, now: int, limit: int) -> tuple[Promotion, ...]:
        found = [await self.get(row[0]) for row in await self._reader.all("promotions_due", now, limit)]
        return tuple(one for one in found if one is not None)

    async def end(self, promotion: int, state: PromotionState, why: str, by: By) -> Promotion:
        kind = EventKind.PROMOTION_EXPIRED if state is PromotionState.EXPIRED else EventKind.PROMOTION_REFUSED

        async def steps(tx: Session, ledger: Ledger) -> Promotion:
            await _waiting(tx, promotion)
            await tx.run("promotion_end", promotion, int(state), by.at, by.actor, why)
            found = await _found(tx, promotion)
            _tell(ledger, kind, found, why)
            return found

        return await self._engine.write(recorded(by, steps), changes=False)

    async def roll_back(self, promotion: Promotion, terms: Sequence[Terms], why: str, by: By) -> Promotion:
        back = any(image.moved and image.previous for image in promotion.images)

        async def steps(tx: Session, ledger: Ledger) -> Promotion:
            await _waiting(tx, promotion.id, PromotionState.DONE)
            rows: dict[RepositoryName, int] = {}
            for name in in_order(image.target for image in promotion.images):
                row = await locked_repository(tx, name, ledger)
                if row is None:
                    raise Stale(f"the repository {name} is gone: there is nothing to roll back", {"name": name})
                rows[name] = row
            detail = f"rollback of promotion {promotion.id}: {why}"
            for image, term in zip(promotion.images, terms, strict=True):
                target, tag = (rows[image.target], image.target), image.target_tag
                if tag is None or not image.moved or (back and not image.previous):
                    continue
                if back:
                    await set_tag(tx, target, tag, Digest.stored(image.previous), term, by, ledger, detail)
                else:
                    await delete_tag(tx, *target, tag, by, term, ledger, detail)
            await tx.run("promotion_end", promotion.id, PromotionState.ROLLED_BACK, by.at, by.actor, why)
            found = await _found(tx, promotion.id)
            _tell(ledger, EventKind.PROMOTION_ROLLED_BACK, found, why)
            return found

        holding = min((term.settings for term in terms if term.settings), default=0)
        return await self._engine.write(recorded(by, steps), holding=holding)

    async def expire(self, now: int, limit: int, by: By) -> int:
        over = [row[0] for row in await self._reader.all("promotions_over", now, limit)]
        return await self._expired(over, "nobody decided in time", by)

    async def _expired(self, promotions: Sequence[int], why: str, by: By) -> int:
        ended = 0
        for number in promotions:
            try:
                await self.end(number, PromotionState.EXPIRED, why, by)
            except Stale:
                continue  # somebody decided just now
            ended += 1
        return ended


class _Nothing(Exception):
    """Everything is as the promotion would leave it."""


async def _beside(
    tx: Session, source: int, target: tuple[int, RepositoryName], found: Belongings, move: Move, by: By, ledger: Ledger
) -> bool:
    """Set the tags beside an image; whether one changed. Raises Stale where the terms know nothing of one."""
    if not found.tags:
        return False
    unknown = sorted(set(found.tags) - set(move.beside))
    if unknown:
        raise Stale(f"the tag {unknown[0]} of {move.image.repository} was set meanwhile", {"tag": unknown[0]})
    there = {tag: one for tag, one, _ in await tx.all("promoted_tags", target[0], each(sorted(found.tags)))}
    changed = False
    for tag, digest in sorted(found.tags.items()):
        was = there.get(tag)
        if was == digest or (was is not None and await tx.one("promoted_tag_was", source, tag, was) is None):
            continue
        await set_tag(tx, target, tag, Digest.stored(digest), move.terms, by, ledger)
        changed = True
    return changed


async def _waiting(tx: Session, promotion: int, state: PromotionState = PromotionState.WAITING) -> None:
    row = await tx.one("promotion_lock", promotion)
    if row is None:
        raise NotFound(f"there is no promotion {promotion}", {"promotion": promotion})
    if row[0] != state:
        raise Stale(f"promotion {promotion} is {PromotionState(row[0]).word}", {"promotion": promotion})


async def _add(tx: Session, asked: NewPromotion, by: By, *, done: bool = False) -> int | None:
    """The number of a new row; None where the same waits."""
    ended = (int(PromotionState.DONE), by.at, by.actor) if done else (int(PromotionState.WAITING), 0, "")
    row = await tx.one(
        "promotion_add",
        *(asked.path, asked.pipeline, asked.source, asked.stage, asked.bundle, ended[0], by.actor, asked.asked_id),
        *(by.at, asked.needed, asked.expires_at, ended[1], ended[2], "", _once(asked), asked.due_at),
        int(asked.automatic),
    )
    if row is None:
        return None
    await tx.many(
        "promotion_image_add",
        [
            (row[0], place, one.repository, one.tag or "", one.digest, one.target, one.target_tag or "", "", 0)
            for place, one in enumerate(asked.images)
        ],
    )
    return int(row[0])


async def _asked(tx: Session, promotion: int, ledger: Ledger) -> Promotion:
    """A new one that waits; tells of it."""
    made = await _found(tx, promotion)
    waits = f"for {counted(made.needed, 'approval')}" if made.needed else f"once {made.stage} opens"
    if made.automatic:
        waits = f"by itself, for {counted(made.needed, 'approval')}" if made.needed else "by itself"
    _tell(ledger, EventKind.PROMOTION_ASKED, made, f"to {made.stage}, {waits}")
    return made


def _once(asked: NewPromotion) -> str:
    """The same for the same images, asked for by the same person on the same way."""
    same = [asked.path, asked.pipeline, asked.source, asked.stage, asked.bundle, asked.asked_id]
    images = [(one.repository, one.digest, one.target, one.target_tag) for one in asked.images]
    return sha256(msgspec.json.encode([same, images], enc_hook=str)).hexdigest()


async def _found(tx: Session, promotion: int) -> Promotion:
    row = await tx.one("promotion_get", promotion)
    if row is None:
        raise NotFound(f"there is no promotion {promotion}", {"promotion": promotion})
    return (await whole(tx, [row]))[0]


async def whole(session: Session, rows: Sequence[Row]) -> tuple[Promotion, ...]:
    """Promotions with their images and approvals."""
    if not rows:
        return ()
    wanted = each(sorted(row[0] for row in rows))
    images: dict[int, list[PromotedImage]] = {}
    for number, repository, tag, digest, target, target_tag, previous, moved in await session.all(
        "promotion_images_of", wanted
    ):
        images.setdefault(number, []).append(
            PromotedImage(
                RepositoryName.stored(repository),
                Tag.stored(tag) if tag else None,
                Digest.stored(digest),
                RepositoryName.stored(target),
                Tag.stored(target_tag) if target_tag else None,
                previous,
                bool(moved),
            )
        )
    approvals: dict[int, list[Approval]] = {}
    for number, *approval in await session.all("promotion_approvals_of", wanted):
        approvals.setdefault(number, []).append(Approval(*approval))
    return tuple(
        Promotion(
            **dict(zip(Promotion.__struct_fields__[:6], row[:6], strict=True)),
            state=PromotionState(row[6]),
            **dict(zip(Promotion.__struct_fields__[7:16], row[7:16], strict=True)),
            automatic=bool(row[16]),
            images=tuple(images.get(row[0], ())),
            approvals=tuple(sorted(approvals.get(row[0], ()), key=lambda one: one.at)),
        )
        for row in rows
    )


def _tell(ledger: Ledger, kind: EventKind, promotion: Promotion, detail: str) -> None:
    for image in promotion.images:
        tag = str(image.target_tag or "")
        ledger.event(kind, image.target, image.digest, tag, subject=f"promotion {promotion.id}", detail=detail)
