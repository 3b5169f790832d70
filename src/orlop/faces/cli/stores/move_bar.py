"""How far a move came, drawn by rich. Imported only where there is a terminal to draw on."""

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from orlop.faces.cli.running import size_text
from orlop.services.moving.report import MoveReport


class MoveBar:
    """One line of counts: the source grows meanwhile, so there is no whole to be a part of."""

    def __init__(self) -> None:
        self._display = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._display.add_task("moving", total=None)
        self._display.start()

    def moved(self, report: MoveReport) -> None:
        """Draw the counts."""
        self._display.start()
        self._display.update(
            self._task,
            description=f"{report.copied} blobs copied ({size_text(report.size)}), {report.present} were there,"
            f" {report.rows} rows",
        )

    def end(self) -> None:
        """Take the line away."""
        self._display.stop()
