"""Credentials that were found good, for as long as they are: so that no request but the first pays for looking.

Nothing of a credential is kept but a keyed hash of it, whose key lives and ends with the process.
"""

from collections import OrderedDict
from hashlib import blake2b

import msgspec

from orlop.domain.access import Subject
from orlop.ports.clock import Clock
from orlop.ports.events import Changes

#: How many a process remembers; beyond it those that were not used for longest are forgotten.
REMEMBERED = 10_000


class Proof(msgspec.Struct, frozen=True):
    """A subject, and until when what they showed is believed without being looked at again (microseconds since
    1970)."""

    subject: Subject
    until: int
    ends: int = 0
    """When it is worth nothing any more, so that nothing that is made with it may live longer; 0: it does not say."""
    lasting: bool = False
    """Whether it holds whatever changes in the catalog: a signed token does, because what it is worth is asked anew
    at each request."""


class _Kept(msgspec.Struct, frozen=True):
    proof: Proof
    since: int
    count: int | None


class RememberedCredentials:
    """`changes` counts those of who may do what; one that moves it ends everything that is not lasting."""

    def __init__(self, changes: Changes, clock: Clock, key: bytes, *, most: int = REMEMBERED) -> None:
        self._changes = changes
        self._clock = clock
        self._key = key
        self._most = most
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    def key(self, credential: str) -> bytes:
        """What it is kept under."""
        return blake2b(credential.encode("utf-8", "surrogatepass"), digest_size=32, key=self._key).digest()

    def recall(self, key: bytes) -> Subject | None:
        """The caller who came with it, if it still holds. A clock that was set back makes nothing hold longer."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if not kept.since <= self._clock.now() < kept.proof.until or not (
            kept.proof.lasting or (kept.count is not None and kept.count == self._changes.current())
        ):
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return kept.proof.subject

    def proof(self, key: bytes) -> Proof | None:
        """What is kept, if it still holds."""
        return self._kept[key].proof if self.recall(key) is not None else None

    def count(self) -> int | None:
        """To be asked before a credential is looked at, and given to `remember` after."""
        return self._changes.current()

    def remember(self, key: bytes, proof: Proof, count: int | None) -> None:
        """Keep a proof that was found while the count was that."""
        if not proof.lasting and (count is None or count != self._changes.current()):
            return
        self._kept[key] = _Kept(proof, self._clock.now(), count)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
