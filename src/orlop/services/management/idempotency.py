"""A create that is sent again under the same Idempotency-Key does nothing again, and gets the same answer.

An answer may hold a new secret, and secrets are never kept as they are: it is encrypted under the key that the client
chose, of which only a hash is kept.
"""

from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from orlop.domain.errors import Conflict, RequestInvalid
from orlop.ports.clock import HOUR, SECOND, Clock
from orlop.ports.idempotency import KeptAnswers

#: How long an answer is kept.
KEPT = 24 * HOUR
#: How long the first request may take, before another one may try.
PATIENCE = 60 * SECOND
#: A key is at least so long that nobody guesses it, and no longer than this.
KEY_MIN, KEY_MAX = 16, 255

_NONCE = 12


class Reused(Exception):
    """The key came with another request before."""


class Kept(msgspec.Struct, frozen=True):
    """An answer of before."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Idempotency:
    """Of one registry."""

    def __init__(self, answers: KeptAnswers, clock: Clock) -> None:
        self._answers = answers
        self._clock = clock
        self._forgotten_at = 0

    async def begin(self, account: int, key: str, request: bytes) -> Kept | None:
        """None: this is the first request with this key, and `finish` has to follow. Else the answer that it got.

        `request` is everything that makes the request what it is. Raises RequestInvalid for a key that is too short or
        too long, Conflict while the first is under way, Reused when it was another request.
        """
        if not KEY_MIN <= len(key) <= KEY_MAX or not key.isascii() or not key.isprintable():
            raise RequestInvalid(
                f"an Idempotency-Key is {KEY_MIN} to {KEY_MAX} printable characters that nobody guesses, such as a UUID"
            )
        now = self._clock.now()
        await self._forget(now)
        fingerprint = sha256(request).hexdigest()
        kept = await self._answers.begin(
            account, _name(account, key), fingerprint, now, abandoned_before=now - PATIENCE
        )
        if kept is None:
            return None
        if kept.fingerprint != fingerprint:
            raise Reused
        if kept.answer is None:
            raise Conflict("the first request with this Idempotency-Key is under way; try again in a moment")
        try:
            plain = _cipher(account, key).decrypt(kept.answer[:_NONCE], kept.answer[_NONCE:], fingerprint.encode())
        except InvalidTag as cause:
            raise Conflict("the answer to this Idempotency-Key cannot be read any more; use a new one") from cause
        return msgspec.msgpack.decode(plain, type=Kept)

    async def finish(self, account: int, key: str, request: bytes, answer: Kept | None) -> None:
        """Keep the answer; None: it failed, and may be tried again."""
        sealed: bytes | None = None
        if answer is not None:
            plain = msgspec.msgpack.encode(answer)
            # Each answer under a nonce of its own, made from what it says: the same twice is the same answer.
            nonce = sha256(b"nonce\0" + key.encode() + b"\0" + plain).digest()[:_NONCE]
            sealed = nonce + _cipher(account, key).encrypt(nonce, plain, sha256(request).hexdigest().encode())
        await self._answers.finish(account, _name(account, key), sealed)

    async def _forget(self, now: int) -> None:
        """Once an hour, whoever comes by sweeps."""
        if now - self._forgotten_at >= HOUR:
            self._forgotten_at = now
            await self._answers.forget(now - KEPT)


def _name(account: int, key: str) -> str:
    return sha256(b"name\0%d\0" % account + key.encode()).hexdigest()


def _cipher(account: int, key: str) -> AESGCM:
    return AESGCM(sha256(b"cipher\0%d\0" % account + key.encode()).digest())
