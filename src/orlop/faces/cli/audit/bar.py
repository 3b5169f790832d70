"""How far a verification of the audit log came, drawn by rich. Imported only where there is a terminal to draw on."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from orlop.services.audit.verify import AuditReport


class AuditBar:
    """One bar, by entries."""

    def __init__(self, entries: int) -> None:
        self._display = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._display.add_task("verifying", total=entries)

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def moved(self, report: AuditReport) -> None:
        """Draw what was looked at so far."""
        self._display.update(
            self._task,
            completed=report.entries,
            description=f"{report.entries} entries, {len(report.findings)} wrong",
        )
