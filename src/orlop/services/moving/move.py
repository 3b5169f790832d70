"""A move from one pair of stores to another, of which either may stay: copy, cut over, or give up.

Every step may be interrupted and run again. The gate of the source is shut before the rows are copied, the source is
marked as moved before the target is opened, and each of these is a durable transaction: never do both take changes.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec

from orlop.domain.errors import ContentCorrupt, Denied, RegistryError
from orlop.domain.moving import Move, MoveState
from orlop.ports.catalog import Inspection, Vitals
from orlop.ports.clock import Ids
from orlop.ports.moving import Moves
from orlop.services.moving.blobs import BlobCopies
from orlop.services.moving.report import MoveReport
from orlop.services.moving.rows import Rows, compare_rows, copy_rows, settle_rows, wrong_rows

#: A pass that brings no more blobs than these leaves little for the time in which nobody can push. One that brings
#: more than half of what the one before it brought is not on the way to that: pushes come as fast as copies.
_FEW = 8


class End(msgspec.Struct, frozen=True):
    """One end of a move. `place` is both of its stores, for people; `blobs` the name of its blob store."""

    place: str
    catalog: str
    blobs: str
    moves: Moves
    rows: Rows
    inspection: Inspection
    vitals: Vitals


class StoreMove:
    """`copies` is None where the blobs stay, `adopt` makes blobs that stay those of the target's catalog.

    Where both ends are of one catalog only blobs move.
    """

    def __init__(
        self,
        source: End,
        target: End,
        copies: BlobCopies | None,
        adopt: Callable[[], Awaitable[None]],
        ids: Ids,
        progress: Callable[[MoveReport], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._target = target
        self._one_catalog = source.catalog == target.catalog
        self._copies = copies
        self._adopt = adopt
        self._ids = ids
        self._progress = progress
        # What this run made of the two catalogs: if they stand elsewhere, another run has taken over.
        self._here = Move()
        self._there = Move()
        self.report = MoveReport()

    @property
    def is_shut(self) -> bool:
        """Whether the source takes no changes, although it has not moved: a cut-over was broken off."""
        return self._here.state is MoveState.CLOSED

    async def copy(self) -> None:
        """Begin the move or go on with it: copy blobs, while the source is served, until little is left.

        Raises Denied when the target is in use or another move is under way, ContentCorrupt when blobs of the source
        are damaged, which `report` then lists, and what the stores raise.
        """
        await self._begin()
        if self._copies is None or self._here.state is not MoveState.COPYING:
            return
        before: int | None = None
        while True:
            copied = await self._copies.run(self.report, self._progress)
            self._refuse_findings()
            if copied <= _FEW or (before is not None and copied > before // 2):
                return
            before = copied

    async def cut_over(self) -> None:
        """Shut the source, copy the rest, compare, and open the target. After `copy`, whose errors it may raise, too.

        After an error the source is open again, unless its catalog cannot be reached any more.
        """
        if self._here.state is MoveState.COPYING:
            await self._check_source()
            if not self._one_catalog:
                await self._target.rows.clear(self._there)
            self._here = await self._change(self._source, self._here, state=MoveState.CLOSED)
        if self._here.state is MoveState.CLOSED:
            try:
                await self._bring_the_rest()
            except BaseException:
                with suppress(RegistryError):  # then it stays shut, until the command is run again or gives it up
                    self._here = await self._change(self._source, self._here, state=MoveState.COPYING)
                raise
            await self._open()

    async def abandon(self) -> None:
        """Open the source again and forget the move. Raises Denied when it was moved already."""
        here = await self._source.moves.current()
        if here.state is MoveState.MOVED:
            raise Denied(f"the registry has moved to {here.other} for good; move it back from there")
        if here.state is MoveState.FILLING:
            raise Denied(f"this is the new place of a move from {here.other}; give it up there")
        if here.state is not MoveState.SETTLED:
            await self._source.moves.change(here, Move(blobs=here.blobs))

    async def forget_target(self) -> None:
        """After `abandon`: remove what the move brought into the target's catalog. Blobs stay, for another try."""
        there = await self._target.moves.current()
        if there.state is MoveState.FILLING and there.peer == self._source.catalog and not self._one_catalog:
            there = await self._change(self._target, there, run=self._ids.new())
            await self._target.rows.clear(there)
            await self._target.moves.change(there, Move())

    async def _begin(self) -> None:
        here = await self._source.moves.current()
        if here.state is MoveState.FILLING:
            raise Denied(f"this catalog is being filled by a move from {here.other}; finish that first")
        if here.state is not MoveState.SETTLED and here.other != self._target.place:
            raise Denied(f"the registry moves, or has moved, to {here.other}; finish that, or give it up with --abort")
        if here.blobs and here.blobs != self._source.blobs:
            if not self._one_catalog or here.blobs != self._target.blobs:
                raise Denied(f"the blobs of this catalog have moved to {here.blobs}; name that place in blobs.url")
            self.report.moved = True  # by an earlier run
            return
        if self._one_catalog and self._copies is None:
            raise Denied("both settings name the same stores; there is nothing to move")
        move, run = here.id or self._ids.new(), self._ids.new()
        if not self._one_catalog:
            await self._claim_target(here, move, run)
        self._here = here
        if here.state is not MoveState.MOVED:
            state = MoveState.COPYING if here.state is MoveState.SETTLED else here.state
            known = {"id": move, "run": run, "other": self._target.place, "peer": self._target.catalog}
            self._here = await self._change(self._source, here, state=state, **known)
        elif not self.report.moved:
            await self._open()

    async def _claim_target(self, here: Move, move: str, run: str) -> None:
        """Shut the target to all others, empty as it is, or take over what an earlier run left of it."""
        there = await self._target.moves.current()
        if here.state is MoveState.MOVED and there.state is MoveState.SETTLED:
            self.report.moved = True  # by an earlier run
            return
        is_ours = there.state is MoveState.FILLING and there.peer == self._source.catalog
        if not is_ours and (there.state is not MoveState.SETTLED or not await self._is_empty()):
            raise self._in_use()
        self._there = Move(MoveState.FILLING, move, run, self._source.place, self._source.catalog)
        await self._target.moves.change(there, self._there)
        if not is_ours and not await self._is_empty():  # somebody was faster than the gate
            await self._target.moves.change(self._there, there)
            raise self._in_use()

    def _in_use(self) -> Denied:
        return Denied(f"the catalog of {self._target.place} is not empty; name an empty one to move to")

    async def _is_empty(self) -> bool:
        rows = self._target.rows
        return all([await rows.last(table) == rows.tables[table] for table in ("repositories", "blobs", "outbox")])

    async def _check_source(self) -> None:
        """Whether its rows fit one another. Looked at twice, because it is served; better told now than when shut."""
        wrong = await wrong_rows(self._source.inspection)
        if wrong:
            self.report.findings = sorted(wrong & await wrong_rows(self._source.inspection), key=str)
        self._refuse_findings()

    async def _bring_the_rest(self) -> None:
        if self._copies is not None:
            copied = 1
            while copied:
                copied = await self._copies.run(self.report, self._progress)
                self._refuse_findings()
        if self._one_catalog:
            await self._source.rows.end_uploads(self._here)
            return
        await copy_rows(self._source.rows, self._target.rows, self._there, self.report, self._progress)
        await settle_rows(self._source.vitals, self._target.rows, self._there)
        await compare_rows(self._source.rows, self._target.rows)
        self.report.findings = sorted(await wrong_rows(self._target.inspection), key=str)
        self._refuse_findings()

    async def _open(self) -> None:
        """The last steps, of which each can be repeated: mark the source, hand the blobs over, open the target."""
        if self._one_catalog:
            await self._source.moves.change(self._here, Move(blobs=self._target.blobs))
        else:
            if self._here.state is MoveState.CLOSED:
                self._here = await self._change(self._source, self._here, state=MoveState.MOVED)
            await self._adopt()
            await self._target.moves.change(self._there, Move())
        self.report.moved = True

    def _refuse_findings(self) -> None:
        if self.report.findings:
            raise ContentCorrupt(
                f"{len(self.report.findings)} things are wrong with what is stored; the registry stays where it is"
            )

    async def _change(self, end: End, before: Move, **fields: Any) -> Move:
        after = msgspec.structs.replace(before, **fields)
        await end.moves.change(before, after)
        return after
