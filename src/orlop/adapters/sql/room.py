"""Whether what a transaction adds fits the quotas that cover its repository.

Transactions that write take turns on SQLite. On PostgreSQL those under a quota hold a guard of it until they end: all
together while there is plenty of room, so that none of them waits; alone where a limit or a threshold is near. That
never lets more in than there is room for: those together have seen no more than 7/8 of the limit, and each of the
thousand that may run at once adds no more than an eight thousandth.
"""

from collections.abc import Mapping, Sequence

from orlop.adapters.sql.engine import Raced, Session
from orlop.adapters.sql.parameters import each
from orlop.domain.quotas import Crossing, Room, Usage, fit

_SLACK, _AT_ONCE = 8, 1_000
_EMPTY = Usage()
NOTHING: Mapping[str, int] = {}


async def make_room(
    tx: Session, repository: str, rooms: Sequence[Room], added: Mapping[str, Usage], held: Mapping[str, int] = NOTHING
) -> list[Crossing]:
    """The thresholds that are reached by what is `added` to each node of a quota, by its path. Raises Denied.

    `held`: how many bytes more are to find room, by path.
    """
    concerned = [room for room in rooms if _concerns(room, added[room.path])]
    if not concerned:
        return []
    paths = each(sorted({room.path for room in concerned}))
    used = await in_use(tx, paths)
    alone = _is_near(concerned, used, added, held)
    if await tx.all("room_guard", paths, int(alone)):
        used = await in_use(tx, paths)
        if not alone and _is_near(concerned, used, added, held):
            raise Raced  # others have filled it meanwhile
    if not alone:
        return []  # nothing is near, so nothing is reached
    crossings: list[Crossing] = []
    for room in concerned:
        before = used.get(room.path, _EMPTY)
        crossings += fit(room, before, added[room.path], held.get(room.path, 0), repository)
    return crossings


async def make_room_beforehand(
    tx: Session, repository: str, rooms: Sequence[Room], size: int, upload: str, now: int
) -> None:
    """Raises Denied where there is no room for so many bytes of a session, beside what others under way hold."""
    added = Usage(stored_bytes=size, logical_bytes=size)
    held = await held_for_uploads(tx, each(sorted({room.path for room in rooms})), upload, now)
    await make_room(tx, repository, rooms, {room.path: added for room in rooms}, held)


async def in_use(tx: Session, paths: str) -> dict[str, Usage]:
    """What lies at each path."""
    found: dict[str, Usage] = {}
    for path, *numbers in await tx.all("room_in_use", paths):
        usage = Usage(*numbers)
        found[path] = found[path].plus(usage) if path in found else usage
    return found


async def held_for_uploads(tx: Session, paths: str, upload: str, now: int) -> dict[str, int]:
    """How many bytes uploads under way hold at each path, beside the session `upload`."""
    return dict(await tx.all("room_held", paths, upload, now))


def _concerns(room: Room, added: Usage) -> bool:
    """Whether anything is added that the quota limits."""
    return any(limit and more > 0 for limit, more in zip(room.limits.each(), added.each(), strict=True))


def _is_near(
    rooms: Sequence[Room], used: Mapping[str, Usage], added: Mapping[str, Usage], held: Mapping[str, int]
) -> bool:
    """Whether a limit or a threshold is so near that whoever adds has to be alone."""
    for room in rooms:
        usage = used.get(room.path, _EMPTY)
        for limit, was, more in zip(room.limits.each(), usage.each(), added[room.path].each(), strict=True):
            if not limit or more <= 0:
                continue
            most = was + held.get(room.path, 0) + more + limit // _SLACK
            mark = limit * room.warn
            if more > limit // (_SLACK * _AT_ONCE) or most > limit or (was * 100 < mark <= most * 100):
                return True
    return False
