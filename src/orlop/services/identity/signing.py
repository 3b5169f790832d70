"""The keys that sign tokens: made, changed in time, published, and known to every worker."""

from collections.abc import Mapping, Sequence

import msgspec

from orlop.domain.access import SYSTEM
from orlop.domain.errors import Unavailable
from orlop.domain.identity.tokens import LEEWAY, Claims, Terms, TokenInvalid, read_claims
from orlop.ports.catalog import By
from orlop.ports.clock import HOUR, SECOND, Clock
from orlop.ports.credentials import TokenSigner
from orlop.ports.identity import SigningKey, SigningKeys

#: The next key is there so long before it signs anything, so that whoever keeps a copy of the public ones has it.
_AHEAD = HOUR

#: A key verifies for so long after another took its place, beside the life of a token: rotation may be late.
_BEHIND = 24 * HOUR

#: The keys are read anew after so long, and when a token names one that is not known, but no oftener than this.
_FRESH = 60 * SECOND
_AGAIN = 5 * SECOND

_encoder = msgspec.json.Encoder()


class Signing:
    """`lifetime`: how long a key signs; `longest`: how long a token holds at most, both in microseconds."""

    def __init__(
        self, keys: SigningKeys, signer: TokenSigner, clock: Clock, terms: Terms, *, lifetime: int, longest: int
    ) -> None:
        self.terms = terms
        self._store = keys
        self._signer = signer
        self._clock = clock
        self._lifetime = lifetime
        self._longest = longest
        self._keys: tuple[SigningKey, ...] = ()
        self._read_at: int | None = None

    async def sign(self, claims: Claims) -> str:
        """A token that says so."""
        return self._signer.sign(await self._signing_key(), _encoder.encode(claims))

    async def verify(self, token: str) -> Claims | None:
        """What a token says; None for one that is not ours. Raises TokenInvalid for one of ours that does not hold."""
        name = self._signer.key_id(token)
        if name is None:
            return None
        key = await self._verifying_key(name)
        now = self._clock.now()
        if key is None or key.expires_at <= now:
            return None
        payload = self._signer.verify(token, key)
        if payload is None:
            raise TokenInvalid("the signature of the token is wrong")
        return read_claims(payload, self.terms, now)

    async def public_keys(self) -> Sequence[Mapping[str, str]]:
        """Those that verify now or will soon, as JSON Web Keys; there is always one."""
        await self._signing_key()
        now = self._clock.now()
        return [self._signer.public(key) for key in self._keys if key.expires_at > now]

    async def rotate(self) -> str:
        """Add the next key when its time comes, and forget those that verify nothing; says what was done."""
        await self._read()
        now, newest = self._clock.now(), self._newest()
        due = now if newest is None else newest.active_at + self._lifetime
        added = due - _AHEAD <= now
        if added:
            await self._add(max(due, now))
        if any(key.expires_at <= now for key in self._keys):
            await self._store.forget(now, self._by())
            await self._read()
        return "a key was added" if added else "no key was due"

    async def replace(self, by: By) -> None:
        """Add a key that signs from now on; tokens that others signed hold until they expire."""
        await self._read()
        newest = self._newest()
        await self._add(max(self._clock.now(), newest.active_at + 1 if newest else 0), by)

    async def _signing_key(self) -> SigningKey:
        """The newest that is active. Made here when there is none that will do for as long as a token holds."""
        await self._read_if_old(_FRESH)
        found = self._active()
        if found is None:
            await self._add(self._clock.now())
            found = self._active()
        if found is None:
            raise Unavailable("there is no key to sign a token with; look whether the clocks of all replicas agree")
        return found

    def _active(self) -> SigningKey | None:
        now = self._clock.now()
        begun = now + LEEWAY * SECOND
        usable = [key for key in self._keys if key.active_at <= begun and key.expires_at > now + self._longest]
        return max(usable, key=lambda key: (key.active_at, key.id), default=None)

    def _newest(self) -> SigningKey | None:
        return max(self._keys, key=lambda key: (key.active_at, key.id), default=None)

    async def _verifying_key(self, name: str) -> SigningKey | None:
        await self._read_if_old(_FRESH)
        found = next((key for key in self._keys if key.id == name), None)
        if found is None and await self._read_if_old(_AGAIN):
            found = next((key for key in self._keys if key.id == name), None)
        return found

    async def _add(self, active_at: int, by: By | None = None) -> None:
        """Make one that signs from then on, unless another process was quicker."""
        name, private = self._signer.generate()
        key = SigningKey(
            id=name,
            algorithm=self._signer.algorithm,
            private=private,
            created_at=self._clock.now(),
            active_at=active_at,
            expires_at=active_at + self._lifetime + self._longest + LEEWAY * SECOND + _BEHIND,
        )
        newest = self._newest()
        self._keys = await self._store.add(key, by or self._by(), unless_newer_than=newest.active_at if newest else 0)
        self._read_at = self._clock.now()

    async def _read(self) -> None:
        self._keys = await self._store.all()
        self._read_at = self._clock.now()

    async def _read_if_old(self, age: int) -> bool:
        """Read the keys unless they were read lately, by a clock that may have been set back; whether they were."""
        now = self._clock.now()
        if self._read_at is not None and 0 <= now - self._read_at < age:
            return False
        await self._read()
        return True

    def _by(self) -> By:
        return By(SYSTEM.name, self._clock.now())
