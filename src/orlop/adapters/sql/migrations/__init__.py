"""Numbered steps from an empty database to today's schema, and what a database that took some of them may do.

Each step is a file that begins by saying whether the previous release may go on running beside it: a step that only
adds (expand) lets it, one that takes something away (contract) does not. How an engine takes steps is in its module.
"""

from collections.abc import Collection, Mapping
from importlib.resources import files

import msgspec

from orlop.ports.stores import StoreRefused

_MAY_GO_ON = {"-- The previous release may go on running.": True, "-- The previous release must have stopped.": False}


class CatalogRefused(StoreRefused):
    """The database is not one to work on; the message says why, in one sentence."""


class Migration(msgspec.Struct, frozen=True, order=True):
    """One step. `expands`: the release before the one that brought it may go on running."""

    number: int
    name: str
    sql: str
    expands: bool


class Rehearsed(msgspec.Struct, frozen=True):
    """What the steps that are due did to a copy: each with the seconds that it took; how large the copy was, in bytes,
    and how many seconds making it took."""

    steps: tuple[tuple[Migration, float], ...] = ()
    size: int = 0
    seconds: float = 0.0


def unheard(_: Migration) -> None:
    """Where nobody wants to hear of each step."""


class Applied(msgspec.Struct, frozen=True):
    """A step that a database has taken, at `at` (microseconds since 1970)."""

    number: int
    name: str
    at: int
    expands: bool


def known(engine: str) -> tuple[Migration, ...]:
    """Every migration that this release knows, in order."""
    found = []
    for entry in files(__package__).joinpath(engine).iterdir():
        if entry.name.endswith(".sql"):
            number, _, name = entry.name.removesuffix(".sql").partition("_")
            sql = entry.read_text("utf-8")
            found.append(Migration(int(number), name, sql, _MAY_GO_ON[sql.partition("\n")[0]]))
    return tuple(sorted(found))


def is_outgrown(beyond: Mapping[int, bool]) -> bool:
    """Whether a release may not run on a database that took these steps, which it does not know; whether each expands.

    A step lets the release before it go on, and no older one: of two, the second would have to say more.
    """
    return bool(beyond) and list(beyond.values()) != [True]


def due(engine: str, applied: Collection[Applied], where: str) -> tuple[Migration, ...]:
    """The steps that are still to be taken, in order.

    Raises CatalogRefused when the database at `where` has taken a step that this release neither knows nor may run
    beside.
    """
    steps = known(engine)
    newest = steps[-1].number
    beyond = {step.number: step.expands for step in applied if step.number > newest}
    if is_outgrown(beyond):
        raise CatalogRefused(
            f"{where} was written by a newer release (schema {max(beyond)}, this release knows {newest}); start that"
            " release, or restore a backup"
        )
    taken = {step.number for step in applied}
    return tuple(step for step in steps if step.number not in taken)
