"""`orlop audit`, as it is typed.

`ls` and `export` ask a server, as the other commands about people and rights do, or read the stores that are named.
`heads` and `verify` read the stores: who asks a server whether it tells the truth learns what it says.
"""

from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from orlop.config import ConfigurationInvalid, Settings
from orlop.faces.cli.audit.filters import Filters
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.faces.cli.settings import StoreFlags

if TYPE_CHECKING:
    from orlop.faces.cli.audit.work import OpeningAudit

_Flag = Parameter(negative="")
_HERE = ServerChoice()


def register(app: cyclopts.App, opening: "OpeningAudit", servers: Servers) -> None:
    """Add the commands to `app`. `opening` opens the log of the settings."""
    group = cyclopts.App(name="audit", help="Look at what happened, and check that the audit log is whole.")
    app.command(group)

    @group.command
    def ls(
        *,
        flags: StoreFlags | None = None,
        filters: Filters | None = None,
        limit: int = 50,
        json: Annotated[bool, _Flag] = False,
        at: ServerChoice = _HERE,
    ) -> int:
        """List entries of the audit log, newest first: a server's, or with --data or --config those of its stores.

        Parameters
        ----------
        limit
            How many at most [default: 50].
        json
            Print a JSON array.
        """
        if _asks_server(flags, at):
            from orlop.faces.cli.audit import server

            return server.ls(servers, at, filters or Filters(), limit, json=json)
        from orlop.faces.cli.audit import work

        return work.ls(opening, _stored(flags), filters or Filters(), limit, json=json)

    @group.command
    def export(*, flags: StoreFlags | None = None, filters: Filters | None = None, at: ServerChoice = _HERE) -> int:
        """Print entries with their hashes as JSON lines, oldest first: a server's, or those of stores, as for ls."""
        if _asks_server(flags, at):
            from orlop.faces.cli.audit import server

            return server.export(servers, at, filters or Filters())
        from orlop.faces.cli.audit import work

        return work.export(opening, _stored(flags), filters or Filters())

    @group.command
    def heads(*, flags: StoreFlags | None = None) -> int:
        """Print the signed heads of the stores as JSON lines, oldest first. Keep the last elsewhere, for --noted."""
        from orlop.faces.cli.audit import work

        return work.heads(opening, _stored(flags))

    @group.command
    def verify(
        *,
        flags: StoreFlags | None = None,
        trust: Annotated[tuple[str, ...], _Flag] = (),
        noted: str = "",
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Check in the stores that no entry was removed, altered, moved or put in. Repairs nothing.

        Parameters
        ----------
        trust
            Fingerprint (sha256:…) of a key whose heads count [default: every key that the catalog keeps].
        noted
            File with heads as JSON lines that were kept elsewhere, to hold against the log.
        json
            Print a JSON object with counts and findings.
        """
        from orlop.faces.cli.audit import work

        return work.verify(opening, _stored(flags), trust, noted, json=json)


def _asks_server(flags: StoreFlags | None, at: ServerChoice) -> bool:
    """Whether a server is to be asked. Raises ConfigurationInvalid where stores are named as well."""
    stores = flags is not None and (flags.config is not None or flags.data is not None)
    if stores and at != _HERE:
        raise ConfigurationInvalid("--data and --config name stores, --server names a server: leave one of them out")
    return not stores


def _stored(flags: StoreFlags | None) -> Settings:
    settings = (flags or StoreFlags()).load().settings
    if settings.in_memory:
        raise ConfigurationInvalid(
            "an audit log in memory belongs to the server that holds it; there is nothing to open"
        )
    return settings
