"""`orlop config`, and the flags by which commands on the server's side take settings."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cyclopts
import msgspec
from cyclopts import Parameter

from orlop.config.sources import Loaded, all_settings, load, value_of, value_text
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer

_HERE = ServerChoice()


@Parameter(name="*")
@dataclass(frozen=True)
class StoreFlags:
    """Which stores."""

    config: Annotated[str | None, Parameter(help="TOML file with settings.")] = None
    data: Annotated[str | None, Parameter(help="Folder for everything that is stored [default: ./orlop-data].")] = None

    def load(self) -> Loaded:
        """All settings. Raises ConfigurationInvalid."""
        return load_settings(self.config, {"data": self.data})


def load_settings(file: str | None, flags: dict[str, str | bool | None]) -> Loaded:
    """Settings from these flags, the environment and the file. Raises ConfigurationInvalid."""
    return load(flags, os.environ, Path(file) if file else None, terminal=sys.stderr.isatty())


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add `orlop config` to `app`. `servers` is used only when one is asked."""
    group = cyclopts.App(name="config", help="Look at the configuration.")
    app.command(group)

    @group.command
    def show(*, flags: StoreFlags | None = None, json: Annotated[bool, Parameter(negative="")] = False) -> int:
        """Print every setting with its value and where that came from.

        Parameters
        ----------
        json
            Print a JSON array of objects with key, value and source.
        """
        loaded = (flags or StoreFlags()).load()
        rows = [
            (key, value_text(setting, value_of(loaded.settings, key)), loaded.sources[key])
            for key, setting in all_settings().items()
        ]
        if json:
            print(msgspec.json.encode([{"key": k, "value": v, "source": s} for k, v, s in rows]).decode())
            return 0
        key_width, value_width = (max(len(row[column]) for row in rows) for column in (0, 1))
        for key, value, source in rows:
            print(f"{key:{key_width}}  {value:{value_width}}  {source}")
        return 0

    @group.command
    def running(*, json: Annotated[bool, Parameter(negative="")] = False, at: ServerChoice = _HERE) -> int:
        """Print every setting that a server runs with, and where it came from there.

        Parameters
        ----------
        json
            Print a JSON array of objects with key, value, source and meaning.
        """
        from orlop.faces.cli import shown
        from orlop.faces.cli.management.typed import work

        async def do(server: ManagementServer) -> None:
            found = (await server.ask("GET", "/configuration")).value
            columns = {"SETTING": "key", "VALUE": "value", "SOURCE": "source"}
            shown.rows(found, columns, json=json, widest=200)

        return work(servers, at, do)
