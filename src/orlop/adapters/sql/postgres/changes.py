"""What lets workers remember answers: a count of what this replica's workers changed, and of what others were seen to.

Workers of one replica share memory, so each knows of the others' changes before they are acknowledged. What happens
elsewhere shows in the database, at which `watch` looks a few times a second; when it last did so too long ago, nothing
is remembered at all, so that no answer is ever old by a second.
"""

from collections.abc import Callable, MutableSequence

from orlop.ports.events import KNOWN_OF_IMAGES

#: For how long after a look answers may be remembered, in seconds.
FRESH = 0.8


class PostgresChanges:
    """See ports.events.Changes. `made` has a count for each worker of the replica; `own` is the place of this one."""

    def __init__(self, made: MutableSequence[int], own: int, monotonic: Callable[[], float]) -> None:
        self._made = made
        self._own = own
        self._monotonic = monotonic
        self._seen = 0
        self._fresh_until = float("-inf")

    def place(self, repository: str) -> int:
        """See ports.events.Changes. There is one: what others change is seen as a whole."""
        return 0

    def current(self, place: int = 0) -> int | None:
        """See ports.events.Changes."""
        return sum(self._made) + self._seen if self._monotonic() < self._fresh_until else None

    def news(self) -> int:
        """See ports.events.Changes."""
        return sum(self._made) + self._seen

    def last(self, place: int = 0) -> tuple[int, float] | None:
        """See ports.events.Changes."""
        unseen = self._monotonic() - self._fresh_until
        return (sum(self._made) + self._seen, unseen + FRESH) if unseen >= 0 else None

    def moved(self) -> None:
        """This worker changed something, and will say so to somebody next."""
        self._made[self._own] += 1

    def seen(self) -> None:
        """Somebody may have changed something."""
        self._seen += 1

    def looked(self, at: float) -> None:
        """Everything that was committed before `at` was seen."""
        self._fresh_until = at + FRESH


class ContentChanges(PostgresChanges):
    """Of content, and of what is known of images, which has a count of its own (place 1) as `known` has it."""

    def __init__(
        self, made: MutableSequence[int], own: int, monotonic: Callable[[], float], known: PostgresChanges
    ) -> None:
        super().__init__(made, own, monotonic)
        self._known = known

    def place(self, repository: str) -> int:
        """See ports.events.Changes."""
        return 1 if repository == KNOWN_OF_IMAGES else 0

    def current(self, place: int = 0) -> int | None:
        """See ports.events.Changes."""
        return self._known.current() if place else super().current()

    def news(self) -> int:
        """See ports.events.Changes."""
        return super().news() + self._known.news()

    def last(self, place: int = 0) -> tuple[int, float] | None:
        """See ports.events.Changes."""
        return self._known.last() if place else super().last()
