"""How far a job came, drawn by rich. Imported only where there is a terminal to draw on."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class JobBar:
    """One bar: of what the job says that there is to do, or one that only moves. `words` say where it is."""

    def __init__(self, kind: str, words: Callable[[dict[str, Any]], str]) -> None:
        self._kind = kind
        self._words = words
        self._display = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._display.add_task(kind, total=None)

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def moved(self, job: dict[str, Any]) -> None:
        """Draw it."""
        told = job["progress"]
        self._display.update(
            self._task,
            completed=told["done"],
            total=told["total"] or None,
            description=f"{self._kind}: {self._words(job) or job['state']}",
        )
