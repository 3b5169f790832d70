"""What a database has to offer for the catalog's scripts to run on it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from orlop.domain.errors import SettingsMoved

T = TypeVar("T")
Row = tuple[Any, ...]


class Session(Protocol):
    """Runs named statements, within whatever transaction it belongs to."""

    async def one(self, statement: str, *parameters: Any) -> Row | None:
        """The first row, or None."""
        ...

    async def all(self, statement: str, *parameters: Any) -> list[Row]:
        """Every row."""
        ...

    async def run(self, statement: str, *parameters: Any) -> None:
        """Nothing comes back."""

    async def many(self, statement: str, rows: Sequence[Row]) -> None:
        """Run it with each row of parameters, in order, in one round trip; nothing comes back."""


class Raced(Exception):
    """Another transaction got in between; run again from the start, the script will see what that one left.

    Raised by scripts, for the engine alone: where transactions that write take turns it cannot happen.
    """


Script = Callable[[Session], Awaitable[T]]
"""A transaction. It awaits nothing but its session, so that an engine may drive it in a thread of its own, and may be
run again from the start; when it raises, nothing that it did stays."""


async def settings_version(session: Session) -> int:
    """That of all settings, which each change of one raises."""
    row = await session.one("settings_version")
    assert row is not None
    return int(row[0])


def held(script: Script[T], holding: int) -> Script[T]:
    """The same where transactions that write take turns, if the version of all settings is `holding` (0: whichever)."""

    async def checked(session: Session) -> T:
        if await settings_version(session) != holding:
            raise SettingsMoved
        return await script(session)

    return checked if holding else script


class Engine(Protocol):
    """A database."""

    @property
    def reader(self) -> Session:
        """Single statements outside of any transaction: each sees everything committed before it."""
        ...

    async def write(
        self,
        script: Script[T],
        *,
        durable: bool = True,
        changes: bool | str = True,
        access: bool = False,
        settings: bool = False,
        holding: int = 0,
        queue: bool = False,
    ) -> T:
        """Run a script as one transaction and return what it returned, once it is committed.

        Raises SettingsMoved unless `holding`, where it is not 0, is the version of all settings when the transaction
        takes effect; StoreClosed where the gate of a catalog that moves does not let this process write
        (domain.moving).

        `durable` false: it survives the end of this process, but perhaps not a power cut. `changes`: the
        repository on which all answers to clients depend that it may make wrong; true: any of them; false: there are
        none, so what workers remember of content stays valid. `access` true: it may change who may do what;
        `settings` true: it may change a setting; `queue` true: it may change what those have to do who do jobs.
        """
        ...

    async def check(self) -> None:
        """Read and write. Raises Unavailable."""

    async def close(self) -> None:
        """Finish what was begun and let go."""
