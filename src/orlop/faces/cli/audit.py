"""`orlop audit`, as it is typed. It works on the stores, beside a live server and without one."""

from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from orlop.config import ConfigurationInvalid, Settings
from orlop.faces.cli.audit_filters import Filters
from orlop.faces.cli.settings import StoreFlags

if TYPE_CHECKING:
    from orlop.faces.cli.audit_work import OpeningAudit

_Flag = Parameter(negative="")


def register(app: cyclopts.App, opening: "OpeningAudit") -> None:
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
    ) -> int:
        """List entries of the audit log, newest first.

        Parameters
        ----------
        limit
            How many at most [default: 50].
        json
            Print a JSON array.
        """
        from orlop.faces.cli import audit_work

        return audit_work.ls(opening, _stored(flags), filters or Filters(), limit, json=json)

    @group.command
    def export(*, flags: StoreFlags | None = None, filters: Filters | None = None) -> int:
        """Print entries with their hashes as JSON lines, oldest first."""
        from orlop.faces.cli import audit_work

        return audit_work.export(opening, _stored(flags), filters or Filters())

    @group.command
    def heads(*, flags: StoreFlags | None = None) -> int:
        """Print the signed heads as JSON lines, oldest first. Keep the last one elsewhere, for `verify --noted`."""
        from orlop.faces.cli import audit_work

        return audit_work.heads(opening, _stored(flags))

    @group.command
    def verify(
        *,
        flags: StoreFlags | None = None,
        trust: Annotated[tuple[str, ...], _Flag] = (),
        noted: str = "",
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Check that no entry was removed, altered, moved or put in. Repairs nothing.

        Parameters
        ----------
        trust
            Fingerprint (sha256:…) of a key whose heads count [default: every key that the catalog keeps].
        noted
            File with heads as JSON lines that were kept elsewhere, to hold against the log.
        json
            Print a JSON object with counts and findings.
        """
        from orlop.faces.cli import audit_work

        return audit_work.verify(opening, _stored(flags), trust, noted, json=json)


def _stored(flags: StoreFlags | None) -> Settings:
    settings = (flags or StoreFlags()).load().settings
    if settings.in_memory:
        raise ConfigurationInvalid(
            "an audit log in memory belongs to the server that holds it; there is nothing to open"
        )
    return settings
