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


async def make_room(
    tx: Session, repository: str, rooms: Sequence[Room], added: Mapping[str, Usage], now: int, upload: str = ""
) -> list[Crossing]:
    """The thresholds that are reached by what is `added` to each node of a quota, by its path. Raises Denied.

    `upload`: the session whose bytes are among these, so that they are not counted as reserved, too.
    """
    concerned = [room for room in rooms if any(more > 0 for more in added[room.path].each())]
    if not concerned:
        return []
    paths = each(sorted({room.path for room in concerned}))
    used = await in_use(tx, paths, upload, now)
    alone = _is_near(concerned, used, added)
    if await tx.all("room_guard", paths, int(alone)):
        used = await in_use(tx, paths, upload, now)
        if not alone and _is_near(concerned, used, added):
            raise Raced  # others have filled it meanwhile
    crossings: list[Crossing] = []
    for room in concerned:
        before, reserved = used.get(room.path, (Usage(), 0))
        crossings += fit(room, before, added[room.path], reserved, repository)
    return crossings


async def in_use(tx: Session, paths: str, upload: str, now: int) -> dict[str, tuple[Usage, int]]:
    """What lies at each path, and how many bytes more uploads under way hold."""
    found: dict[str, tuple[Usage, int]] = {}
    for path, *numbers, reserved in await tx.all("room_in_use", paths, upload, now):
        usage, held = found.get(path, (Usage(), 0))
        found[path] = usage.plus(Usage(*numbers)), held + reserved
    return found


def _is_near(rooms: Sequence[Room], used: Mapping[str, tuple[Usage, int]], added: Mapping[str, Usage]) -> bool:
    """Whether a limit or a threshold is so near that whoever adds has to be alone."""
    for room in rooms:
        usage, reserved = used.get(room.path, (Usage(), 0))
        for limit, was, more in zip(room.limits.each(), usage.each(), added[room.path].each(), strict=True):
            if not limit or more <= 0:
                continue
            most = was + reserved + more + limit // _SLACK
            mark = limit * room.warn // 100
            if more > limit // (_SLACK * _AT_ONCE) or most > limit or (was < mark <= most):
                return True
    return False
