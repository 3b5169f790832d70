"""How far a verification came, drawn by rich. Imported only where there is a terminal to draw on."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from orlop.faces.cli.running import size_text
from orlop.ports.catalog import Totals
from orlop.services.stores.verify import Report


class VerifyBar:
    """One bar: by bytes when blobs are read, else by rows. It stays full when the store grew meanwhile."""

    def __init__(self, totals: Totals, *, quick: bool) -> None:
        self._quick = quick
        self._display = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._display.add_task(
            "verifying", total=totals.manifests + totals.blobs if quick else totals.blob_bytes
        )

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def moved(self, report: Report) -> None:
        """Draw what was looked at so far."""
        self._display.update(
            self._task,
            completed=report.manifests + report.blobs if self._quick else report.read,
            description=f"{report.manifests} manifests, {report.blobs} blobs, {size_text(report.read)},"
            f" {len(report.findings)} wrong",
        )
