"""How far an import came, drawn as everything long is. Imported only where there is a terminal to draw on."""

from types import TracebackType
from typing import Self

from orlop.domain.importing.outcome import TagOutcome
from orlop.domain.importing.plan import PlannedRepository
from orlop.domain.queue import Progress
from orlop.faces.cli.importing.report import failed
from orlop.faces.cli.progress_bar import ProgressBar
from orlop.faces.cli.running import tell
from orlop.faces.cli.shown import cell


class ImportBar:
    """A bar of the repositories, with the tags of the one under way; failures stay above it."""

    def __init__(self) -> None:
        self._bar = ProgressBar("importing")
        self._number = self._of = self._tags = 0

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def began(self, repository: PlannedRepository, number: int, of: int) -> None:
        """Move on to a repository."""
        self._number, self._of, self._tags = number, of, 0
        self._draw(repository)

    def settled(self, repository: PlannedRepository, reference: str, outcome: TagOutcome, message: str) -> None:
        """Count a tag, and leave a failure in sight."""
        self._tags += 1
        if outcome is TagOutcome.FAILED:
            self._bar.pause()
            tell(failed(repository.source, reference, message))
        self._draw(repository)

    def _draw(self, repository: PlannedRepository) -> None:
        text = f"{cell(repository.source, 60)}, {self._tags} tags"
        self._bar.moved(Progress(self._number - 1, self._of, "repositories", text))
