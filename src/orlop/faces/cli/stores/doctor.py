"""`orlop doctor` and `orlop support-bundle`, as they are typed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from orlop.config import ConfigurationInvalid
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.faces.cli.settings import StoreFlags

if TYPE_CHECKING:
    from orlop.config.sources import Loaded
    from orlop.faces.cli.stores.doctor_work import CheckingUp

_Flag = Parameter(negative="")
_HERE = ServerChoice()


def register(app: cyclopts.App, checking: "CheckingUp", servers: Servers) -> None:
    """Add the commands to `app`. `servers` is used only for a bundle."""

    @app.command
    def doctor(
        *, flags: StoreFlags | None = None, json: Annotated[bool, _Flag] = False, at: ServerChoice = _HERE
    ) -> int:
        """Check what a registry stands on: its settings, disk, database, bucket, clocks, certificates, open files, and
        what clients are told. With --server check a server as its clients find it. The exit code is 1 where a check
        fails. Beside a running server or without one.

        Parameters
        ----------
        json
            Print a JSON array.
        """
        from orlop.faces.cli.stores import doctor_work

        if at.server:
            return doctor_work.at(checking, at, json=json)
        try:
            settings = (flags or StoreFlags()).load().settings
        except ConfigurationInvalid as error:
            return doctor_work.misconfigured(str(error), json=json)
        if settings.in_memory:
            raise ConfigurationInvalid("stores in memory stand on nothing that could be checked")
        return doctor_work.here(checking, settings, json=json)

    @app.command(name="support-bundle")
    def support_bundle(
        file: Path | None = None,
        /,
        *,
        flags: StoreFlags | None = None,
        log: Annotated[tuple[Path, ...], _Flag] = (),
        at: ServerChoice = _HERE,
    ) -> int:
        """Write a tar archive with what helps to find out what is wrong: versions, settings, checks, schema, and of the
        server where somebody is signed in its status, metrics, jobs and counts of the audit log. Secrets are left out;
        look into it before you give it away.

        Parameters
        ----------
        file
            The archive [default: orlop-support-TIME.tar.gz].
        log
            A file with what the server logged: its last 2 MiB go along.
        """
        from orlop.faces.cli.stores import bundle_work

        loaded: Loaded | str
        try:
            loaded = (flags or StoreFlags()).load()
        except ConfigurationInvalid as error:
            loaded = str(error)
        return bundle_work.bundle(checking, servers, at, loaded, file, log)
