"""The keys that a provider signs with, fetched anew when it signs with one that is not known."""

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from orlop.domain.errors import Unauthorized
from orlop.ports.clock import HOUR, SECOND, Clock

Key = RSAKey | ECKey | OKPKey

#: Which keys can make a signature of a kind; a signature's name begins with one of these.
_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "Ed25519": "Ed25519", "EdDSA": "Ed25519"}

#: An unknown key makes us ask at most this often: anybody can make up a name of a key.
_AGAIN_AFTER = 60 * SECOND
#: A key that the provider withdrew is believed no longer than this.
_KEPT = HOUR

_PASSED_OVER = frozenset({"x5c", "x5u", "x5t", "x5t#S256", "key_ops"})
_KEYS_MAX = 64
_RSA_BITS = 2048


class Keys:
    """The keys of one provider. `fetch` gets its JSON Web Key Set (RFC 7517)."""

    def __init__(self, fetch: Callable[[], Awaitable[dict[str, Any]]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: tuple[Key, ...] = ()
        self._asked_at: int | None = None
        self._fetched_at = 0
        self._asking = asyncio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> Key:
        """The key with that name for signatures of that kind; without a name the only one for them.

        Raises Unauthorized when there is none, Unavailable when the provider cannot be asked.
        """
        now = self._clock.now()
        if not self._keys or not 0 <= now - self._fetched_at < _KEPT:
            await self._renew(now, self._asked_at)
        found = self._matching(kid, algorithm)
        if not found:
            await self._renew(now, self._asked_at)
            found = self._matching(kid, algorithm)
        if len(found) != 1:
            what = "does not name its key, and there is not exactly one" if kid is None else "is of an unknown key"
            raise Unauthorized(f"the provider's token {what}")
        return found[0]

    async def usable(self, algorithms: Iterable[str]) -> int:
        """How many keys there are for any of these kinds of signatures. Raises Unavailable."""
        await self._renew(self._clock.now(), self._asked_at)
        return sum(any(_makes(key, algorithm) for algorithm in algorithms) for key in self._keys)

    def _matching(self, kid: str | None, algorithm: str) -> list[Key]:
        return [
            key for key in self._keys if (kid is None or key.dict_value.get("kid") == kid) and _makes(key, algorithm)
        ]

    async def _renew(self, now: int, seen: int | None) -> None:
        async with self._asking:
            if self._asked_at != seen:  # somebody else asked meanwhile
                return
            if self._asked_at is not None and 0 <= now - self._asked_at < _AGAIN_AFTER:
                if now - self._fetched_at >= _KEPT:
                    self._keys = ()
                return
            self._asked_at = now
            self._keys = parse_keys(await self._fetch())
            self._fetched_at = now


def parse_keys(said: dict[str, Any]) -> tuple[Key, ...]:
    """The keys of a set that can verify signatures here: what cannot be read, is secret or too weak is left out."""
    listed = said.get("keys")
    found: list[Key] = []
    for each in listed[:_KEYS_MAX] if isinstance(listed, list) else []:
        if not isinstance(each, dict) or each.get("kty") not in {"RSA", "EC", "OKP"}:
            continue
        operations = each.get("key_ops")
        if each.get("use", "sig") != "sig" or (isinstance(operations, list) and "verify" not in operations):
            continue
        try:
            with warnings.catch_warnings(action="ignore"):  # of weak keys, which are left out below
                key = import_key({name: value for name, value in each.items() if name not in _PASSED_OVER})
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, RSAKey) and key.public_key.key_size < _RSA_BITS:
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey):
            found.append(key)
    return tuple(found)


def _makes(key: Key, algorithm: str) -> bool:
    said = key.dict_value
    curve = _CURVES.get(algorithm)
    return (
        said["kty"] == _TYPES.get(algorithm[:2])
        and said.get("alg", algorithm) in {algorithm, *({"EdDSA", "Ed25519"} if algorithm[:2] == "Ed" else ())}
        and (curve is None or said.get("crv") == curve)
    )
