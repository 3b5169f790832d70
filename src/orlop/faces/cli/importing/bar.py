"""How far an import came, drawn by rich. Imported only where there is a terminal to draw on."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from orlop.domain.importing.outcome import TagOutcome
from orlop.domain.importing.plan import PlannedRepository
from orlop.faces.cli.shown import cell


class ImportBar:
    """A bar of the repositories, with what came so far; failures stay above it."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._display = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._display.add_task("repositories", total=None)
        self._settled = 0

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def began(self, repository: PlannedRepository, number: int, of: int) -> None:
        """Move on to a repository."""
        self._settled = 0
        self._display.update(self._task, completed=number - 1, total=of, description=cell(repository.source, 60))

    def settled(self, repository: PlannedRepository, reference: str, outcome: TagOutcome, message: str) -> None:
        """Count a tag, and keep a failure in sight."""
        self._settled += 1
        words = f"{cell(repository.source, 60)}: {self._settled} tags"
        self._display.update(self._task, description=words)
        if outcome is TagOutcome.FAILED:
            line = f"failed: {cell(repository.source, 200)}:{cell(reference, 160)}: {cell(message, 500)}"
            self._console.print(line, markup=False, highlight=False)
