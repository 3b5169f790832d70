"""What `orlop gc` and `orlop verify` do, and what they print. How they are typed is in `maintenance`."""

import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager

import msgspec

from orlop.config import Settings
from orlop.domain.queue import Progress
from orlop.faces.cli.moments import shown
from orlop.faces.cli.running import DONE, FAILED, UsageError, counted, run, size_text
from orlop.ports.catalog import Totals
from orlop.ports.scrub import Orphans, Quarantine, StoredOrphan
from orlop.services.collection.garbage import Collected, Collection
from orlop.services.collection.marking import NAMED, FullMarking, Marked
from orlop.services.collection.preview import Due, Preview
from orlop.services.collection.sweep import Sweep, Swept
from orlop.services.collection.upkeep import collected_so_far, marked_so_far, swept_so_far, swept_text
from orlop.services.stores.scrub import Scrub
from orlop.services.stores.verify import Report, Verification
from orlop.services.stores.verify_inside import InsideDepth
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
    preview: Preview
    marking: FullMarking
    orphans: Orphans


Opening = Callable[[Settings], AbstractAsyncContextManager[Maintained]]


class How(msgspec.Struct, frozen=True, kw_only=True):
    """How to collect: see the parameters of `orlop gc`."""

    dry_run: bool
    full: bool
    mend: bool
    strays: bool
    json: bool


def gc(opening: Opening, settings: Settings, grace: int, how: How) -> int:
    """Collect, with `grace` in microseconds; the exit code, which says whether anything is left that should not be."""

    async def work() -> int:
        if how.mend and not how.full:
            raise UsageError("--yes puts right what --full finds: give both, or neither")
        if how.dry_run and (how.mend or how.strays):
            raise UsageError("--dry-run changes nothing, so that it goes with neither --yes nor --strays")
        async with opening(settings) as stores:
            marked = await _marked(stores.marking, how) if how.full else None
            if how.dry_run:
                await _preview(stores.preview, grace, marked, how)
                return _code(marked)
            with drawn("collecting", silent=how.json) as draw:
                done = await stores.collection.run(grace, lambda so_far: draw(collected_so_far(so_far)))
            swept = await _swept(stores.sweep, silent=how.json) if how.strays else None
            orphans = await _listed(stores.orphans) if how.strays else ()
        if how.json:
            found: dict[str, object] = {} if marked is None else {"full": marked}
            if swept is not None:
                found |= {"strays": swept, "orphans": orphans}
            print(msgspec.json.encode({**msgspec.structs.asdict(done), **found}).decode())
        else:
            _tell_collected(done, swept, orphans)
        return FAILED if done.kept else _code(marked)

    logs.configure(settings.log.level, settings.log.format)
    return run(work)


def _code(marked: Marked | None) -> int:
    return DONE if marked is None or marked.mended == marked.differences else FAILED


async def _marked(marking: FullMarking, how: How) -> Marked:
    with drawn("marking", silent=how.json) as draw:
        marked = await marking.run(mend=how.mend, progress=lambda so_far: draw(marked_so_far(so_far)))
    if not how.json:
        for difference in marked.named:
            print(f"{difference.where}: {difference.what}")
        what = (
            f"{counted(marked.manifests, 'manifest')}, {counted(marked.links, 'link')} and"
            f" {counted(marked.blobs, 'blob')} looked at"
        )
        if not marked.differences:
            print(f"{what}: collections missed nothing")
        elif how.mend:
            print(f"{what}: {counted(marked.differences, 'difference')}, {marked.mended} put right")
        else:
            print(f"{what}: {counted(marked.differences, 'difference')}; put them right with --full --yes")
    return marked


async def _preview(preview: Preview, grace: int, marked: Marked | None, how: How) -> None:
    named: list[Due] = []
    counts: dict[str, int] = {}
    freed = 0
    async for due in preview.run(grace):
        counts[due.kind] = counts.get(due.kind, 0) + 1
        freed += due.freed
        if not how.json:
            print(f"{due.kind} {due.what}: {due.why}")
        elif len(named) < NAMED:
            named.append(due)
    if how.json:
        found = {"counts": counts, "freed": freed, "items": named} | ({} if marked is None else {"full": marked})
        print(msgspec.json.encode(found).decode())
        return
    parts = [f"{counted(counts[kind], one)}{of}" for kind, (one, of) in _KINDS.items() if counts.get(kind)]
    print(f"would take away {', '.join(parts) or 'nothing'}, and free {size_text(freed)}; nothing was changed")


_KINDS = {
    "upload": ("upload", ""),
    "trash": ("entry", " of the trash"),
    "link": ("link", ""),
    "blob": ("blob", ""),
    "repository": ("repository", ""),
}


async def _listed(orphans: Orphans) -> tuple[StoredOrphan, ...]:
    """What is in quarantine, as much of it as a report names."""
    return await orphans.page("", NAMED)


def _tell_collected(done: Collected, swept: Swept | None, orphans: Sequence[StoredOrphan]) -> None:
    print(
        f"removed {counted(done.removed, 'blob')} ({size_text(done.freed)}) and"
        f" {counted(done.uploads, 'abandoned upload')};"
        f" {counted(done.condemned, 'blob')} {'was' if done.condemned == 1 else 'were'} found to be needed by nothing"
    )
    if done.repositories:
        print(f"removed {counted(done.repositories, 'repository')} that held nothing")
    if done.kept:
        print(
            f"the store did not remove {counted(done.kept, 'file')} ({size_text(done.kept_bytes)}); they are"
            f" tried again:"
        )
        for message, times in done.errors.items():
            print(f"  {message} ({times} times)")
    if swept is not None:
        print(swept_text(swept))
        for orphan in orphans:
            print(f"  {orphan.name} ({size_text(orphan.size)}), found {shown(orphan.found_at)}")


def verify(opening: Opening, settings: Settings, *, quick: bool, inside: str, json: bool) -> int:
    """Verify; the exit code says whether everything is as it should be."""

    async def work() -> int:
        async with opening(settings) as stores:
            there = await stores.totals()
            with drawn("verifying", silent=json) as draw:
                found = await stores.verification.run(
                    quick=quick,
                    inside=InsideDepth(inside),
                    progress=lambda so_far: draw(verified_so_far(so_far, there, quick=quick)),
                )
        _tell(found, json=json)
        return DONE if found.is_clean else FAILED

    logs.configure(settings.log.level, settings.log.format)
    return run(work)


async def _swept(sweep: Sweep, *, silent: bool) -> Swept:
    with drawn("sweeping", silent=silent) as draw:
        return await sweep.run(lambda so_far: draw(swept_so_far(so_far)))


@contextmanager
def drawn(what: str, *, silent: bool) -> Iterator[Callable[[Progress], None]]:
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
    made = (counted(report.layers, "layer"), counted(report.packages, "package"))
    anew = f", {' and '.join(made)} of images read anew" if report.layers or report.packages else ""
    print(
        f"{counted(report.manifests, 'manifest')}, {counted(report.blobs, 'blob')} ({size_text(report.read)}"
        f" read), {counted(report.copies, 'copy')}"
        f" and {counted(report.stages, 'upload')} looked at{anew}: {len(report.findings) or 'nothing'} wrong"
    )
