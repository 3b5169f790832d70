"""Rules for quarantine: where what is pushed lands invisible to others, and what lets it out."""

from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.durations import DAY, HOUR, span
from orlop.domain.settings import Holds, SettingKind, nobody

_MOST = 366 * DAY


class QuarantineRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is pushed to a place is held there until the gates that enforce at it let it pass. Rules of a
    namespace and of all above it hold together: a person has to let out what one of them says so of."""

    person: Annotated[bool, Meta(description="Besides, a person has to let it out, and not the one who pushed it.")] = (
        False
    )
    keep: Annotated[
        str, Meta(max_length=8, description="What nobody let out for so long is refused, as after 30d.")
    ] = "30d"

    def __post_init__(self) -> None:
        if not HOUR <= span(self.keep) <= _MOST:
            raise ValueError("keep: quarantine keeps what nobody lets out for 1h to 366d")


#: As settings. Whoever may pull may see why what they pushed is not there for others.
QUARANTINE_RULES = SettingKind(
    kind="quarantine-rule",
    plural="quarantine-rules",
    text="Rules for quarantine: what is pushed to a place waits until gates let it pass and, if so set, a person.",
    body=QuarantineRule,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
    most=8,
)
