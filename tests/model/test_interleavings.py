"""Whatever clients do between the steps of a collection, what they were told holds, and the store stays sound.

All ordered pairs of operations, before, between and after all steps of a collection, on all engines (on PostgreSQL each
pair in some of its places, but for the long run; with a bucket some pairs); and on the stores in memory every order in
which the single calls of an operation and of a collection can be made.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator
from itertools import combinations_with_replacement, product
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from orlop.domain.errors import BlobUnknown, Denied, ManifestUnknown, NameUnknown
from orlop.domain.labels import LabelChange
from orlop.domain.names import RepositoryName
from orlop.domain.quotas import QUOTAS
from orlop.domain.retention.plans import PlanState
from orlop.ports.catalog import By, Catalog
from orlop.ports.settings import Document
from tests.content import blob, image
from tests.model.operations import (
    NEW,
    OLD,
    SITUATIONS,
    Operation,
    Place,
    Promises,
    collector,
    head,
    is_sound,
    kept,
    loose,
    mount,
    named,
    operations,
    push_again,
    put,
)
from tests.registry import ALICE, GRACE, HandClock, Registry, Stores, empty_on_disk, in_memory, in_postgres, scaled_out
from tests.s3 import S3Server, versitygw
from tests.volume import volume

pytestmark = pytest.mark.slow

#: Before, between and after the four steps of a collection.
SLOTS = 5
MANY = 10_000
BUCKET = "interleavings"
#: How many scenarios go on side by side, and on a database: as many as there are connections to it, since whoever waits
#: for one for some seconds is refused.
BESIDE, CONNECTED = 64, 16
#: Of the scenarios every so many-th, where the engine takes its time. A pair has fifteen places: each comes at four.
APART = {"memory": 1, "sqlite": 1, "postgres": volume(4, 1), "bucket": volume(7, 1)}


#: Deletes OLD.
RULE = {"delete": [{"tags": ["old"]}], "keep": [{"tags": ["prod"]}]}


class Scenario(NamedTuple):
    """Two operations, and in which slots they happen."""

    place: Place
    promises: Promises
    first: tuple[int, Operation]
    second: tuple[int, Operation]

    @property
    def name(self) -> str:
        """For a failure."""
        return " then ".join(f"{what.__name__} at {slot}" for slot, what in (self.first, self.second))


def scenarios(situation: Operation) -> list[Scenario]:
    """Every ordered pair in every pair of slots."""
    pairs = product(operations(situation), repeat=2)
    slots = list(combinations_with_replacement(range(SLOTS), 2))
    return [
        Scenario(Place.number(number), Promises(), (early, first), (late, second))
        for number, ((first, second), (early, late)) in enumerate(product(pairs, slots))
    ]


_ENGINES = ["memory", *(pytest.param(name, marks=pytest.mark.slow) for name in ("sqlite", "postgres", "bucket"))]


@pytest.fixture(name="registry", params=_ENGINES)
def _registry(request: pytest.FixtureRequest, tmp_path: Path, runner: asyncio.Runner) -> Iterator[Registry]:
    clock = HandClock()
    if request.param == "memory":
        stores = in_memory(clock).stores
    elif request.param == "sqlite":
        stores = empty_on_disk(tmp_path / "data")
    elif request.param == "postgres":
        stores = in_postgres(request.getfixturevalue("postgres").catalog(), tmp_path / "data", connections=CONNECTED)
    else:
        stores = scaled_out(
            request.getfixturevalue("postgres").catalog(),
            request.getfixturevalue("store"),
            BUCKET,
            connections=CONNECTED,
        )
    yield Registry(stores, clock)
    runner.run(stores.close())


@pytest.fixture(scope="module", name="store")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server with a bucket."""
    with versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        server.made(BUCKET)
        yield server


async def each(beside: int, work: Callable[[Scenario], Coroutine[Any, Any, None]], over: list[Scenario]) -> None:
    """Do something in every scenario: side by side, since no scenario touches another."""
    for start in range(0, len(over), beside):
        await asyncio.gather(*(work(scenario) for scenario in over[start : start + beside]))


@pytest.mark.slow
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
async def test_what_is_acknowledged_between_the_steps_of_a_collection_holds(
    registry: Registry, situation: Operation, request: pytest.FixtureRequest
) -> None:
    engine = request.node.callspec.params["registry"]
    played = scenarios(situation)[:: APART[engine]]
    beside = CONNECTED if engine in {"postgres", "bucket"} else BESIDE
    await each(beside, lambda scenario: situation(registry, scenario.place, scenario.promises), played)
    registry.clock.at += GRACE + 1
    rows = registry.stores.catalog.collection
    doomed: list[int] = []

    async def unlink_loose() -> None:
        while (await registry.stores.catalog.trash_end.purge(MANY, collector(registry))).entries:
            pass
        await rows.unlink_loose(registry.clock.at - GRACE, MANY, collector(registry))
        # What was just condemned is overdue at once: the shortest grace there can be.
        registry.clock.at += GRACE // 2

    async def tombstone() -> None:
        await rows.tombstone(registry.clock.at, MANY, collector(registry))

    async def remove() -> None:
        for row, dead in await rows.tombstones(0, MANY):
            await registry.stores.remover.remove(dead.key)
            doomed.append(row)

    async def gone() -> None:
        await rows.gone(doomed, collector(registry))

    for slot, step in enumerate((unlink_loose, tombstone, remove, gone, None)):

        async def act(scenario: Scenario, slot: int = slot) -> None:
            for when, operation in (scenario.first, scenario.second):
                if when == slot:
                    await operation(registry, scenario.place, scenario.promises)

        await each(beside, act, played)
        if step is not None:
            await step()
    assert doomed

    async def check(scenario: Scenario) -> None:
        try:
            await kept(registry, scenario.place, scenario.promises)
        except AssertionError as broken:
            raise AssertionError(f"{situation.__name__}: {scenario.name}") from broken

    await each(beside, check, played)
    await is_sound(registry)
    await each(beside, check, played)


#: What is done in which situation.
PLAYED = [(situation, operation) for situation in SITUATIONS for operation in operations(situation)]


@pytest.mark.parametrize("registry", ["memory", "sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize("end", ["manifest", "repository"])
@pytest.mark.parametrize("what", ["lock", "lift", "label"])
async def test_a_lock_or_label_beside_the_end_of_what_it_is_on(registry: Registry, what: str, end: str) -> None:
    """Whichever is first, the other is told of it: nothing that is locked goes, and nothing stays of what is gone."""
    catalog = registry.stores.catalog

    async def mark(place: Place) -> None:
        by, digest = collector(registry), place.old.digest
        match what:
            case "lock":
                await catalog.locks.add(place.app, digest, "audit", by)
            case "lift":
                await catalog.locks.lift(place.app, digest, "over", by)
            case _:
                await catalog.labels.change(place.app, digest, LabelChange(sets={"stage": "prod"}), by)

    async def remove(place: Place) -> None:
        if end == "manifest":
            await registry.manifests.delete(place.app, place.old.digest, ALICE)
        else:
            await catalog.repositories.remove(place.app, collector(registry))

    async def one(number: int) -> None:
        place = Place.number(number)
        await registry.push(place.app, place.old)
        if what == "lift":
            await catalog.locks.add(place.app, place.old.digest, "audit", collector(registry))
        both = [mark(place), remove(place)]
        if number % 2:
            marked, ended = await asyncio.gather(*both, return_exceptions=True)
        else:
            ended, marked = await asyncio.gather(*reversed(both), return_exceptions=True)
        is_there = await catalog.manifests.resolve(place.app, place.old.digest) is not None
        assert is_there is isinstance(ended, Denied), (marked, ended)
        match what:
            case "lock":
                assert isinstance(marked, ManifestUnknown) is not isinstance(ended, Denied), (marked, ended)
            case "lift":
                assert marked is None, (marked, ended)
            case _:
                assert (ended, type(marked) in {type(None), ManifestUnknown, NameUnknown}) == (None, True), marked

    await asyncio.gather(*(one(number) for number in range(CONNECTED // 2)))
    assert (await registry.verification().run()).findings == []


@pytest.mark.parametrize("registry", ["memory", "sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize("pushed", ["other content", "the same"])
async def test_retention_beside_a_push_of_the_same_tag(registry: Registry, pushed: str) -> None:
    """A plan deletes a tag while clients push it. It takes away what it shows and nothing else: what was pushed stays,
    but for the very content that was planned to go, which stays whole or goes whole."""

    async def one(number: int) -> None:
        place = Place.number(number)
        await registry.push(place.app, place.old, OLD)
        plan = await registry.plan(place.app)
        what = place.new if pushed == "other content" else place.old
        both = [registry.applier.apply(plan), registry.push(place.app, what, OLD)]
        await asyncio.gather(*(both if number % 2 else reversed(both)))
        applied = await registry.plans.get(plan.id)
        assert applied is not None
        assert (applied.state, applied.done + applied.skipped) == (PlanState.APPLIED, 1)
        found = await registry.stores.catalog.manifests.resolve(place.app, OLD)
        if found is None:
            assert what is place.old
            return
        assert found.digest == what.digest
        for piece in what.blobs:
            blob = (await registry.blobs.find(place.app, piece.digest, ALICE)).blob
            assert await (await registry.blobs.open(blob)).read() == piece.content

    await registry.retention("team", RULE)
    await asyncio.gather(*(one(number) for number in range(CONNECTED // 2)))
    for _ in range(3):
        registry.clock.at += GRACE + 1
        await registry.collection.run(GRACE)
    assert (await registry.verification().run()).findings == []


@pytest.mark.parametrize("registry", ["memory", "sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize("shared", [False, True], ids=["apart", "sharing a layer"])
async def test_two_pushes_under_one_quota(registry: Registry, shared: bool) -> None:
    """There is room for one of two images: never more is in use than the quota allows, one push is refused in words and
    the other is whole. What both share counts once, so then both fit."""
    usages, clock = registry.stores.catalog.usages, registry.clock
    limit = 4_000

    async def one(number: int) -> None:
        top = f"quota{number}"
        body = msgspec.json.encode({"bytes": f"{limit}"})
        await registry.documents.put(Document(QUOTAS.kind, "small", body, path=top), By("alice", clock.now()))
        names = [RepositoryName(f"{top}/{side}") for side in ("app", "lib")]
        layers = [blob(f"{top}" if shared else f"{top} of {side}", 2_500) for side in names]
        pushes = [
            registry.push(name, image(f"{name}", [layer]), NEW) for name, layer in zip(names, layers, strict=True)
        ]
        ended = await asyncio.gather(*(pushes if number % 2 else reversed(pushes)), return_exceptions=True)
        refused = [end for end in ended if end is not None]
        (used, _) = (await usages.of([top], clock.now()))[top]
        assert 0 < used.stored_bytes <= limit
        assert len(refused) == (0 if shared else 1)
        for end in refused:
            assert isinstance(end, Denied)
            assert f"the quota small of {top}/ is" in end.message
            assert "and this push needs" in end.message
        whole = [name for name in names if await registry.stores.catalog.manifests.resolve(name, NEW) is not None]
        assert len(whole) == 2 - len(refused)

    await asyncio.gather(*(one(number) for number in range(CONNECTED // 4)))
    assert (await registry.verification().run()).findings == []


@pytest.mark.parametrize("registry", ["memory", "sqlite", "postgres"], indirect=True)
async def test_scrub_marks_beside_a_push_of_the_same(registry: Registry) -> None:
    """A copy is lost, scrub is about to say so, and the same content is pushed again. Whoever is first, nobody gets
    anything but its bytes afterwards, and what was told to be there after the push is there."""

    async def one(number: int) -> None:
        place = Place.number(number)
        await registry.push(place.app, place.old, OLD)
        found = await registry.stores.catalog.links.find(place.app, place.base.digest)
        assert found is not None
        await registry.stores.remover.remove(found.blob.key)
        both = [registry.scrub.run(whole=True), registry.push_blob(place.app, place.base)]
        await asyncio.gather(*(both if number % 2 else reversed(both)))

    for number in range(CONNECTED // 2):
        registry.clock.at += GRACE + 1
        await one(number)
        place = Place.number(number)
        try:
            blob_of = (await registry.blobs.find(place.app, place.base.digest, ALICE)).blob
            content = await (await registry.blobs.open(blob_of)).read()
        except BlobUnknown:
            # The push found it there, before scrub found that it is not: who asks is told to push it again.
            await registry.push_blob(place.app, place.base)
            blob_of = (await registry.blobs.find(place.app, place.base.digest, ALICE)).blob
            content = await (await registry.blobs.open(blob_of)).read()
        assert content == place.base.content
    await registry.collection.run(GRACE)
    assert (await registry.verification().run()).findings == []


class _Turn:
    """Gives the turn back to whoever drives the coroutine."""

    def __await__(self) -> Generator[None, None, None]:
        yield


#: The calls that wait. Not those that only touch the session of an operation: a collection leaves it alone until it
#: expires, so their order makes no difference.
_WAITING = frozenset(
    ("find", "keep", "mount", "stored", "unlink", "commit", "promote", "discard", "put", "delete", "untag", "restore")
) | frozenset(("expired", "purge", "unlink_loose", "tombstone", "tombstones", "remove", "gone", "add", "lift", "open"))


class Turns:
    """A port whose calls wait for their turn."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in _WAITING:
            return method

        async def call(*arguments: Any, **named: Any) -> Any:
            await _Turn()
            return await method(*arguments, **named)

        return call


def taking_turns(stores: Stores) -> Stores:
    """The same stores, with turns."""
    roles = {name: Turns(getattr(stores.catalog, name)) for name in msgspec.structs.asdict(stores.catalog)}
    catalog: Any = Catalog(**roles)
    stage: Any = Turns(stores.stage)
    remover: Any = Turns(stores.remover)
    return stores._replace(catalog=catalog, stage=stage, remover=remover)


class Orders:
    """Walks through the orders in which several coroutines can take their turns, one order per `run`.

    `interruptions`: how often one may be left for another before it ended; everything, when that is None.
    """

    def __init__(self, interruptions: int | None = None) -> None:
        self._has_ended = True
        self._interruptions = interruptions
        self._path: list[tuple[int, int]] = []
        self._step = 0

    def run(self, coroutines: list[Coroutine[None, None, None]]) -> None:
        """Drive all to their end, in the order that is due."""
        self._step, self._has_ended = 0, True
        left = self._interruptions
        while coroutines:
            if left is None or left > 0 or self._has_ended:
                choice = self._choice(len(coroutines))
                chosen = coroutines.pop(choice)
                # The one that runs comes first, so every other choice interrupts it.
                left = left - 1 if left is not None and choice and not self._has_ended else left
            else:
                chosen = coroutines.pop(0)
            self._has_ended = False
            try:
                chosen.send(None)
                coroutines.insert(0, chosen)
            except StopIteration:
                self._has_ended = True

    def next(self) -> bool:
        """Turn to the next order; False when that was the last."""
        while self._path:
            choice, options = self._path.pop()
            if choice + 1 < options:
                self._path.append((choice + 1, options))
                return True
        return False

    def _choice(self, options: int) -> int:
        if self._step == len(self._path):
            self._path.append((0, options))
        choice, _ = self._path[self._step]
        self._step += 1
        return choice


@pytest.mark.parametrize(("situation", "operation"), PLAYED, ids=lambda what: what.__name__)
def test_every_order_of_the_calls_of_an_operation_and_a_collection_is_sound(
    runner: asyncio.Runner, situation: Operation, operation: Operation
) -> None:
    """In every order there is in the long run; here in those that leave either for the other four times."""
    _in_all_orders(runner, Orders(interruptions=volume(4, 1_000)), situation, operation)


@pytest.mark.parametrize(("situation", "operation"), PLAYED, ids=lambda what: what.__name__)
def test_a_push_beside_another_operation_and_a_collection_is_sound(
    runner: asyncio.Runner, situation: Operation, operation: Operation
) -> None:
    _in_all_orders(runner, Orders(interruptions=1), situation, operation, push_again)


def _in_all_orders(runner: asyncio.Runner, orders: Orders, situation: Operation, *operations: Operation) -> None:
    count = 1
    runner.run(_in_one_order(orders, situation, operations))
    while orders.next():
        runner.run(_in_one_order(orders, situation, operations))
        count += 1
    assert count > len(operations)


async def _in_one_order(orders: Orders, situation: Operation, operations: tuple[Operation, ...]) -> None:
    clock = HandClock()
    stores = in_memory(clock).stores
    registry = Registry(stores, clock)
    place, promises = Place.number(0), Promises()
    await situation(registry, place, promises)
    clock.at += GRACE + 1
    beside = Registry(taking_turns(stores), clock, registry.ids)

    async def collect() -> None:
        await beside.collection.run(GRACE)

    async def act(operation: Operation) -> None:
        await operation(beside, place, promises)

    orders.run([collect(), *(act(operation) for operation in operations)])
    await kept(registry, place, promises)
    await is_sound(registry)
    await kept(registry, place, promises)


def losing(stores: Stores) -> Stores:
    """The same stores, whose copies are opened in turns as well."""
    reader: Any = Turns(stores.reader)
    return stores._replace(reader=reader)


@pytest.mark.parametrize("situation", [loose, named], ids=lambda situation: situation.__name__)
@pytest.mark.parametrize("operation", [head, mount, put, push_again], ids=lambda operation: operation.__name__)
@pytest.mark.parametrize("collected", [False, True], ids=["", "collected"])
def test_every_order_of_the_calls_of_an_operation_and_a_scrub_is_sound(
    runner: asyncio.Runner, situation: Operation, operation: Operation, collected: bool
) -> None:
    """A copy is lost; scrub finds out while clients go on, beside a collection or not. Then it is pushed again."""
    orders, count = Orders(interruptions=1 if collected else 2), 1
    runner.run(_while_scrub_looks(orders, situation, operation, collected=collected))
    while orders.next():
        runner.run(_while_scrub_looks(orders, situation, operation, collected=collected))
        count += 1
    assert count > 1


async def _while_scrub_looks(orders: Orders, situation: Operation, operation: Operation, *, collected: bool) -> None:
    clock = HandClock()
    inside = in_memory(clock)
    registry = Registry(inside.stores, clock)
    place, promises = Place.number(0), Promises()
    await situation(registry, place, promises)
    await registry.blobs.mount(place.base.digest, place.app, place.lib, ALICE)
    clock.at += GRACE + 1
    for key in [key for key in inside.blobs.held if key.digest == place.base.digest]:
        del inside.blobs.held[key]
    beside = Registry(losing(taking_turns(inside.stores)), clock, registry.ids)

    async def act() -> None:
        await operation(beside, place, Promises())

    async def scrub() -> None:
        await beside.scrub.run(whole=True)

    async def collect() -> None:
        await beside.collection.run(GRACE)

    orders.run([scrub(), act(), *([collect()] if collected else [])])
    healed = operation is push_again
    for repository in (place.app, place.lib):
        await _is_whole_or_unknown(registry, repository, place, healed=healed and repository == place.app)
    for repository in (place.app, place.lib):
        await registry.push_blob(repository, place.base)
        await _is_whole_or_unknown(registry, repository, place, healed=True)
    await kept(registry, place, promises)
    await is_sound(registry)


async def _is_whole_or_unknown(registry: Registry, repository: RepositoryName, place: Place, *, healed: bool) -> None:
    """Nobody is given a lost copy, and who is told that it is there gets all of it."""
    try:
        found = await registry.blobs.find(repository, place.base.digest, ALICE)
        content = await registry.blobs.open(found.blob)
    except BlobUnknown:
        assert not healed
        return
    assert await content.read() == place.base.content
