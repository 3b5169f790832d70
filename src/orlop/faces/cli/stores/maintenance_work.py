"""What `orlop gc` and `orlop verify` do, and what they print. How they are typed is in `maintenance`."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

import msgspec

from orlop.config import Settings
from orlop.domain.queue import Progress
from orlop.faces.cli.running import DONE, FAILED, run, size_text
from orlop.ports.catalog import Totals
from orlop.ports.scrub import Quarantine
from orlop.services.collection.garbage import Collection
from orlop.services.collection.sweep import Sweep, Swept
from orlop.services.collection.upkeep import collected_so_far, swept_so_far
from orlop.services.stores.scrub import Scrub
from orlop.services.stores.verify import Report, Verification
from orlop.services.stores.verifying import verified_so_far
from orlop.telemetry import logs


class Maintained(msgspec.Struct, frozen=True):
    """Open stores, by what can be done to them."""

    collection: Collection
    sweep: Sweep
    verification: Verification
    totals: Callable[[], Awaitable[Totals]]
    scrub: Scrub
    quarantine: Quarantine


Opening = Callable[[Settings], AbstractAsyncContextManager[Maintained]]


def gc(opening: Opening, settings: Settings, grace: int, *, strays: bool, json: bool) -> int:
    """Collect, with `grace` in microseconds, and sweep if `strays`; the exit code."""

    async def work() -> None:
        async with opening(settings) as stores:
            with _bar("collecting", silent=json) as draw:
                done = await stores.collection.run(grace, lambda so_far: draw(collected_so_far(so_far)))
            swept = await _swept(stores.sweep, silent=json) if strays else None
        if json:
            found = {} if swept is None else {"strays": swept}
            print(msgspec.json.encode({**msgspec.structs.asdict(done), **found}).decode())
            return
        print(
            f"removed {done.removed} blobs ({size_text(done.freed)}) and {done.uploads} abandoned uploads;"
            f" {done.condemned} blobs were found to be needed by nothing"
        )
        if swept is not None:
            print(f"removed {swept.removed} of {swept.strays} stray files")

    logs.configure(settings.log.level, settings.log.format)
    return run(work)


def verify(opening: Opening, settings: Settings, *, quick: bool, json: bool) -> int:
    """Verify; the exit code says whether everything is as it should be."""

    async def work() -> int:
        async with opening(settings) as stores:
            there = await stores.totals()
            with _bar("verifying", silent=json) as draw:
                found = await stores.verification.run(
                    quick=quick, progress=lambda so_far: draw(verified_so_far(so_far, there, quick=quick))
                )
        _tell(found, json=json)
        return DONE if found.is_clean else FAILED

    logs.configure(settings.log.level, settings.log.format)
    return run(work)


async def _swept(sweep: Sweep, *, silent: bool) -> Swept:
    with _bar("sweeping", silent=silent) as draw:
        return await sweep.run(lambda so_far: draw(swept_so_far(so_far)))


@contextmanager
def _bar(what: str, *, silent: bool) -> Iterator[Callable[[Progress], None]]:
    """Draws how far it came, where there is a terminal."""
    if silent or not sys.stderr.isatty():
        yield lambda _: None
        return
    from orlop.faces.cli.progress_bar import ProgressBar

    with ProgressBar(what) as bar:
        yield bar.moved


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
