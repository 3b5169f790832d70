"""How far something long came, drawn by rich, here or in a job of a server. Imported only where there is a terminal."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Display

from orlop.domain.queue import Progress


class ProgressBar:
    """One bar: of what there is to do, or one that only moves where that is not known."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._display = Display(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._display.add_task(what, total=None)

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def pause(self) -> None:
        """Take it away until it moves again."""
        self._display.stop()

    def moved(self, progress: Progress, instead: str = "") -> None:
        """Draw it; `instead` of words where there are none yet."""
        self._display.start()
        self._display.update(
            self._task,
            completed=progress.done,
            total=progress.total or None,
            description=f"{self._what}: {progress.words() or instead}",
        )
