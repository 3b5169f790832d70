"""Progress bars, drawn by rich. Imported only where there is a terminal to draw on."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from orlop.domain.digest import Digest
from orlop.domain.manifest import Edge
from orlop.faces.cli.running import short
from orlop.services.content.copy import Outcome


class Bars:
    """A bar for the whole, and one for every blob under way."""

    def __init__(self) -> None:
        self._display = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._whole: TaskID | None = None
        self._tasks: dict[Digest, TaskID] = {}
        self._sizes: dict[Digest, int] = {}
        self._positions: dict[Digest, int] = {}

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def planned(self, blobs: Iterable[Edge]) -> None:
        """Draw the bar of the whole."""
        self._sizes = {edge.digest: edge.size for edge in blobs}
        self._whole = self._display.add_task("all blobs", total=sum(self._sizes.values()))

    def moved(self, digest: Digest, position: int) -> None:
        """Move the bar of a blob, and with it that of the whole."""
        if digest not in self._tasks:
            self._tasks[digest] = self._display.add_task(short(digest), total=self._sizes.get(digest))
        self._display.update(self._tasks[digest], completed=position)
        self._positions[digest] = position
        self._draw_whole()

    def settled(self, digest: Digest, outcome: Outcome) -> None:
        """Take the bar of a blob away."""
        if digest in self._tasks:
            self._display.remove_task(self._tasks.pop(digest))
        if digest in self._sizes:
            self._positions[digest] = self._sizes[digest]
            self._draw_whole()

    def _draw_whole(self) -> None:
        if self._whole is not None:
            self._display.update(self._whole, completed=sum(self._positions.values()))
