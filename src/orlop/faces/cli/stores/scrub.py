"""`orlop scrub`, as it is typed. It works beside a live server and on a stopped one."""

from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from orlop.config import ConfigurationInvalid, Settings
from orlop.faces.cli.settings import StoreFlags

if TYPE_CHECKING:
    from orlop.faces.cli.stores.maintenance_work import Opening

_Flag = Parameter(negative="")


def register(app: cyclopts.App, opening: "Opening") -> None:
    """Add the commands to `app`. `opening` opens the stores of the settings."""
    group = cyclopts.App(name="scrub", help="Read stored blobs again, so that what rots is found before it is needed.")
    app.command(group)

    @group.command
    def status(*, flags: StoreFlags | None = None, json: Annotated[bool, _Flag] = False) -> int:
        """Print how far the reading of everything is, and what is in quarantine.

        Parameters
        ----------
        json
            Print a JSON object.
        """
        settings = _stored(flags)
        from orlop.faces.cli.stores import scrub_work

        return scrub_work.status(opening, settings, json=json)

    @group.command
    def run(*, flags: StoreFlags | None = None, json: Annotated[bool, _Flag] = False) -> int:
        """Read all blobs now, at the pace of scrub.pace; a pass that is under way goes on. The exit code is 1 while
        anything is in quarantine.

        Parameters
        ----------
        json
            Print a JSON object.
        """
        settings = _stored(flags)
        from orlop.faces.cli.stores import scrub_work

        return scrub_work.scrub(opening, settings, json=json)


def _stored(flags: StoreFlags | None) -> Settings:
    settings = (flags or StoreFlags()).load().settings
    if settings.in_memory:
        raise ConfigurationInvalid("stores in memory belong to the server that holds them; there is nothing to open")
    return settings
