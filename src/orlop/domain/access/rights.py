"""Everything about a subject that a decision needs, as the catalog knows it at one moment."""

from enum import StrEnum

import msgspec

from orlop.domain.access.grants import Grant, Limit
from orlop.domain.access.subjects import ANONYMOUS, Subject


class Visibility(StrEnum):
    """Who may pull from a namespace without a grant."""

    PUBLIC = "public"
    """Everybody, signed in or not."""
    INTERNAL = "internal"
    """Everybody who is signed in."""
    PRIVATE = "private"
    """Nobody."""

    def opens_more_than(self, other: "Visibility") -> bool:
        """Whether it lets in somebody whom another does not."""
        return _NARROWEST_FIRST.index(self) > _NARROWEST_FIRST.index(other)


_NARROWEST_FIRST = (Visibility.PRIVATE, Visibility.INTERNAL, Visibility.PUBLIC)


class VisibilityAt(msgspec.Struct, frozen=True):
    """A visibility and the namespace that says so: the nearest above a repository that has one; `` is the root."""

    visibility: Visibility
    namespace: str


#: What holds where no namespace says anything.
DEFAULT_VISIBILITY = VisibilityAt(Visibility.PRIVATE, "")


class Rights(msgspec.Struct, frozen=True):
    """What a subject may do, as of version `version` of who may do what."""

    subject: Subject
    version: int = 0
    grants: tuple[Grant, ...] = ()
    """Those of the account and of every group that it is in, expired ones left out or not."""
    limits: tuple[Limit, ...] | None = None
    """Of the secret that the subject came with; None: no narrower than its owner. Those of a signed token are the
    subject's own (Subject.limits)."""
    open: bool = False
    """Whether the registry lets anybody do everything (`--open`)."""


def nobody(version: int = 0) -> Rights:
    """The rights of those who are not signed in."""
    return Rights(ANONYMOUS, version)
