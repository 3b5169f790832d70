"""`orlop store check`: whether the stores can be used, by using them a little, and what they hold. Changes nothing."""

from collections.abc import Awaitable, Callable

import msgspec

from orlop.domain.errors import RegistryError
from orlop.domain.moving import Move, MoveState
from orlop.ports.catalog import Totals


class StoreTrial(msgspec.Struct, frozen=True):
    """One store. `state` is `ok`, or why it cannot be used."""

    role: str
    place: str
    state: str
    milliseconds: float


class Found(msgspec.Struct, frozen=True):
    """What was found. `move` says in a sentence whether the registry moves or has moved; empty: it does not."""

    catalog: StoreTrial
    blobs: StoreTrial
    totals: Totals | None
    move: str

    @property
    def usable(self) -> bool:
        """Whether both stores can be used."""
        return self.catalog.state == self.blobs.state == "ok"


class Trying(msgspec.Struct, frozen=True):
    """A store to try: `check` writes, reads back and removes something small."""

    place: str
    check: Callable[[], Awaitable[None]]


class Trial:
    """`monotonic` is a clock in seconds."""

    def __init__(
        self,
        catalog: Trying,
        blobs: Trying,
        totals: Callable[[], Awaitable[Totals]],
        move: Callable[[], Awaitable[Move]],
        monotonic: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._totals = totals
        self._move = move
        self._monotonic = monotonic

    async def run(self) -> Found:
        """Try both, one after the other."""
        catalog = await self._try("catalog", self._catalog)
        blobs = await self._try("blobs", self._blobs)
        try:
            return Found(catalog, blobs, await self._totals(), _told(await self._move()))
        except RegistryError:  # its state says why
            return Found(catalog, blobs, None, "")

    async def _try(self, role: str, store: Trying) -> StoreTrial:
        try:
            await store.check()  # the first opens connections
            started = self._monotonic()
            await store.check()
        except RegistryError as failure:
            return StoreTrial(role, store.place, failure.message, 0.0)
        return StoreTrial(role, store.place, "ok", (self._monotonic() - started) * 1000)


def _told(move: Move) -> str:
    sentences = {
        MoveState.SETTLED: "",
        MoveState.COPYING: f"it is being copied to {move.other}, and is served meanwhile",
        MoveState.CLOSED: f"it is moving to {move.other}, and takes no changes",
        MoveState.MOVED: f"it has moved to {move.other}",
        MoveState.FILLING: f"it is being filled from {move.other}",
    }
    return sentences[move.state]
