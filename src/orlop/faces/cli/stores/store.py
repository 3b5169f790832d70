"""`orlop store`, as it is typed."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from orlop.config import ConfigurationInvalid, Settings
from orlop.config.sources import load_target
from orlop.faces.cli.settings import StoreFlags

if TYPE_CHECKING:
    from orlop.faces.cli.stores.store_work import Checking, Moving

_Flag = Parameter(negative="")


def register(app: cyclopts.App, moving: "Moving", checking: "Checking") -> None:
    """Add the commands to `app`."""
    group = cyclopts.App(name="store", help="Look at the stores, and move to others.")
    app.command(group)

    @group.command
    def check(*, flags: StoreFlags | None = None, json: Annotated[bool, _Flag] = False) -> int:
        """Try the stores that the settings name, beside a server or without one, and say what they hold.

        Parameters
        ----------
        json
            Print a JSON object.
        """
        settings = _stored((flags or StoreFlags()).load().settings)
        from orlop.faces.cli.stores import store_work

        return store_work.check(checking, settings, json=json)

    @group.command
    def migrate(
        *,
        to: str,
        flags: StoreFlags | None = None,
        cut_over: Annotated[bool, _Flag] = False,
        abort: Annotated[bool, _Flag] = False,
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Move the registry to other stores while it is served. Run again, it goes on from where it was.

        Without --cut-over only blobs are copied, and nothing changes for anybody; on a terminal it then asks.

        Parameters
        ----------
        to
            TOML file with the settings of the new place; ORLOP_TO_* variables come before what stands in it.
        cut_over
            Then stop pushes for as long as the rest takes, and make the new place the registry.
        abort
            Give the move up: the registry stays where it is, and what was shut is open again.
        json
            Print a JSON object with the counts.
        """
        if cut_over and abort:
            raise ConfigurationInvalid("--cut-over and --abort contradict each other")
        source = _stored((flags or StoreFlags()).load().settings)
        target = _stored(load_target(Path(to), os.environ).settings)
        from orlop.faces.cli.stores import store_work

        if abort:
            return store_work.abandon(moving, source, target, json=json)
        return store_work.migrate(moving, source, target, cut_over=cut_over, json=json)


def _stored(settings: Settings) -> Settings:
    if settings.in_memory:
        raise ConfigurationInvalid("stores in memory belong to the server that holds them; there is nothing to open")
    return settings
