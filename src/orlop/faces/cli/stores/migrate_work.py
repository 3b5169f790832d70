"""What `orlop migrate` does, and what it prints. How it is typed is in `migrate`."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from orlop.config import Settings
from orlop.domain.counts import counted
from orlop.domain.durations import SECOND
from orlop.domain.sizes import size_words
from orlop.faces.cli.running import run


class MigrationStep(msgspec.Struct, frozen=True):
    """A migration. `expands`: the previous release may go on running; `applied_at` in microseconds since 1970."""

    number: int
    name: str
    expands: bool
    applied_at: int | None


class Schema(msgspec.Struct, frozen=True):
    """What a catalog has behind it, and what is still to come."""

    applied: tuple[MigrationStep, ...]
    due: tuple[MigrationStep, ...]


class RehearsedStep(msgspec.Struct, frozen=True):
    """A migration that was taken in a copy, and the seconds that it took there."""

    number: int
    name: str
    expands: bool
    seconds: float


class Rehearsal(msgspec.Struct, frozen=True):
    """What the migrations that are due did to a copy; its bytes, and the seconds that making it took."""

    steps: tuple[RehearsedStep, ...]
    copied_bytes: int
    copied_seconds: float


class Migrating(Protocol):
    """Looks at the schema of a catalog, and changes it."""

    def schema(self, settings: Settings) -> Awaitable[Schema]:
        """How far it is. Raises Unavailable."""
        ...

    def rehearse(self, settings: Settings) -> Awaitable[Rehearsal]:
        """Take every step that is due in a copy, which goes again. Raises Unavailable."""
        ...

    def migrate(self, settings: Settings) -> Awaitable[Sequence[MigrationStep]]:
        """Take every step that is due; which they were. Raises Unavailable."""
        ...


def status(migrating: Migrating, settings: Settings, *, json: bool) -> int:
    """Print every step, taken or not; the exit code."""

    async def work() -> None:
        schema = await migrating.schema(settings)
        _tell((*schema.applied, *schema.due), json=json, none="the catalog has no migrations")

    return run(work)


def plan(migrating: Migrating, settings: Settings, *, json: bool) -> int:
    """Print the steps that are due; the exit code."""

    async def work() -> None:
        _tell((await migrating.schema(settings)).due, json=json, none="nothing to do: no migration is due")

    return run(work)


def rehearse(migrating: Migrating, settings: Settings, *, json: bool) -> int:
    """Take the steps that are due in a copy, and print how long each took; the exit code."""

    async def work() -> None:
        done = await migrating.rehearse(settings)
        if json:
            print(msgspec.json.encode(done).decode())
            return
        for step in done.steps:
            state = "the previous release may go on running" if step.expands else "stop the previous release first"
            print(f"{step.number:04}  {step.name:24}  {step.seconds:8.2f} s  {state}")
        if not done.steps:
            print("nothing to do: no migration is due")
            return
        took = sum(step.seconds for step in done.steps)
        print(
            f"{counted(len(done.steps), 'migration')} took {took:.2f} s in a copy of {size_words(done.copied_bytes)},"
            f" which was made in {done.copied_seconds:.2f} s and is gone again; the catalog is as it was"
        )

    return run(work)


def take(migrating: Migrating, settings: Settings, *, json: bool) -> int:
    """Take the steps that are due; the exit code."""

    async def work() -> None:
        _tell(await migrating.migrate(settings), json=json, none="nothing to do: no migration was due")

    return run(work)


def _tell(steps: Sequence[MigrationStep], *, json: bool, none: str) -> None:
    if json:
        print(msgspec.json.encode(steps).decode())
        return
    for step in steps:
        if step.applied_at is not None:
            state = datetime.fromtimestamp(step.applied_at / SECOND, UTC).isoformat(" ", "seconds")
        else:
            state = "the previous release may go on running" if step.expands else "stop the previous release first"
        print(f"{step.number:04}  {step.name:24}  {state}")
    if not steps:
        print(none)
