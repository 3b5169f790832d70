"""Whether anything changed: what lets a worker remember an answer and still never give an old one."""

from typing import Protocol


class Changes(Protocol):
    """A counter that every change of the catalog moves, whichever process makes it."""

    def current(self) -> int | None:
        """The count, or None while a change is being written: then nothing remembered may be used.

        An answer computed after reading a count is right for as long as the count stays the same. Costs about a
        microsecond.
        """
        ...

    def last(self) -> tuple[int, float] | None:
        """While it is not known what changes, because the catalog cannot be reached: the count as it was before, and
        for how many seconds it has not been seen. None while it is known, or becomes so in a moment."""
        ...
