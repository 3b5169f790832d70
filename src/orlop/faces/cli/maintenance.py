"""`orlop gc` and `orlop verify`, as they are typed. Both work beside a live server and on a stopped one."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import cyclopts
import msgspec
from cyclopts import Parameter

from orlop.config import ConfigurationInvalid, Settings, units
from orlop.faces.cli.running import DONE, FAILED, run, size_text
from orlop.faces.cli.settings import StoreFlags
from orlop.ports.catalog import Totals
from orlop.services.collection import Collection
from orlop.services.sweep import Sweep
from orlop.services.verify import Report, Verification

_Flag = Parameter(negative="")


class Maintained(msgspec.Struct, frozen=True):
    """Open stores, by what can be done to them."""

    collection: Collection
    sweep: Sweep
    verification: Verification
    totals: Callable[[], Awaitable[Totals]]


Opening = Callable[[Settings], AbstractAsyncContextManager[Maintained]]


def register(app: cyclopts.App, opening: Opening) -> None:
    """Add the commands to `app`. `opening` opens the stores of the settings."""

    @app.command
    def gc(*, flags: StoreFlags | None = None, grace: str | None = None, json: Annotated[bool, _Flag] = False) -> int:
        """Remove the blobs that nothing needs, uploads that nobody finished, and what crashes left behind.

        Parameters
        ----------
        grace
            Leave what was needed this recently [default: the setting gc.grace].
        json
            Print a JSON object with the counts.
        """
        settings = _stored(flags)
        keep = settings.gc.grace if grace is None else _grace(grace)

        async def work() -> None:
            async with opening(settings) as stores:
                done = await stores.collection.run(keep)
                await stores.sweep.run()
            if json:
                print(msgspec.json.encode(done).decode())
            else:
                print(
                    f"removed {done.removed} blobs ({size_text(done.freed)}) and {done.uploads} abandoned uploads;"
                    f" {done.links} links were loose for too long"
                )

        return run(work)

    @app.command
    def verify(
        *, flags: StoreFlags | None = None, quick: Annotated[bool, _Flag] = False, json: Annotated[bool, _Flag] = False
    ) -> int:
        """Check that everything stored is whole: rows, manifests, and every byte of every blob. Repairs nothing.

        Parameters
        ----------
        quick
            Do not read the blobs; that they are there, with the right size, has to do.
        json
            Print a JSON object with counts and findings.
        """
        settings = _stored(flags)
        found: list[Report] = []

        async def work() -> None:
            async with opening(settings) as stores:
                found.append(await _verified(stores, quick=quick, silent=json))
            _tell(found[0], json=json)

        return run(work) or (DONE if found[0].is_clean else FAILED)


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


async def _verified(stores: Maintained, *, quick: bool, silent: bool) -> Report:
    if silent or not sys.stderr.isatty():
        return await stores.verification.run(quick=quick)
    from orlop.faces.cli.verify_bar import VerifyBar

    with VerifyBar(await stores.totals(), quick=quick) as bar:
        return await stores.verification.run(quick=quick, progress=bar.moved)


def _tell(report: Report, *, json: bool) -> None:
    if json:
        print(msgspec.json.encode(report).decode())
        return
    for finding in report.findings:
        print(f"invariant {finding.invariant}: {finding.where}: {finding.what}")
    print(
        f"{report.manifests} manifests, {report.blobs} blobs ({size_text(report.read)} read), {report.copies} copies"
        f" and {report.stages} uploads looked at: {len(report.findings) or 'nothing'} wrong"
    )
