"""Rules for the trash: how long what is deleted can be restored."""

import re
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.durations import DAY, HOUR
from orlop.domain.settings import SettingKind, nobody

_DURATION = re.compile(r"0|([1-9][0-9]{0,4})([hdw])", re.ASCII)
_UNITS = {"h": HOUR, "d": DAY, "w": 7 * DAY}
_MOST = 3660 * DAY


class TrashRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long what is deleted lies in the trash. Of several of one place the longest holds."""

    keep: Annotated[
        str,
        Meta(
            max_length=8,
            description="For so many hours, days or weeks, such as `12h`, `7d` or `4w`; `0`: it is gone at once.",
        ),
    ]

    def __post_init__(self) -> None:
        if not _DURATION.fullmatch(self.keep):
            raise ValueError(f"{self.keep!r} is no time to keep: write 12h, 7d, 4w, or 0 for not at all")
        if self.time > _MOST:
            raise ValueError("the trash keeps nothing for longer than 3660d; a lock keeps a manifest for ever")

    @property
    def time(self) -> int:
        """In microseconds."""
        found = _DURATION.fullmatch(self.keep)
        return int(found[1]) * _UNITS[found[2]] if found is not None and found[1] else 0


#: What holds where no rule does.
_OTHERWISE = TrashRule(keep="7d")


def kept_for(rules: Iterable[TrashRule]) -> int:
    """How long it can be restored where these rules hold, in microseconds; 0: it is gone at once."""
    return max((rule.time for rule in rules), default=_OTHERWISE.time)


def kept_text(rules: Iterable[TrashRule]) -> str:
    """The same as it is typed; empty: it is gone at once."""
    longest = max(rules, key=lambda rule: rule.time, default=_OTHERWISE)
    return longest.keep if longest.time else ""


#: Rules for the trash as settings. Whoever may pull may see how long what they delete can be restored.
TRASH_RULES = SettingKind(
    kind="trash-rule",
    plural="trash-rules",
    text="Rules for the trash: how long what is deleted can be restored; 7 days where there is none.",
    body=TrashRule,
    speaks_for=nobody,
    read=Action.PULL,
)
