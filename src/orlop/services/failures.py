"""A sign-in that failed, as those are told who keep count of it."""

from collections.abc import Callable

import msgspec


class FailedSignIn(msgspec.Struct, frozen=True):
    """Who was tried, from where, and why it failed. `name` is what was sent: anything at all, up to 128 characters."""

    name: str
    address: str
    request: str
    reason: str


#: Told of every failure, at once and many times a second when somebody guesses: it must be quick, and bounded.
OnFailure = Callable[[FailedSignIn], None]

_NAME_MAX = 128


def failure(name: str, address: str, request: str, reason: str) -> FailedSignIn:
    """One of them, with a name that can be shown."""
    shown = name[:_NAME_MAX] if name.isprintable() else ""
    return FailedSignIn(shown, address, request, reason)
