"""Scrub finds what rots, leaves what it cannot know, and goes on where it stopped; what it finds nobody gets."""

from collections.abc import AsyncIterator, Callable

import pytest

from orlop.domain.blob import Blob
from orlop.domain.durations import DAY, HOUR, SECOND
from orlop.domain.errors import BlobUnknown, ContentCorrupt, ManifestBlobUnknown, Unavailable
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE, BlobContent
from orlop.ports.scrub import ScrubPass
from orlop.services.stores.scrub import Scrub
from tests.content import Piece, blob, image
from tests.contract.scene import APP, LIB, V1
from tests.registry import ALICE, Damageable, HandClock, Registry, in_memory

PERIOD = 30 * DAY
BASE = blob("base")
ONE, TWO = image("one", ["base", "code"]), image("two", ["base"])


class Place:
    """A store, its registry, and scrub on a clock that moves while scrub waits."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.inside: Damageable = in_memory(self.clock)
        self.registry = Registry(self.inside.stores, self.clock)
        self.waited = 0.0

    def scrub(self, pace: int = 0) -> Scrub:
        """Scrub of this store."""
        stores = self.inside.stores
        catalog = stores.catalog
        return Scrub(
            catalog.scrub,
            catalog.quarantine,
            stores.reader,
            catalog.vitals,
            self.clock,
            period=PERIOD,
            pace=pace,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waited += seconds
        self.clock.at += round(seconds * SECOND)

    def rot(self, piece: Piece, damage: Callable[[bytearray], None]) -> None:
        """Damage the copies of a piece."""
        for key, copy in self.inside.blobs.held.items():
            if key.digest == piece.digest:
                damage(copy.content)

    def lose(self, piece: Piece) -> dict[Blob, bytearray]:
        """Lose the copies of a piece; what they were."""
        keys = [key for key in self.inside.blobs.held if key.digest == piece.digest]
        return {Blob(key, piece.size): self.inside.blobs.held.pop(key).content for key in keys}


def flip(content: bytearray) -> None:
    """Change one bit."""
    content[0] ^= 1


def shorten(content: bytearray) -> None:
    """Take one byte away."""
    content.pop()


@pytest.mark.parametrize("damage", [flip, shorten, None], ids=["flip", "shorten", "lose"])
async def test_what_rots_is_in_quarantine_until_it_is_pushed_again(damage: Callable[[bytearray], None] | None) -> None:
    place = Place()
    registry = place.registry
    await registry.push(APP, ONE, V1)
    await registry.blobs.mount(BASE.digest, APP, LIB, ALICE)
    if damage is None:
        place.lose(BASE)
    else:
        place.rot(BASE, damage)
    place.clock.at += 1
    found = await place.scrub().run()
    assert (found.blobs, found.rotten, found.failed, found.is_under_way) == (3, 1, 0, False)
    with pytest.raises(BlobUnknown):
        await registry.blobs.find(APP, BASE.digest, ALICE)
    assert await registry.blobs.mount(BASE.digest, APP, LIB, ALICE) is None
    for piece in TWO.blobs:
        if piece != BASE:
            await registry.push_blob(LIB, piece)
    with pytest.raises(ManifestBlobUnknown):
        await registry.put(LIB, TWO)
    pushed = await registry.push_blob(LIB, BASE)
    content = await place.inside.stores.reader.open(pushed)
    assert await content.read() == BASE.content
    assert (await registry.blobs.find(APP, BASE.digest, ALICE)).blob == pushed
    await registry.collection.run(0)
    assert {key for key in place.inside.blobs.held if key.digest == BASE.digest} == {pushed.key}
    assert (await registry.verification().run()).findings == []


@pytest.mark.parametrize("first", ["find", "mount", "push"])
async def test_a_copy_that_is_gone_was_never_there(first: str) -> None:
    """Also before anybody reads it: a client that asks is told to push, and a push brings a copy."""
    place = Place()
    registry = place.registry
    await registry.push(APP, ONE, V1)
    place.lose(BASE)
    if first == "find":
        found = await registry.blobs.find(APP, BASE.digest, ALICE)
        with pytest.raises(BlobUnknown):
            await registry.blobs.open(found.blob)
        with pytest.raises(BlobUnknown):
            await registry.blobs.find(APP, BASE.digest, ALICE)
    elif first == "mount":
        assert await registry.blobs.mount(BASE.digest, APP, LIB, ALICE) is None
    pushed = await registry.push_blob(LIB, BASE)
    assert await (await registry.blobs.open(pushed)).read() == BASE.content
    assert (await registry.blobs.find(APP, BASE.digest, ALICE)).blob == pushed


async def test_what_comes_back_is_taken_back() -> None:
    place = Place()
    await place.registry.push(APP, ONE, V1)
    lost = place.lose(BASE)
    place.clock.at += 1
    assert (await place.scrub().run()).rotten == 1
    for key, content in lost.items():
        place.inside.blobs.held[key.key] = type(next(iter(place.inside.blobs.held.values())))(content, 0)
    await place.scrub().run()
    await place.registry.blobs.find(APP, BASE.digest, ALICE)
    assert (await place.scrub().status()).quarantined == 0


async def test_a_store_that_lacks_too_much_is_not_believed() -> None:
    place = Place()
    pieces = [blob(f"blob {number}") for number in range(40)]
    for piece in pieces:
        await place.registry.push_blob(APP, piece)
    place.inside.blobs.held.clear()
    place.clock.at += 1
    with pytest.raises(ContentCorrupt, match="are missing"):
        await place.scrub().run()
    assert (await place.scrub().status()).quarantined < len(pieces) // 2


async def test_a_pass_goes_on_where_it_stopped_and_begins_anew_after_its_period() -> None:
    place = Place()
    pieces = [blob(f"blob {number}", 1000) for number in range(10)]
    for piece in pieces:
        await place.registry.push_blob(APP, piece)
    place.clock.at += 1
    began = place.clock.at
    slow = place.scrub(pace=1)
    runs = [await slow.run() for _ in range(3)]
    assert [run.blobs for run in runs] == [4, 8, 10], "a thousand seconds for each, an hour for a run"
    assert (runs[-1].started_at, runs[-1].size, runs[-1].is_under_way) == (began, 10_000, False)
    assert place.waited == pytest.approx(10_000)
    assert (await slow.status()).next_at == began + PERIOD
    assert await slow.run() == runs[-1]
    place.clock.at = began + PERIOD
    assert await slow.run() == ScrubPass(began + PERIOD, 0, runs[0].read_up_to, 4, 4000)


async def test_what_was_pushed_or_read_meanwhile_is_not_read_again() -> None:
    place = Place()
    await place.registry.push_blob(APP, BASE)
    place.clock.at += HOUR
    assert (await place.scrub().run()).blobs == 1
    place.clock.at += 1
    await place.registry.push_blob(APP, blob("new"))
    assert (await place.scrub().run(whole=True)).blobs == 1


class _Failing:
    """A content that the disk does not give."""

    size = BASE.size

    async def read(self) -> bytes:
        raise Unavailable("the disk fails")

    async def chunks(self, span: Span, most: int = PIECE) -> AsyncIterator[bytes]:
        yield await self.read()

    def close(self) -> None:
        """Nothing is held."""


async def test_what_cannot_be_read_is_not_called_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place()
    await place.registry.push(APP, ONE, V1)
    place.clock.at += 1
    whole = place.inside.blobs.open

    async def failing(wanted: Blob) -> BlobContent:
        return _Failing() if wanted.key.digest == BASE.digest else await whole(wanted)

    monkeypatch.setattr(place.inside.blobs, "open", failing)
    found = await place.scrub().run()
    assert (found.blobs, found.rotten, found.failed) == (3, 0, 1)
    await place.registry.blobs.find(APP, BASE.digest, ALICE)
