"""What stands in the stages of a pipeline, side by side: for each image what is where, and what waits for somebody."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.errors import NameInvalid, NotFound, RequestInvalid
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest
from orlop.domain.promotion.pipeline import PIPELINES, Pipeline, Stage
from orlop.domain.promotion.promotion import Promotion
from orlop.domain.settings import checked_name, checked_path, place_words
from orlop.ports.boards import Boards, StandingTag
from orlop.services.management.operations import Administered, Gate, Operation
from orlop.services.settings.in_force import SettingsInForce

#: Rows of a page at most, repositories of a stage that are looked through at once, how often for one page, and
#: promotions of it that are told of.
ROWS_MOST, _AT_ONCE, _TIMES, WAITING_MOST = 100, 500, 20, 200

_Key = tuple[str, Stage]


class BoardStage(msgspec.Struct, frozen=True):
    """A stage as its column begins. `needed`: approvals; `opens_at`: when images enter it, in microseconds since 1970;
    0: now."""

    stage: Stage
    needed: int
    opens_at: int


class BoardCell(msgspec.Struct, frozen=True):
    """What stands in a stage: in a namespace the tag that was set last. `differs`: the stage before has another
    image."""

    repository: RepositoryName
    standing: StandingTag
    differs: bool


class BoardRow(msgspec.Struct, frozen=True):
    """An image by its name below its stages. `cells` by stage; None: it has no tag there, or not for the caller to see.
    `waiting`: promotions of it."""

    name: str
    cells: tuple[BoardCell | None, ...]
    waiting: tuple[Promotion, ...]


class Board(msgspec.Struct, frozen=True):
    """A page of rows, by name. `goes_on`: the name behind which others follow; empty: none do."""

    path: str
    name: str
    stages: tuple[BoardStage, ...]
    rows: tuple[BoardRow, ...]
    goes_on: str = ""


class Along(msgspec.Struct, frozen=True):
    """A pipeline that holds for a place, by its own place and name."""

    path: str
    name: str
    pipeline: Pipeline

    def row(self, repository: str) -> str:
        """The name of the row that a repository is in; empty: it is in no stage."""
        for stage in self.pipeline.parsed:
            if stage.tag is None and repository.startswith(f"{stage.path}/"):
                return repository.removeprefix(f"{stage.path}/")
            if stage.tag is not None and stage.path == repository:
                return repository.rpartition("/")[2]
        return ""

    def concerns(self, place: str) -> bool:
        """Whether a stage lies in a place, or the place in a stage."""
        return any(_within(stage.path, place) or _within(place, stage.path) for stage in self.pipeline.parsed)


class PromotionBoards:
    """A reader sees the images of stages from which they may pull."""

    def __init__(self, gate: Gate, settings: SettingsInForce, boards: Boards) -> None:
        self._gate = gate
        self._settings = settings
        self._boards = boards

    async def along(self, caller: Caller, place: str) -> tuple[Along, ...]:
        """The pipelines that hold for a place and concern it, as far as the caller may see them. Raises Unavailable,
        Unauthorized."""
        await self._gate.check(caller, Operation.PROMOTION_READ, own=True)
        seeing = await self._gate.administers(caller)
        found = [Along(each.path, each.name, each.body) for each in await self._settings.covering(PIPELINES, place)]
        return tuple(one for one in found if one.concerns(place) and seeing.setting(Action.PULL, one.path))

    async def page(self, caller: Caller, path: str, name: str, page: PageRequest) -> Board:
        """The board of a pipeline, which goes on after the name of a row. Raises NotFound, Unauthorized, Denied."""
        pipeline, seeing = await self._pipeline(caller, path, name)
        size = min(page.size, ROWS_MOST)
        names, looked = await self._names(pipeline, seeing, page.after, size + 1)
        goes_on = names[size - 1] if len(names) > size else looked
        return await self._board((path, name, pipeline), seeing, names[:size], goes_on)

    async def rows(self, caller: Caller, path: str, name: str, images: Sequence[str]) -> Board:
        """The board with some rows alone, at most ROWS_MOST. Raises as `page` does, and RequestInvalid."""
        if len(images) > ROWS_MOST:
            raise RequestInvalid(f"a board has at most {ROWS_MOST} rows, these are {len(images)}")
        pipeline, seeing = await self._pipeline(caller, path, name)
        return await self._board((path, name, pipeline), seeing, images)

    async def row(self, caller: Caller, path: str, name: str, image: str) -> Board:
        """The board with one row alone. Raises as `page` does, and NotFound where nothing of it is seen."""
        pipeline, seeing = await self._pipeline(caller, path, name)
        board = await self._board((path, name, pipeline), seeing, [image])
        if not any(board.rows[0].cells):
            raise NotFound(f"there is no {image[:256]} in a stage of {name}", {"image": image[:256]})
        return board

    async def _pipeline(self, caller: Caller, path: str, name: str) -> tuple[Pipeline, Administered]:
        path, name = checked_path(path), checked_name(PIPELINES.kind, name)
        await self._gate.check(caller, Operation.PROMOTION_READ, own=True)
        seeing = await self._gate.administers(caller)
        if seeing.setting(Action.PULL, path):
            for each in await self._settings.covering(PIPELINES, path):
                if (each.path, each.name) == (path, name):
                    return each.body, seeing
        raise NotFound(f"there is no pipeline {name} of {place_words(path)}", {"name": name, "path": path})

    async def _names(self, pipeline: Pipeline, seeing: Administered, after: str, limit: int) -> tuple[list[str], str]:
        """The first names of rows behind one; and up to which name was looked where that was not to the end."""
        names: set[str] = set()
        looked: list[str] = []
        for stage in pipeline.parsed:
            if stage.tag is None:
                found, last = await self._below(stage, seeing, after, limit)
                names |= set(found)
                looked += [last] if last else []
            elif seeing.reads(stage.path) and stage.path.rpartition("/")[2] > after:
                names.add(stage.path.rpartition("/")[2])
        end = min(looked, default="")  # what lies behind it in one stage is not known of all of them
        return [name for name in sorted(names) if not end or name <= end][:limit], end

    async def _below(self, stage: Stage, seeing: Administered, after: str, limit: int) -> tuple[list[str], str]:
        """The same of one stage that is a namespace."""
        found: list[str] = []
        for _ in range(_TIMES):
            read = await self._boards.repositories(stage.path, after, _AT_ONCE)
            names = [(each, each.removeprefix(f"{stage.path}/")) for each in read]
            found += [name for repository, name in names if seeing.reads(repository)]
            if len(found) >= limit or len(read) < _AT_ONCE:
                return found[:limit], ""
            after = names[-1][1]
        return found, after

    async def _board(
        self, known: tuple[str, str, Pipeline], seeing: Administered, names: Sequence[str], goes_on: str = ""
    ) -> Board:
        path, name, pipeline = known
        places = {(row, stage): place for row in names for stage in pipeline.parsed if (place := _place(stage, row))}
        standing = await self._standing({key: place for key, place in places.items() if seeing.reads(place)})
        waiting = await self._boards.waiting(path, name, set(places.values()), WAITING_MOST) if places else ()
        told = [one for one in waiting if all(seeing.reads(image.target) for image in one.images)]
        rows = []
        for row in names:
            cells = _cells([standing.get((row, stage)) for stage in pipeline.parsed])
            own = {places[row, stage] for stage in pipeline.parsed if (row, stage) in places}
            concerned = (one for one in told if any(image.target in own for image in one.images))
            rows.append(BoardRow(row, cells, tuple(concerned)))
        return Board(path, name, _columns(pipeline, self._gate.now()), tuple(rows), goes_on)

    async def _standing(self, places: Mapping[_Key, RepositoryName]) -> dict[_Key, BoardCell]:
        newest = await self._boards.newest({place for (_, stage), place in places.items() if stage.tag is None})
        found: dict[_Key, BoardCell] = {}
        for (row, stage), place in places.items():
            tag = newest.get(place) if stage.tag is None else await self._boards.tagged(place, stage.tag)
            if tag is not None:
                found[row, stage] = BoardCell(place, tag, differs=False)
        return found


def _cells(standing: Sequence[BoardCell | None]) -> tuple[BoardCell | None, ...]:
    """With what differs from the image before."""
    cells: list[BoardCell | None] = []
    before = ""
    for cell in standing:
        if cell is not None:
            cell = msgspec.structs.replace(cell, differs=before not in ("", cell.standing.digest))
            before = cell.standing.digest
        cells.append(cell)
    return tuple(cells)


def _within(path: str, place: str) -> bool:
    return not place or f"{path}/".startswith(f"{place}/")


def _columns(pipeline: Pipeline, now: int) -> tuple[BoardStage, ...]:
    opening = ((stage, pipeline.needed(stage.name), pipeline.opens(stage.name, now)) for stage in pipeline.parsed)
    return tuple(BoardStage(stage, needed, opens if opens > now else 0) for stage, needed, opens in opening)


def _place(stage: Stage, row: str) -> RepositoryName | None:
    """The repository of a row in a stage; None where it would have no name there."""
    if stage.tag is not None:
        return RepositoryName(stage.path) if stage.path.rpartition("/")[2] == row else None
    try:
        return RepositoryName(f"{stage.path}/{row}")
    except NameInvalid:
        return None
