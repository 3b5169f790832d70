"""Who does what is written: the same for whatever keeps something."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.events import Origin


class By(msgspec.Struct, frozen=True):
    """Who does something, when (microseconds since 1970, UTC), and where from."""

    actor: str
    at: int
    origin: Origin = Origin()


def by(caller: Caller, now: int) -> By:
    """A caller who does something now."""
    subject = caller.subject
    return By(subject.name, now, Origin(subject.credential, caller.address, caller.request))
