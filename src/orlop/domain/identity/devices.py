"""The device flow (RFC 8628): how user codes are written, and how a client that waits is refused."""

from orlop.domain.errors import Denied, RequestInvalid
from orlop.domain.identity.secrets import Draw

#: "removing vowels … base-20 character set … XXXX-XXXX" (RFC 8628, section 6.1): no word comes of it, and nothing is
#: taken for anything else. Eight of them are 34 bits.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8


class DevicePending(RequestInvalid):
    """Nobody has said yes or no yet (`authorization_pending`, RFC 8628, section 3.5)."""


class DeviceTooFast(RequestInvalid):
    """The client asks more often than it was told (`slow_down`)."""


class DeviceExpired(RequestInvalid):
    """There is no such code, not any more (`expired_token`)."""


class DeviceRefused(Denied):
    """Somebody said no (`access_denied`)."""


def new_user_code(draw: Draw) -> str:
    """Random letters; 8 bytes more than they hold, so that none is likelier than another to any effect."""
    number = int.from_bytes(draw(_LENGTH + 8))
    letters = []
    for _ in range(_LENGTH):
        number, letter = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[letter])
    return "".join(letters)


def read_user_code(typed: str) -> str:
    """The letters that somebody typed: "all characters outside [the] base-20 character set should be stripped"."""
    return "".join(letter for letter in typed[:64].upper() if letter in _LETTERS)


def shown_user_code(code: str) -> str:
    """As people compare it: `WDJB-MJHT`."""
    return f"{code[: _LENGTH // 2]}-{code[_LENGTH // 2 :]}"
