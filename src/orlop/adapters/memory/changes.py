"""The change counter of a catalog that one process has to itself."""


class MemoryChanges:
    """See ports.events.Changes. Nothing is ever under way when somebody looks, so the count is never None."""

    def __init__(self) -> None:
        self._count = 0

    def place(self, repository: str) -> int:
        return 0

    def current(self, place: int = 0) -> int | None:
        return self._count

    def last(self) -> tuple[int, float] | None:
        return None

    def moved(self) -> None:
        """An answer to a client may be another from now on."""
        self._count += 1
