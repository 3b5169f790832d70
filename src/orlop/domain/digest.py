"""Digests: `<algorithm>:<hex>`, of the algorithms that the image specification registers."""

import hashlib
import re
from typing import Protocol, Self

from orlop.domain.errors import DigestInvalid

#: Registered algorithms and the length of their lower-case hex (image-spec, descriptor.md, "Registered Algorithms").
ALGORITHMS = {"sha256": 64, "sha512": 128}

#: The algorithm where a client names none.
CANONICAL = "sha256"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", re.ASCII)
_GRAMMAR = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[A-Za-z0-9=_-]+", re.ASCII)


class Digest(str):
    """A digest that parsed: a registered algorithm and exactly its number of lower-case hex digits.

    `Digest(text)` raises DigestInvalid otherwise, so any value of this type is safe as a path and as a key.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not _DIGEST.fullmatch(text):
            raise DigestInvalid(_complaint(text), {"digest": text[:160]})
        return str.__new__(cls, text)

    @classmethod
    def stored(cls, text: str) -> Self:
        """A digest that was checked when it was written: no second look on the hot path."""
        return str.__new__(cls, text)

    @property
    def algorithm(self) -> str:
        """`sha256` or `sha512`."""
        return self[:6]

    @property
    def hex(self) -> str:
        """The lower-case hex digits."""
        return self[7:]


def _complaint(text: str) -> str:
    algorithm, colon, _ = text.partition(":")
    if not colon or not _GRAMMAR.fullmatch(text):
        return "a digest is written <algorithm>:<hex>, for example sha256: and 64 lower-case hex digits"
    if algorithm not in ALGORITHMS:
        return f"the digest algorithm {algorithm[:32]!r} is not supported; use one of {', '.join(ALGORITHMS)}"
    return f"a {algorithm} digest has {ALGORITHMS[algorithm]} lower-case hex digits"


def checked_algorithm(name: str) -> str:
    """`name` if it is a supported algorithm, else DigestInvalid."""
    if name not in ALGORITHMS:
        raise DigestInvalid(f"the digest algorithm {name[:32]!r} is not supported; use one of {', '.join(ALGORITHMS)}")
    return name


class Hash(Protocol):
    """What Orlop uses of a hashlib object."""

    def update(self, piece: bytes | bytearray | memoryview, /) -> None:
        """Go on with `piece`."""

    def hexdigest(self) -> str:
        """The hex of everything so far."""
        ...

    def copy(self) -> Self:
        """Another one that has seen the same."""
        ...


def new_hash(algorithm: str) -> Hash:
    """A fresh hash of a supported algorithm."""
    return hashlib.new(algorithm, usedforsecurity=True)


def digest_of(content: bytes, algorithm: str = CANONICAL) -> Digest:
    """The digest of bytes in memory."""
    return Digest.stored(f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}")


def digest_from(algorithm: str, state: Hash) -> Digest:
    """The digest of everything that `state` has seen."""
    return Digest.stored(f"{algorithm}:{state.hexdigest()}")
