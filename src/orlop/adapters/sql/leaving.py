"""A repository on its way from its namespace into the trash, and back, in steps of bounded work.

Who deletes one hides it at once: from then on nobody sees any of it, and it counts neither as a repository nor with its
tags. Its bytes count for the namespaces above until these have been told, blob by blob in the order of digests, that
they hold it no more; `left_to` of its entry says how far that is. The way back is the same in the other direction, and
the repository shows up with the last step. Whoever purges the trash goes on with what was broken off.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

from orlop.adapters.sql.engine import Engine, Row, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each, hold, made_namespace, release
from orlop.domain.durations import MINUTE, SECOND
from orlop.domain.errors import Conflict, RegistryError, Unavailable
from orlop.domain.leases import is_held, latest
from orlop.domain.names import RepositoryName
from orlop.domain.quotas import Usage
from orlop.ports.by import By
from orlop.ports.terms import Terms

#: Blobs, or manifests, of one transaction: some ten milliseconds of the catalog's time.
STEP = 200

#: For how long after each of its steps a restoration keeps others from taking back what it did.
_LEASE = 10 * MINUTE

#: After every digest.
_ALL = "~"


async def leaving(session: Session, now: int, limit: int) -> list[Row]:
    """Entries that are on their way out of their namespaces, with their holders, and that nobody brings back now."""
    return await session.all("trash_leaving", now, last_return(now), limit)


def last_return(now: int) -> int:
    """The latest end that the lease of who brings a repository back can have now."""
    return latest(now, _LEASE)


def returns(until: int, now: int) -> bool:
    """Whether somebody whose lease ends then may still be bringing a repository back."""
    return is_held(until, now, _LEASE)


async def leave(
    tx: Session, entry: int, holder: int, by: By, ledger: Ledger, now: int, *, limit: int = STEP, lease: int = 0
) -> bool:
    """Take a step out of the namespace; whether nothing is left to do. `lease`: of who takes a restoration back."""
    await _lock(tx, holder, ledger)
    row = await tx.one("trash_left_to", entry)
    if row is None or row[0] != holder or row[1] is None or (row[2] != lease and returns(row[2], now)):
        return True
    return await leave_further(tx, entry, holder, row[1], by, ledger, limit=limit, lease=lease)


async def leave_further(
    tx: Session, entry: int, holder: int, left_to: str, by: By, ledger: Ledger, *, limit: int = STEP, lease: int = 0
) -> bool:
    """The same of a located repository whose links up to `left_to` have left."""
    links = await tx.all("trash_links_after", holder, left_to, limit)
    await release(tx, holder, {blob_id: size for _, blob_id, size in links}, ledger)
    if len(links) == limit:
        await tx.run("trash_leaves", entry, links[-1][0], lease)
        return False
    sizes = await tx.one("repository_sizes", holder)
    assert sizes is not None
    ledger.lies(holder, -1, Usage(sizes[4], sizes[3]), hidden=True)
    await tx.run("repository_place", holder, await made_namespace(tx, "", by))
    await tx.run("trash_leaves", entry, None, 0)
    return True


async def leave_all(engine: Engine, entry: int, holder: int, by: By, *, lease: int = 0) -> None:
    """Every step out of the namespace that is left."""
    clock = _clock(by)

    async def steps(tx: Session, ledger: Ledger) -> bool:
        return await leave(tx, entry, holder, by, ledger, clock(), lease=lease)

    while not await engine.write(recorded(by, steps), changes=False):
        pass


Shown = Callable[[Session, Ledger], Awaitable[None]]
"""What is to be done with the transaction in which the repository shows up; or raises why it must not."""


async def come_back(
    engine: Engine, entry: int, holder: int, name: RepositoryName, by: By, terms: Terms, check: Shown, show: Shown
) -> None:
    """All steps back into the namespace of its name; what is refused leaves the repository where it was.

    `check` is asked before anything is done. Raises Conflict where somebody else is at work on it, and Denied.
    """
    clock = _clock(by)

    async def begin(tx: Session, ledger: Ledger) -> tuple[str, int]:
        await _lock(tx, holder, ledger)
        row = await tx.one("trash_left_to", entry)
        if row is None or row[:2] != (holder, None) or not row[3]:
            raise _away(name)
        await check(tx, ledger)
        namespace = await made_namespace(tx, name.namespace, by)
        nodes, sizes = await tx.one("nodes_above", namespace), await tx.one("repository_sizes", holder)
        assert nodes is not None
        assert sizes is not None
        await tx.run("repository_place", holder, namespace)
        ledger.within(name, terms.room)
        ledger.located(holder, nodes[0])
        ledger.into(holder)
        ledger.lies(holder, 1, Usage(sizes[4], sizes[3]), hidden=True)
        return await _step(tx, ledger, _ALL)

    async def further(tx: Session, ledger: Ledger) -> tuple[str, int]:
        await _lock(tx, holder, ledger)
        row = await tx.one("trash_left_to", entry)
        if row is None or row[:3] != (holder, left, lease) or not row[3]:
            raise _away(name)
        ledger.within(name, terms.room)
        ledger.into(holder)
        return await _step(tx, ledger, left)

    async def _step(tx: Session, ledger: Ledger, left: str) -> tuple[str, int]:
        """Up to which digest links are away after one more, and until when nobody else takes them back."""
        links = await tx.all("trash_links_until", holder, left, STEP + 1)
        blobs = sorted((blob_id, size) for _, blob_id, size in links[:STEP])
        if blobs:
            await tx.all("blobs_lock", each([blob_id for blob_id, _ in blobs]))
            await hold(tx, holder, blobs, ledger)
        if len(links) > STEP:
            until = clock() + _LEASE
            await tx.run("trash_leaves", entry, links[STEP][0], until)
            return str(links[STEP][0]), until
        await check(tx, ledger)
        await show(tx, ledger)
        return "", 0

    left, lease = await engine.write(recorded(by, begin), changes=name, holding=terms.settings)
    try:
        while left:
            left, lease = await engine.write(recorded(by, further), changes=name, holding=terms.settings)
    except RegistryError:
        with suppress(Unavailable):
            await leave_all(engine, entry, holder, by, lease=lease)
        raise


def _clock(by: By) -> Callable[[], int]:
    """A clock that stands at the time of `by` now: the steps of one may take longer than a lease."""
    began = monotonic()
    return lambda: by.at + round((monotonic() - began) * SECOND)


async def _lock(tx: Session, holder: int, ledger: Ledger) -> None:
    for located in await tx.all("repositories_lock", each([holder])):
        ledger.located(*located)


def _away(name: RepositoryName) -> Conflict:
    return Conflict(
        f"somebody else removes or restores the repository {name} right now; try again in a moment", {"name": name}
    )
