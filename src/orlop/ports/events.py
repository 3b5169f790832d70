"""Whether anything changed: what lets a worker remember an answer and still never give an old one."""

from typing import Protocol

#: What is counted as if it were a repository, whose name it cannot be: what is known to be inside images, and to be
#: wrong with that.
KNOWN_OF_IMAGES = "-known-of-images"


class Changes(Protocol):
    """Counts that changes of the catalog move, whichever process makes them: each of a part of it, so that what is
    remembered of one part outlives what happens to another. Some catalogs have but one."""

    def place(self, repository: str) -> int:
        """Which count every change of a repository moves, other changes perhaps too."""
        ...

    def current(self, place: int = 0) -> int | None:
        """A count, or None while a change is being written: then nothing remembered may be used.

        An answer about a repository that was computed after reading the count of its place is right for as long as that
        stays the same. Costs about a microsecond. Place 0, of a catalog with many, is moved by what concerns all of it.
        """
        ...

    def news(self) -> int:
        """A number that is another after any change, wherever it was made; looking costs some microseconds."""
        ...

    def last(self, place: int = 0) -> tuple[int, float] | None:
        """While it is not known what changes, because the catalog cannot be reached: a count as it was before, and
        for how many seconds it has not been seen. None while it is known, or becomes so in a moment."""
        ...
