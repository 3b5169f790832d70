"""Sign-ins that were refused, and for how long they are not tried again: accounts are locked after a few."""

from collections.abc import Callable

import msgspec

from orlop.domain.errors import Denied, Unauthorized

#: In seconds: after the first refusal, and at most. Each is twice as long as the one before.
_FIRST, _LONGEST = 60.0, 1_800.0
#: After so many refusals in a row they are taken to be about the account, not about what was asked for.
_STRIKES = 3
#: Beyond this the oldest are forgotten.
_KEPT = 1_000

#: What was asked for: scopes, or nothing in particular.
_What = frozenset[str]
_ALL: _What = frozenset()


class _Refusal(msgspec.Struct, frozen=True):
    error: Unauthorized | Denied
    until: float
    seconds: float


class Refusals:
    """Those of one account. `careful`: what was refused before anything was accepted counts for everything, and longer
    each time; else for what was asked for alone."""

    def __init__(self, monotonic: Callable[[], float], *, careful: bool) -> None:
        self._monotonic = monotonic
        self._careful = careful
        self._kept: dict[_What, _Refusal] = {}
        self._strikes = _STRIKES

    def check(self, what: _What = _ALL) -> None:
        """Raises what was raised, while it counts. When it does not any more, one may try while others wait on."""
        for each in {what, _ALL}:
            kept = self._kept.get(each)
            if kept is None:
                continue
            if kept.until > self._monotonic():
                raise _anew(kept.error)
            if self._careful:
                self._kept[each] = msgspec.structs.replace(kept, until=self._monotonic() + kept.seconds)

    @property
    def none(self) -> bool:
        """Whether the last sign-in was accepted."""
        return self._strikes == 0

    def refused(self, error: Unauthorized | Denied, what: _What = _ALL, *, nobody: bool = False) -> None:
        """A sign-in was refused. Denied is about what was asked for, as is all that `nobody` is refused."""
        if isinstance(error, Unauthorized) and not nobody:
            self._strikes += 1
            if self._careful and self._strikes >= _STRIKES:
                what = _ALL
        before = self._kept.pop(what, None)
        seconds = min(before.seconds * 2, _LONGEST) if before and self._careful else _FIRST
        if len(self._kept) >= _KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[what] = _Refusal(error, self._monotonic() + seconds, seconds)

    def accepted(self, what: _What = _ALL) -> None:
        """A sign-in was accepted."""
        self._strikes = 0
        self._kept.pop(_ALL, None)
        self._kept.pop(what, None)

    def forget(self) -> None:
        """It is another password now."""
        self._strikes = _STRIKES
        self._kept.clear()


def _anew(error: Unauthorized | Denied) -> Unauthorized | Denied:
    """The same, without the traces of where it was raised before."""
    return type(error)(error.message, error.detail)
