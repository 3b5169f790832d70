"""Of one image of a board: from each stage to the next what differs, and what would become of promoting it."""

import asyncio

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError, Unauthorized
from orlop.domain.names import Tag
from orlop.domain.promotion.promotion import Promotion
from orlop.services.advisories.differences import InsideDifferences
from orlop.services.desks import Desks
from orlop.services.promotion.asking import PromotionTrial
from orlop.services.promotion.boards import Board, BoardCell, BoardStage


class BoardStep(msgspec.Struct, frozen=True, kw_only=True):
    """From a stage that is filled to the next, whether that is or not. `inside`: what differs, None where that is not
    known; `trial`: what would become of promoting what stands in the first, None where the second has the same, where
    the same waits already, and where that cannot be said, which `problem` tells; `waits`: the promotion that waits."""

    before: BoardCell
    source: BoardStage
    target: BoardStage
    after: BoardCell | None
    inside: InsideDifferences | None = None
    trial: PromotionTrial | None = None
    waits: Promotion | None = None
    problem: str = ""

    @property
    def same(self) -> bool:
        """Whether both stages have the same image."""
        return self.after is not None and self.after.standing.digest == self.before.standing.digest


class BoardSteps:
    """What one step cannot say does not take the others from the page."""

    def __init__(self, desks: Desks) -> None:
        self._trials = desks.promotion_trials
        self._inside = desks.comparison

    async def of(self, caller: Caller, board: Board) -> list[BoardStep]:
        """Those of the first row. They are tried at once: a gate may wait for what is not judged yet. Raises
        Unauthorized."""
        row = board.rows[0]
        steps = [
            BoardStep(
                before=cell,
                source=board.stages[at],
                target=board.stages[at + 1],
                after=row.cells[at + 1],
                waits=_waits(row.waiting, cell, board.stages[at + 1]),
            )
            for at, cell in enumerate(row.cells[:-1])
            if cell is not None
        ]
        return list(await asyncio.gather(*(self._told(caller, step, board.name) for step in steps)))

    async def _told(self, caller: Caller, step: BoardStep, pipeline: str) -> BoardStep:
        if step.same:
            return step
        step = msgspec.structs.replace(step, inside=await self._differences(caller, step))
        if step.waits is not None:
            return step
        held = step.before.repository, Tag.stored(step.before.standing.tag)
        try:
            trial = await self._trials.images(caller, [held], step.target.stage.name, pipeline)
        except Unauthorized:
            raise
        except RegistryError as refusal:
            return msgspec.structs.replace(step, problem=refusal.message)
        return msgspec.structs.replace(step, trial=trial)

    async def _differences(self, caller: Caller, step: BoardStep) -> InsideDifferences | None:
        """From what stands in the next stage to what would. None: one is no image, is not here, or has no platform of
        the other."""
        if step.after is None:
            return None
        one, other = ((cell.repository, Digest.stored(cell.standing.digest)) for cell in (step.after, step.before))
        try:
            return await self._inside.of(caller, one, other)
        except Unauthorized:
            raise
        except RegistryError:
            return None


def _waits(waiting: tuple[Promotion, ...], cell: BoardCell, target: BoardStage) -> Promotion | None:
    """The promotion of what stands in a stage that waits for the next; not one of several images, which is another."""
    for one in waiting:
        (image, *others) = one.images
        meant = image.repository, image.digest, one.stage
        if not others and meant == (cell.repository, cell.standing.digest, target.stage.name):
            return one
    return None
