"""What a transaction has to say at its end: what happened, and what it adds to the counters."""

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from orlop.adapters.sql.engine import Raced, Row, Script, Session
from orlop.adapters.sql.room import make_room
from orlop.domain.events import EventKind
from orlop.domain.quotas import Room, Usage
from orlop.ports.catalog import By

T = TypeVar("T")


class Ledger:
    """Gathers events and sums of one transaction, and writes each kind in one go.

    What a repository gains is gained by its namespace and by all above that, too: `located` says which these are.

    The version of who may do what and the counters of the whole store are the very last that is written: many
    transactions want their rows, so none may hold one while it waits for anything else.
    """

    def __init__(self, by: By) -> None:
        self._by = by
        self._events: list[Row] = []
        self._repositories: dict[int, list[int]] = {}
        self._pushed: dict[int, int] = {}
        self._above: dict[int, tuple[int, ...]] = {}
        self._counting: dict[int, tuple[int, ...]] = {}
        self._caching: dict[int, tuple[int, ...]] = {}
        self._cache: dict[int, int] = {}
        self._nodes: dict[int, list[int]] = {}
        self._gained: dict[int, list[int]] = {}  # by repository, as all of its nodes gain it
        self._into: dict[str, int] = {}
        self._within = ""
        self._room: dict[Room, None] = {}
        self._totals = [0, 0, 0, 0, 0]
        self._access = False
        self._settings = False
        self._deleted: list[str] = []

    def event(
        self,
        kind: EventKind,
        repository: str = "",
        digest: str = "",
        tag: str = "",
        *,
        subject: str = "",
        detail: str = "",
    ) -> None:
        """Something happened."""
        by, origin, place = self._by, self._by.origin, len(self._events)
        what = (by.at, kind.value, by.actor, repository, digest, tag, place)
        self._events.append((*what, origin.credential, origin.address, origin.request, subject, detail))

    def located(self, repository: int, nodes: str | None, cache: int | None = None) -> None:
        """Which nodes a repository lies below; None: it came to lie below one that was made a moment ago. `cache`: the
        node of the upstream whose content it caches."""
        if nodes is None:
            raise Raced
        above = _rows(nodes)
        self._above[repository] = self._counting[repository] = above
        if cache is not None:
            self._counting[repository] = tuple(node for node in above if node == above[0] or node >= cache)
            self._caching[repository] = above
            self._cache[repository] = next((node for node in above if node >= cache), above[0])

    def counting(self, repository: int) -> tuple[int, ...]:
        """The rows of the nodes above a located repository for which it counts, from the root down: all, or of a cache
        the root and those from that of its upstream on."""
        return self._counting[repository]

    def caching(self, repository: int) -> tuple[int, ...]:
        """Those for which it counts as a cache: all, or none where it is none."""
        return self._caching.get(repository, ())

    def becomes_own(self, repository: int) -> tuple[int, ...]:
        """A located cache is none any more; the nodes for which it counts only now."""
        before = self._counting[repository]
        self._counting[repository], self._caching[repository] = self._above[repository], ()
        return tuple(node for node in self._above[repository] if node not in before)

    def within(self, repository: str, room: tuple[Room, ...]) -> None:
        """What is counted is counted of this repository, and has to find room there; of several, in all of them."""
        self._within = repository
        self._into[repository] = 0
        self._room |= dict.fromkeys(room)

    def into(self, repository: int) -> None:
        """The row of that repository."""
        self._into[self._within] = repository

    def held(self, nodes: Sequence[int], size: int) -> None:
        """These nodes hold so many bytes more: of a blob that none of their repositories had, or has any more."""
        for node in nodes:
            self._node(node)[0] += size

    def cached(self, nodes: Sequence[int], size: int) -> None:
        """Below these nodes so many bytes more are cached: of a blob that no cache there had, or has any more."""
        for node in nodes:
            self._node(node)[5] += size

    def uncached(self, repository: int) -> int:
        """By how many bytes less is cached below the node of the upstream whose content a located repository caches."""
        return -(self._node(self._cache[repository])[5] + self._gains(repository)[0])

    def access(self, *, deleted: str = "") -> None:
        """Who may do what is another from now on, perhaps because the repository `deleted` is no more."""
        self._access = True
        if deleted:
            self._deleted.append(deleted)

    def setting(self, *, rights: bool) -> None:
        """A setting is another from now on; `rights`: and with it perhaps who may do what."""
        self._settings = True
        if rights:
            self.access()

    def count(
        self,
        repository: int,
        *,
        manifests: int = 0,
        manifest_bytes: int = 0,
        tags: int = 0,
        blobs: int = 0,
        blob_bytes: int = 0,
        hidden: bool = False,
    ) -> None:
        """Move the counters of a located repository, and with them those of its nodes, and the totals of manifests and
        tags; of one that is hidden its nodes count the bytes alone."""
        _add(self._counted(repository), (manifests, manifest_bytes, tags, blobs, blob_bytes))
        if hidden:
            _add(self._gains(repository), (manifest_bytes, manifest_bytes + blob_bytes, 0, 0, 0))
            return
        _add(self._gains(repository), (manifest_bytes, manifest_bytes + blob_bytes, tags, manifests, 0))
        if manifests or tags:
            self.add_totals(manifests=manifests, tags=tags)

    def repository(self, row_id: int, change: int) -> None:
        """A located repository comes or goes."""
        self.lies(row_id, change, Usage(repositories=1))
        self.add_totals(repositories=change)

    def lies(self, repository: int, times: int, usage: Usage, *, hidden: bool = False) -> None:
        """A located repository comes to lie below its nodes with all that it holds, or with `times` -1 goes from there,
        `hidden` into the trash, where the root still counts its bytes. Bytes of blobs are told by `held`: of those that
        are stored these are of manifests alone."""
        numbers = tuple(times * number for number in usage.each()[:5])
        _add(self._gains(repository), numbers)
        if hidden:
            _add(self._node(self.counting(repository)[0]), (-numbers[0], -numbers[1], 0, 0, 0))

    def gained(self, nodes: Sequence[int], usage: Usage) -> None:
        """A repository that lay below these nodes counts for them from now on; its blobs are told by `held`."""
        for node in nodes:
            _add(self._node(node), usage.each()[:5])

    def ends(self, repository: int, manifest_bytes: int, size: int) -> None:
        """A hidden repository goes, whose row still has these counters: its nodes keep nothing of it."""
        _, more_of_manifests, _, _, more_of_blobs = self._repositories.get(repository, [0, 0, 0, 0, 0])
        left = manifest_bytes + more_of_manifests, size + more_of_manifests + more_of_blobs
        for node in self.counting(repository):
            _add(self._node(node), (-left[0], -left[1], 0, 0, 0))

    def _node(self, node: int) -> list[int]:
        return self._nodes.setdefault(node, [0, 0, 0, 0, 0, 0])

    def _gains(self, repository: int) -> list[int]:
        return self._gained.setdefault(repository, [0, 0, 0, 0, 0])

    def _counted(self, repository: int) -> list[int]:
        return self._repositories.setdefault(repository, [0, 0, 0, 0, 0])

    def pushed(self, repository: int) -> None:
        """Somebody pushed a manifest there."""
        self._pushed[repository] = self._by.at
        self._counted(repository)

    def add_totals(
        self, *, repositories: int = 0, manifests: int = 0, tags: int = 0, blobs: int = 0, blob_bytes: int = 0
    ) -> None:
        """Move the counters of the store."""
        _add(self._totals, (repositories, manifests, tags, blobs, blob_bytes))

    def _added(self, path: str) -> Usage:
        """What a node above a repository gains, or the repository itself."""
        gained = Usage()
        if path in self._into:
            _, size, *others = self._gains(self._into[path])
            gained = Usage(size, size, *others)
        below = next((row for name, row in self._into.items() if not path or name.startswith(f"{path}/")), None)
        if below is None:
            return gained
        node = self._above[below][path.count("/") + 1 if path else 0]
        return gained.plus(Usage(*self._nodes.get(node, ())))

    async def write(self, tx: Session) -> None:
        """Write everything that was gathered. Raises Denied where there is no room for it."""
        for repository, gained in self._gained.items():
            for node in self.counting(repository):
                _add(self._node(node), gained)
            if gained[0]:
                self.cached(self.caching(repository), gained[0])
        if self._room:
            added = {room.path: self._added(room.path) for room in self._room}
            for crossing in await make_room(tx, next(iter(self._into)), tuple(self._room), added):
                self.event(EventKind.QUOTA_WARNING, subject=crossing.room.path, detail=crossing.words)
        if self._events:
            await tx.many("event", self._events)
        if self._repositories:
            rows = [(row_id, *sums, self._pushed.get(row_id)) for row_id, sums in sorted(self._repositories.items())]
            await tx.many("repository_count", rows)
        nodes = [(node, *sums) for node, sums in sorted(self._nodes.items()) if any(sums)]
        if nodes:
            await tx.many("usage_add", nodes)
        if self._access:
            row = await tx.one("access_move")
            assert row is not None
            for name in self._deleted:
                await tx.run("repository_deleted", name, row[0], self._by.at)
        if any(self._totals):
            await tx.run("totals_add", *self._totals)
        if self._settings:
            await tx.run("settings_move")


@lru_cache(maxsize=1_000)
def _rows(nodes: str) -> tuple[int, ...]:
    return tuple(sorted(map(int, nodes.split(","))))


def _add(sums: list[int], amounts: Sequence[int]) -> None:
    one, two, three, four, five = amounts
    sums[0] += one
    sums[1] += two
    sums[2] += three
    sums[3] += four
    sums[4] += five


def recorded(by: By, steps: Callable[[Session, Ledger], Awaitable[T]]) -> Script[T]:
    """A script that ends with what its ledger gathered."""

    async def script(tx: Session) -> T:
        ledger = Ledger(by)
        outcome = await steps(tx, ledger)
        await ledger.write(tx)
        return outcome

    return script
