"""How a copy shows itself: bars on a terminal, a line for every blob elsewhere, both on standard error."""

import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from orlop.domain.digest import Digest
from orlop.domain.manifest import Edge
from orlop.faces.cli.running import short, size_text, tell
from orlop.services.content.copy import CopyProgress, Outcome, Silent

_WORDS = {
    Outcome.COPIED: "copied",
    Outcome.MOUNTED: "mounted from the other repository",
    Outcome.PRESENT: "already there",
    Outcome.FOREIGN: "left out: not to be distributed",
}


class Lines:
    """A line for everything that is looked at; what lies below a manifest that is there already is not."""

    def __init__(self) -> None:
        self._sizes: dict[Digest, int] | None = None

    def planned(self, blobs: Iterable[Edge]) -> None:
        """Remember the sizes."""
        self._sizes = {edge.digest: edge.size for edge in blobs}

    def moved(self, digest: Digest, position: int) -> None:
        """Lines cannot move."""

    def settled(self, digest: Digest, outcome: Outcome) -> None:
        """Say so."""
        if self._sizes is None:  # nothing was planned yet, so this needs no look
            if outcome is Outcome.FOREIGN:
                tell(f"blob {short(digest)}: {_WORDS[outcome]}")
            return
        size = self._sizes.get(digest)
        what = f"blob {short(digest)} ({size_text(size)})" if size is not None else f"manifest {short(digest)}"
        tell(f"{what}: {_WORDS[outcome]}")


@asynccontextmanager
async def progress(*, quiet: bool) -> AsyncIterator[CopyProgress]:
    """The right way to show progress where standard error goes."""
    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield Lines()
    else:
        from orlop.faces.cli.bars import Bars

        with Bars() as bars:
            yield bars
