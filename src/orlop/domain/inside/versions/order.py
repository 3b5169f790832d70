"""What all orders of versions have in common."""

from collections.abc import Callable
from typing import Any, NamedTuple

#: Characters of a version: no ecosystem has longer ones, and all orders take time that grows with them.
LONGEST = 256


class VersionUnordered(ValueError):
    """A version that its ecosystem has no place for in its order."""


class VersionOrder(NamedTuple):
    """How an ecosystem orders its versions."""

    name: str
    read: Callable[[str], Any]

    def parse(self, version: str) -> Any:
        """What compares with `<` and `==` to others of the same order. Raises VersionUnordered."""
        if not version or len(version) > LONGEST or not version.isascii():
            raise VersionUnordered(f"{version[:64]!r} is no version")
        return self.read(version)

    def compare(self, one: str, other: str) -> int:
        """Less than zero, zero, or more, as `one` comes before, with or after `other`. Raises VersionUnordered."""
        left, right = self.parse(one), self.parse(other)
        return -1 if left < right else int(left > right)
