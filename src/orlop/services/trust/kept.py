"""Verdicts on signatures, kept for as long as nothing that they rest on changes, and at most an hour: certificates and
revocation lists run out."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.durations import HOUR
from orlop.ports.signatures import JudgedSignature, NamedSigners
from orlop.services.trust.found import HeldSignature

#: Images that a process remembers the verdicts of, and microseconds for which it does.
REMEMBERED, KEPT = 1_000, HOUR


class KeptVerdicts:
    """By what is signed, by all signatures of it, and by the signers with their roots: what changes is another."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[int, tuple[JudgedSignature, ...]]] = OrderedDict()

    def get(self, key: bytes, now: int) -> tuple[JudgedSignature, ...] | None:
        """What was found at most an hour ago; `now` in microseconds since 1970."""
        made = self._known.get(key)
        if made is None or not 0 <= now - made[0] < KEPT:
            return None
        self._known.move_to_end(key)
        return made[1]

    def put(self, key: bytes, now: int, verdicts: tuple[JudgedSignature, ...]) -> None:
        """Keep what was found."""
        self._known[key] = now, verdicts
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def verdict_key(subjects: Sequence[Digest], held: Sequence[HeldSignature], signers: Sequence[NamedSigners]) -> bytes:
    """What verdicts rest on, as one hash."""
    said = (list(map(str, subjects)), [(one.layer.digest, one.layer.annotations, one.form) for one in held], signers)
    return hashlib.sha256(msgspec.msgpack.encode(said, order="deterministic")).digest()
