"""What `orlop store` does, and what it prints. How it is typed is in `store`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

import msgspec

from orlop.config import Settings
from orlop.domain.errors import RegistryError
from orlop.domain.queue import Progress
from orlop.faces.cli.running import DONE, FAILED, counted, run, size_text, tell
from orlop.services.moving.move import StoreMove
from orlop.services.moving.report import MoveReport
from orlop.services.stores.trial import Trial
from orlop.telemetry import logs

if TYPE_CHECKING:
    from orlop.faces.cli.progress_bar import ProgressBar


class Moving(Protocol):
    """Opens moves."""

    def move(
        self, source: Settings, target: Settings, progress: Callable[[MoveReport], None]
    ) -> AbstractAsyncContextManager[StoreMove]:
        """A move between two places; the new one is made if there is none. Raises Unavailable."""
        ...

    def source(self, settings: Settings) -> AbstractAsyncContextManager[StoreMove]:
        """The move that these stores are in, without its other end. Raises Unavailable."""
        ...


Checking = Callable[[Settings], AbstractAsyncContextManager[Trial]]


def check(checking: Checking, settings: Settings, *, json: bool) -> int:
    """Try the stores; the exit code says whether they can be used."""

    async def work() -> int:
        async with checking(settings) as trial:
            found = await trial.run()
        ended = DONE if found.usable else FAILED
        if json:
            print(msgspec.json.encode(found).decode())
            return ended
        for store in (found.catalog, found.blobs):
            print(f"{store.role:8} {store.place}")
            print(f"         {store.state}, {store.milliseconds:.1f} ms to write and read")
        if found.totals is not None:
            held = found.totals
            print(
                f"holds    {counted(held.repositories, 'repository')}, {counted(held.manifests, 'manifest')},"
                f" {counted(held.tags, 'tag')}, {counted(held.blobs, 'blob')} ({size_text(held.blob_bytes)}),"
                f" {counted(held.uploads, 'upload')} under way"
            )
        if found.move:
            print(f"move     {found.move}")
        return ended

    logs.configure(settings.log.level, settings.log.format)
    return run(work)


def migrate(moving: Moving, source: Settings, target: Settings, *, cut_over: bool, json: bool) -> int:
    """Copy, and cut over if that is wanted; the exit code."""

    async def work() -> None:
        with _progress(silent=json) as progress:
            async with moving.move(source, target, progress.moved) as move:
                try:
                    await move.copy()
                    if not move.report.moved and (cut_over or (not json and _is_agreed(move.report, progress))):
                        await move.cut_over()
                finally:
                    progress.pause()
                    _tell_findings(move.report, json=json)
                _tell(move, json=json)

    logs.configure(source.log.level, source.log.format)
    return run(work)


def abandon(moving: Moving, source: Settings, target: Settings, *, json: bool) -> int:
    """Give a move up; the exit code."""

    async def work() -> None:
        async with moving.source(source) as move:
            await move.abandon()
        try:
            async with moving.move(source, target, lambda _: None) as move:
                await move.forget_target()
        except RegistryError:
            tell("orlop: the move is given up, and the registry open; but the new place could not be cleared:")
            raise
        print('{"moved": false}' if json else "the move is given up; blobs that were copied stay there for another try")

    logs.configure(source.log.level, source.log.format)
    return run(work)


class _Progress(Protocol):
    """Shows how far a move came."""

    def moved(self, report: MoveReport) -> None:
        """It came further."""

    def pause(self) -> None:
        """Take away what is drawn until it comes further."""


class _Silent:
    """Nothing to draw on."""

    def moved(self, report: MoveReport) -> None:
        """Not shown."""

    def pause(self) -> None:
        """Nothing was drawn."""


class _Drawn:
    """A bar: it only moves, for the source grows meanwhile, so that there is no whole to be a part of."""

    def __init__(self, bar: "ProgressBar") -> None:
        self._bar = bar
        self.pause = bar.pause

    def moved(self, report: MoveReport) -> None:
        """Draw it."""
        text = f"{size_text(report.size)} copied, {counted(report.rows, 'row')}"
        self._bar.moved(Progress(done=report.copied + report.present, unit="blobs", text=text))


@contextmanager
def _progress(*, silent: bool) -> Iterator[_Progress]:
    if silent or not sys.stderr.isatty():
        yield _Silent()
        return
    from orlop.faces.cli.progress_bar import ProgressBar

    with ProgressBar("moving") as bar:
        yield _Drawn(bar)


def _is_agreed(report: MoveReport, progress: _Progress) -> bool:
    """Ask on a terminal whether to cut over now."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    progress.pause()
    tell(
        f"{counted(report.copied + report.present, 'blob')} are there. Cutting over stops pushes for as long as"
        f" the rest takes."
    )
    return input("Cut over now? [y/N] ").strip().lower() in {"y", "yes"}


def _tell_findings(report: MoveReport, *, json: bool) -> None:
    """What is wrong, also before an error that only counts it."""
    if not json:
        for finding in report.findings:
            print(f"invariant {finding.invariant}: {finding.where}: {finding.what}")
    elif report.findings:
        print(msgspec.json.encode(report).decode())


def _tell(move: StoreMove, *, json: bool) -> None:
    report = move.report
    if json:
        print(msgspec.json.encode(report).decode())
        return
    there = f"; {counted(report.present, 'blob')} were there" if report.present else ""
    print(
        f"copied {counted(report.copied, 'blob')} ({size_text(report.size)}) and {counted(report.rows, 'row')}{there}"
    )
    if report.moved:
        print("moved: start servers with the settings of the new place, and stop those of the old one")
    elif move.is_shut:
        print("an earlier cut-over was broken off, and pushes are refused: go on with --cut-over, or --abort")
    else:
        print("nothing has changed yet: run this again with --cut-over to move, or with --abort to give it up")
