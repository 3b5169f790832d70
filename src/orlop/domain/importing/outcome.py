"""What became of an import: how much came, was there, was gone, or could not be had, and why."""

from enum import StrEnum

import msgspec


class TagOutcome(StrEnum):
    """What became of a tag, or of a manifest without one."""

    BROUGHT = "brought"
    PRESENT = "present"
    """It was here already, with all that refers to it."""
    GONE = "gone"
    """It was listed, and is not there any more."""
    FAILED = "failed"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Something that did not come."""

    repository: str
    """As it is called at the source."""
    reference: str
    """A tag or digest; empty for the repository as a whole."""
    code: str
    message: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The report of a run."""

    repositories: int
    brought: int
    present: int
    gone: int
    copied_bytes: int
    failures: tuple[Failure, ...] = ()
    stopped: str = ""
    """Why the run ended before everything was tried; empty where it did not."""

    @property
    def whole(self) -> bool:
        """Whether everything that is at the source is here."""
        return not self.failures and not self.stopped
