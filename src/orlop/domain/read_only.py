"""Read-only mode: why the registry takes no writes, until when, and what whoever would write is told."""

import re
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.days import day_number
from orlop.domain.durations import DAY, HOUR, MINUTE, SECOND
from orlop.domain.errors import RegistryReadOnly
from orlop.domain.settings import Holds, SettingKind, nobody

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z", re.ASCII)

#: Nobody is told to come back later than that, in seconds.
_LONGEST = 3600
#: When to come back where a store takes no writes, in seconds.
_STORE = 2


class ReadOnlyCause(StrEnum):
    """Why the registry takes no writes: somebody switched it so, or a store takes none."""

    SWITCH = "switch"
    STORE = "store"


class ReadOnly(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A switch that is on for as long as it is there, or until a time."""

    reason: Annotated[
        str, Meta(min_length=3, max_length=500, description="Why: whoever would write reads it as a sentence.")
    ]
    until: Annotated[
        str,
        Meta(
            max_length=20,
            description="When it ends by itself, such as 2026-12-03T18:00:00Z; empty: when the switch is removed.",
        ),
    ] = ""

    def __post_init__(self) -> None:
        if not self.reason.strip() or not self.reason.isprintable():
            raise ValueError("reason: say in one line why the registry takes no writes")
        if self.until:
            _moment(self.until)

    @property
    def ends_at(self) -> int:
        """When it ends by itself, in microseconds since 1970; 0: it does not."""
        return _moment(self.until) if self.until else 0

    def holds(self, now: int) -> bool:
        """Whether it is on."""
        return not self.until or now < self.ends_at


class ReadOnlyStanding(msgspec.Struct, frozen=True):
    """Why the registry takes no writes, as it is now. `ends_at` in microseconds since 1970, 0: nobody knows;
    `by_store`: a store takes none, and nobody switched it on."""

    reason: str
    ends_at: int = 0
    until: str = ""
    by_store: bool = False

    @property
    def sentence(self) -> str:
        """For whoever would write, and for banners."""
        end = f"; it takes writes again at {self.until}" if self.until else ""
        back = "; it takes writes again once the store does" if self.by_store else end
        return f"the registry is read-only: {self.reason}{back}"

    def refusal(self, now: int) -> RegistryReadOnly:
        """What a write is refused with."""
        if self.by_store:
            return RegistryReadOnly(self.sentence, retry_after=_STORE)
        left = -(-(self.ends_at - now) // SECOND) if self.ends_at else 0
        return RegistryReadOnly(self.sentence, retry_after=min(max(left, 1), _LONGEST) if self.ends_at else 0)


def standing_of(switches: tuple[ReadOnly, ...], now: int) -> ReadOnlyStanding | None:
    """What those say that are on, of which the one that ends last speaks first; None: the registry takes writes."""
    on = [each for each in switches if each.holds(now)]
    if not on:
        return None
    last = max(on, key=lambda each: (not each.until, each.ends_at))
    others = [each.reason for each in on if each is not last]
    return ReadOnlyStanding("; ".join((last.reason, *others)), last.ends_at, last.until)


def _moment(text: str) -> int:
    """Microseconds since 1970 of `2026-12-03T18:00:00Z`. Raises ValueError."""
    found = _TIME.fullmatch(text)
    hour, minute, second = (int(part) for part in found.groups()[1:]) if found else (99, 0, 0)
    if found is None or hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"until: {text!r} is no time: write it in UTC, as in 2026-12-03T18:00:00Z")
    return day_number(found[1]) * DAY + hour * HOUR + minute * MINUTE + second * SECOND


#: Switches as settings. Everybody who is signed in may see why they are refused.
READ_ONLY = SettingKind(
    kind="read-only",
    plural="read-only-switches",
    text="Read-only mode: while there is a switch, the registry serves what it has, and takes nothing new.",
    body=ReadOnly,
    speaks_for=nobody,
    placed=False,
    holds=Holds.ALL,
    read=None,
    change=Action.SYSTEM,
    most=16,
)
