"""How much an upstream still lets its accounts ask for, as its answers say, and which account asks next."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from orlop.domain.durations import DAY, HOUR, MINUTE, SECOND

#: One part of so many is kept for what was never pulled: what can wait stops when only that is left.
RESERVE = 10
#: How long an account is not used after 429, where nothing says how long: part of the window, within bounds.
_LEAST_BLOCK, _LONGEST_GUESS, _LONGEST_BLOCK = 30 * SECOND, HOUR, DAY
#: Beyond it a number of seconds is a time since 1970 (as GitHub's `x-ratelimit-reset`), not from now on.
_EPOCH = 1_000_000_000
_WINDOW_MAX = 31 * DAY
_FIELD_MAX = 2_048

_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
_PARAMETER = re.compile(r"(?:^|[;,\s])([a-z]{1,12})\s*=\s*([0-9]{1,12})(?=\s*(?:[;,]|$))", re.ASCII)


class Need(StrEnum):
    """Why an upstream is asked."""

    FIRST = "first"
    """For what is not here: without an answer there is nothing to serve."""
    AGAIN = "again"
    """For what could also be served as it is: whether a tag moved. It is not waited for for long."""
    AHEAD = "ahead"
    """For what nobody asked for yet: a prefetch."""
    FREE = "free"
    """By what does not count: it goes by any account that is not blocked."""


class Told(NamedTuple):
    """What an answer says of an account's limit: requests in all, those that are left, when all are there again."""

    limit: int
    remaining: int
    full_at: int


def told(headers: Mapping[str, str], now: int) -> Told | None:
    """What the headers of an answer (names in lower case) say; None where they say nothing that can be read.

    Docker Hub: `ratelimit-limit: 100;w=21600` and `ratelimit-remaining: 76;w=21600` ("Docker Hub usage and limits").
    draft-ietf-httpapi-ratelimit-headers: up to -06 the same with `ratelimit-reset` in seconds, in -07 `ratelimit:
    limit=100, remaining=50, reset=30`, since -08 `ratelimit-policy: "a";q=100;w=60` and `ratelimit: "a";r=50;t=30`.
    Others: the same as the first with `x-` before them.
    """
    for found in (
        _combined(headers, now),
        _separate("ratelimit", headers, now),
        _separate("x-ratelimit", headers, now),
    ):
        if found is not None and found.limit > 0:
            return found._replace(remaining=min(found.remaining, found.limit))
    return None


class Budget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one account may still ask for. Times are in microseconds since 1970, 0 for never."""

    account: str
    """The user's name; empty: nobody."""
    limit: int = 0
    """Requests in a window; 0: the upstream told of none."""
    remaining: int = 0
    told_at: int = 0
    full_at: int = 0
    """When all of it is there again."""
    blocked_until: int = 0
    """It was answered 429, and is not used before."""

    def left(self, now: int) -> int | None:
        """How many requests are left; None where no limit is known."""
        if not self.limit:
            return None
        return self.remaining if self.told_at <= now < self.full_at else self.limit

    def blocked(self, now: int) -> bool:
        """Whether it is not to be used; an end further away than any was written by a clock that was set back."""
        return now < self.blocked_until <= now + _LONGEST_BLOCK

    def allows(self, need: Need, now: int) -> bool:
        """Whether it may be used: the reserve is for what is not here."""
        return not self.blocked(now) and not self._is_short(need, now)

    def free_at(self, need: Need, now: int) -> int:
        """When it may be used, as far as is known."""
        unblocked = self.blocked_until if self.blocked(now) else now
        return max(unblocked, self.full_at if self._is_short(need, now) else now)

    def _is_short(self, need: Need, now: int) -> bool:
        left = self.left(now)
        return need is not Need.FREE and left is not None and left <= (0 if need is Need.FIRST else self.reserve)

    @property
    def reserve(self) -> int:
        """How many requests are kept for what was never pulled."""
        return -(-self.limit // RESERVE)

    def after(self, said: Told, now: int) -> "Budget":
        """An answer told of its limit."""
        return msgspec.structs.replace(
            self, limit=said.limit, remaining=said.remaining, told_at=now, full_at=max(said.full_at, now)
        )

    def spent(self, now: int) -> "Budget":
        """A request is sent that counts, and nothing is told yet."""
        left = self.left(now)
        if left is None or now >= self.full_at:
            return self
        return msgspec.structs.replace(self, remaining=max(left - 1, 0))

    def refused(self, retry_after: int | None, now: int) -> "Budget":
        """It was answered 429; `retry_after` in seconds. Where that is not said, what is known of the window counts."""
        if retry_after is not None:
            rest = max(retry_after, 1) * SECOND
        else:
            rest = min(max((self.full_at - now) // RESERVE, _LEAST_BLOCK), _LONGEST_GUESS) if self.limit else MINUTE
        return msgspec.structs.replace(self, blocked_until=now + min(rest, _LONGEST_BLOCK))

    def merged(self, other: "Budget") -> "Budget":
        """What two processes know of one account."""
        newer = max(self, other, key=lambda each: (each.told_at, -each.remaining, each.limit, each.full_at))
        return msgspec.structs.replace(newer, blocked_until=max(self.blocked_until, other.blocked_until))


def choose(budgets: Sequence[Budget], need: Need, now: int) -> Budget | None:
    """The account with most left that may be used, the first of several; None where none may. One that no limit is
    known of has most."""
    usable = [each for each in budgets if each.allows(need, now)]
    return max(usable, key=lambda each: _most(each.left(now)), default=None)


def free_at(budgets: Sequence[Budget], need: Need, now: int) -> int:
    """When one of them may be used, as far as is known."""
    return min((each.free_at(need, now) for each in budgets), default=now)


def retry_after(headers: Mapping[str, str], now: int) -> int | None:
    """The seconds that an answer asks to wait: `retry-after` (RFC 9110, section 10.2.3; a date is not read), or Docker
    Hub's `x-retry-after`, a time since 1970; None where it says nothing that can be read."""
    text = (headers.get("retry-after", "") or headers.get("x-retry-after", "")).strip()
    if not _NUMBER.fullmatch(text):
        return None
    return max(int(text) - now // SECOND, 0) if int(text) >= _EPOCH else int(text)


def merge(known: Sequence[Budget], others: Sequence[Budget]) -> tuple[Budget, ...]:
    """What two processes know of the accounts of an upstream, by account."""
    found = {each.account: each for each in known}
    for each in others:
        there = found.get(each.account)
        found[each.account] = there.merged(each) if there is not None else each
    return tuple(found[account] for account in sorted(found))


def _most(left: int | None) -> float:
    return float("inf") if left is None else left


def _combined(headers: Mapping[str, str], now: int) -> Told | None:
    """One field that says it all. Of several limits the one that is nearest counts."""
    field, policies = headers.get("ratelimit", ""), _items(headers.get("ratelimit-policy", ""))
    plain = {name: int(number) for name, number in _PARAMETER.findall(field[:_FIELD_MAX])}
    if "limit" in plain and "remaining" in plain:
        return Told(plain["limit"], plain["remaining"], _reset(plain.get("reset", 0), now))
    found, quotas = [], dict(policies)
    for name, said in _items(field):
        quota = quotas.get(name, {}).get("q", 0)
        if "r" in said and quota:
            within = said.get("t", quotas[name].get("w", 0))
            found.append(Told(quota, said["r"], _reset(within, now)))
    return min(found, key=lambda each: each.remaining / each.limit, default=None)


def _separate(prefix: str, headers: Mapping[str, str], now: int) -> Told | None:
    """A field for each number."""
    limit, remaining = headers.get(f"{prefix}-limit", ""), headers.get(f"{prefix}-remaining", "")
    most, left = _NUMBER.match(limit.strip()), _NUMBER.match(remaining.strip())
    if most is None or left is None:
        return None
    reset = _NUMBER.match(headers.get(f"{prefix}-reset", "").strip())
    windows = [int(number) for name, number in _PARAMETER.findall(f"{remaining};{limit}") if name == "w"]
    return Told(int(most[0]), int(left[0]), _reset(int(reset[0]) if reset else (windows or [0])[0], now))


def _items(field: str) -> list[tuple[str, dict[str, int]]]:
    """The items of a list, each with its parameters that are numbers."""
    found = []
    for item in field[:_FIELD_MAX].split(","):
        name, _, rest = item.strip().partition(";")
        found.append((name.strip(), {key: int(number) for key, number in _PARAMETER.findall(rest)}))
    return found


def _reset(seconds: int, now: int) -> int:
    """When the whole limit is there again: a minute from now where that is not said."""
    if seconds >= _EPOCH:
        return min(seconds * SECOND, now + _WINDOW_MAX)
    return now + (min(seconds * SECOND, _WINDOW_MAX) or MINUTE)
