"""Secrets that Orlop makes: how they are written, and how one is told from anything else without asking anybody.

    orlop_pat_5kTq0vXw9aBc_0Jr7…_2fG8hK
    │         │            │     └ checksum: CRC-32 of all before it, so that scanners of code need not ask us
    │         │            └ the secret: 32 characters, 190 bits
    │         └ the look-up: 12 characters that find the row and tell nothing
    └ the kind: pat of a person, rbt of a robot, rfr for what `docker login` keeps

All parts are base 62, so that a double click selects the whole. Only its SHA-256 is kept: it is random enough that
nobody tries them all.
"""

import hmac
import re
import zlib
from collections.abc import Callable
from hashlib import sha256

import msgspec

#: Gives so many random bytes; below bootstrap nobody draws their own.
Draw = Callable[[int], bytes]

#: The kinds of ports.identity.Secret by the prefix that they are written with.
KINDS = {"orlop_pat": "token", "orlop_rbt": "robot", "orlop_rfr": "refresh"}
_PREFIXES = {kind: prefix for prefix, kind in KINDS.items()}

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LOOKUP, _SECRET, _CHECKSUM = 12, 32, 6
_WHOLE = re.compile(
    rf"(orlop_(?:pat|rbt|rfr))_([0-9A-Za-z]{{{_LOOKUP}}})_([0-9A-Za-z]{{{_SECRET}}})_([0-9A-Za-z]{{{_CHECKSUM}}})",
    re.ASCII,
)


class ParsedSecret(msgspec.Struct, frozen=True):
    """A secret that is written as one of ours; whether it is one, the catalog knows."""

    kind: str
    """As ports.identity.Secret has it."""
    lookup: str
    hash: str

    def is_hashed_as(self, kept: str) -> bool:
        """Whether it is the one of which that hash is kept; takes the same time wherever they differ."""
        return hmac.compare_digest(self.hash, kept)


def new_secret(kind: str, draw: Draw) -> str:
    """A new one of a kind. It is shown once and never again."""
    body = f"{_PREFIXES[kind]}_{_random(draw, _LOOKUP)}_{_random(draw, _SECRET)}"
    return f"{body}_{_checksum(body)}"


def looks_like_secret(text: str) -> bool:
    """Whether it is meant to be one, so that it is never taken for a password, nor shown to anybody else."""
    return text.startswith(tuple(f"{prefix}_" for prefix in KINDS))


def parse_secret(text: str) -> ParsedSecret | None:
    """What is written like one of ours, with a checksum that fits; None for anything else."""
    found = _WHOLE.fullmatch(text)
    if found is None or _checksum(text[: found.start(4) - 1]) != found[4]:
        return None
    return ParsedSecret(KINDS[found[1]], found[2], sha256(text.encode("ascii")).hexdigest())


def _random(draw: Draw, length: int) -> str:
    """Digits of base 62. 8 bytes more than they hold, so that none is likelier than another to any effect."""
    return _base62(int.from_bytes(draw(length + 8)) % 62**length, length)


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode("ascii")), _CHECKSUM)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
