"""`orlop migrate`, as it is typed."""

from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from orlop.config import ConfigurationInvalid, Settings
from orlop.faces.cli.settings import StoreFlags

if TYPE_CHECKING:
    from orlop.faces.cli.stores.migrate_work import Migrating

_Flag = Parameter(negative="")


def register(app: cyclopts.App, migrating: "Migrating") -> None:
    """Add the commands to `app`."""
    group = cyclopts.App(name="migrate", help="Look at the schema of the catalog, and bring it up to date.")
    app.command(group)

    @group.command
    def plan(*, flags: StoreFlags | None = None, json: Annotated[bool, _Flag] = False) -> int:
        """Print the migrations that are due, and whether servers of the previous release may go on running.

        Parameters
        ----------
        json
            Print a JSON array.
        """
        settings = _stored(flags)
        from orlop.faces.cli.stores import migrate_work

        return migrate_work.plan(migrating, settings, json=json)

    @group.command
    def rehearse(*, flags: StoreFlags | None = None, json: Annotated[bool, _Flag] = False) -> int:
        """Take the migrations that are due in a copy, and say how long each took. Servers go on meanwhile.

        Parameters
        ----------
        json
            Print a JSON object.
        """
        settings = _stored(flags)
        from orlop.faces.cli.stores import migrate_work

        return migrate_work.rehearse(migrating, settings, json=json)

    @group.command
    def run(*, flags: StoreFlags | None = None, json: Annotated[bool, _Flag] = False) -> int:
        """Take the migrations that are due, all or none. A server does so by itself for SQLite and an empty database.

        Parameters
        ----------
        json
            Print a JSON array of those that were taken.
        """
        settings = _stored(flags)
        from orlop.faces.cli.stores import migrate_work

        return migrate_work.take(migrating, settings, json=json)

    @group.command
    def status(*, flags: StoreFlags | None = None, json: Annotated[bool, _Flag] = False) -> int:
        """Print every migration, and when it was taken.

        Parameters
        ----------
        json
            Print a JSON array.
        """
        settings = _stored(flags)
        from orlop.faces.cli.stores import migrate_work

        return migrate_work.status(migrating, settings, json=json)


def _stored(flags: StoreFlags | None) -> Settings:
    settings = (flags or StoreFlags()).load().settings
    if settings.in_memory:
        raise ConfigurationInvalid("a catalog in memory belongs to the server that holds it, and has no migrations")
    return settings
