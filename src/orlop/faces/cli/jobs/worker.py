"""`orlop worker`, as it is typed."""

from collections.abc import Callable

import cyclopts

from orlop.config import ConfigurationInvalid, Settings
from orlop.faces.cli.settings import StoreFlags


def register(app: cyclopts.App, work: Callable[[Settings], int]) -> None:
    """Add the command to `app`; `work` does jobs until it is told to end and gives the exit code."""

    @app.command
    def worker(*, flags: StoreFlags | None = None) -> int:
        """Do the jobs of a registry until SIGTERM or Ctrl-C, without serving it.

        It takes the settings of the server, which has prepared the stores. What it has not done by its end is taken up
        by the next.
        """
        settings = (flags or StoreFlags()).load().settings
        if settings.in_memory:
            raise ConfigurationInvalid("stores in memory belong to the server that holds them; it does its jobs itself")
        return work(settings)
