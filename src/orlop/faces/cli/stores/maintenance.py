"""`orlop gc` and `orlop verify`, as they are typed. Both work beside a live server and on a stopped one."""

from typing import TYPE_CHECKING, Annotated, Literal

import cyclopts
from cyclopts import Parameter

from orlop.config import ConfigurationInvalid, Settings, units
from orlop.faces.cli.settings import StoreFlags

if TYPE_CHECKING:
    from orlop.faces.cli.stores.maintenance_work import Opening

_Flag = Parameter(negative="")


def register(app: cyclopts.App, opening: "Opening") -> None:
    """Add the commands to `app`. `opening` opens the stores of the settings."""

    @app.command
    def gc(
        *,
        flags: StoreFlags | None = None,
        grace: str | None = None,
        dry_run: Annotated[bool, _Flag] = False,
        full: Annotated[bool, _Flag] = False,
        yes: Annotated[bool, _Flag] = False,
        strays: Annotated[bool, _Flag] = False,
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Remove the blobs that nothing needs, and uploads that nobody finished.

        Parameters
        ----------
        grace
            Leave what was needed this recently [default: the setting gc.grace].
        dry_run
            Print what would go, and why, and change nothing.
        full
            First read every manifest again, and name what collections go by and should not.
        yes
            With --full: put that right.
        strays
            Look through the whole store as well, for files that no row names, which a power cut can leave behind: they
            go a week after they were found first.
        json
            Print a JSON object with the counts.
        """
        settings = _stored(flags)
        keep = settings.gc.grace if grace is None else _grace(grace)

        from orlop.faces.cli.stores import maintenance_work

        how = maintenance_work.How(dry_run=dry_run, full=full, mend=yes, strays=strays, json=json)
        return maintenance_work.gc(opening, settings, keep, how)

    @app.command
    def verify(
        *,
        flags: StoreFlags | None = None,
        quick: Annotated[bool, _Flag] = False,
        inside: Literal["none", "sample", "all"] = "sample",
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Check that everything stored is whole: rows, manifests, and every byte of every blob. Repairs nothing.

        Parameters
        ----------
        quick
            Do not read the blobs; that they are there, with the right size, has to do.
        inside
            Of how much of what is known of images it is looked whether that is so: layers are read anew (not with
            --quick), and packages compared anew with advisories: of none, of a sample of 5 layers and 1,000 packages,
            or of all [default: sample].
        json
            Print a JSON object with counts and findings.
        """
        settings = _stored(flags)
        from orlop.faces.cli.stores import maintenance_work

        return maintenance_work.verify(opening, settings, quick=quick, inside=inside, json=json)


def _stored(flags: StoreFlags | None) -> Settings:
    settings = (flags or StoreFlags()).load().settings
    if settings.in_memory:
        raise ConfigurationInvalid("stores in memory belong to the server that holds them; there is nothing to open")
    return settings


def _grace(text: str) -> int:
    try:
        return units.duration(text)
    except ConfigurationInvalid as error:
        raise ConfigurationInvalid(f"--grace: {error}") from error
