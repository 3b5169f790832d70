"""How long whoever failed to sign in has to wait, so that passwords cannot be guessed, nor people locked out for good.

Failures are counted in three ways. Those of one account from one address wait longest: after a few the next attempt
waits a second, then twice as long each time. Those of an account from everywhere, and of an address for every account,
wait after many more, and never for long: a crowd that guesses is slowed down, but somebody who sits behind the same
address, or comes from where they signed in last, gets through. Whether there is such an account makes no difference.

Each kind of proof is counted for itself. An attempt is counted before anybody is told what came of it, so that those
that come at once are no more than those that come one after the other.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from orlop.domain.access.spellings import guessed_name
from orlop.domain.errors import TooManyRequests
from orlop.ports.clock import HOUR, SECOND, Clock
from orlop.ports.identity import Attempts, FailedAttempts
from orlop.services.identity.failures import ProofKind


class LockoutRule(NamedTuple):
    """Failures that cost nothing, and the longest wait after more, in seconds."""

    free: int
    longest: int

    def wait(self, failures: int) -> int:
        """How long after its last failure, in seconds."""
        if failures < self.free:
            return 0
        return min(1 << min(failures - self.free, 30), self.longest)


ACCOUNT_FROM_ADDRESS = LockoutRule(free=5, longest=15 * 60)
ACCOUNT = LockoutRule(free=50, longest=5 * 60)
ADDRESS = LockoutRule(free=50, longest=60)
_RULES = (ACCOUNT_FROM_ADDRESS, ACCOUNT, ADDRESS)

#: Failures are forgotten when there was none for so long, in microseconds.
_FORGET = 24 * HOUR

#: A failure may lie so far in the future and still count: clocks of replicas differ. One farther off is a clock that
#: was set back, and nobody is to wait until it is there again.
_SKEW = 60 * SECOND


class Claim(NamedTuple):
    """An attempt that is counted as failed until it has passed: when, and what was counted before."""

    at: int
    before: Mapping[str, Attempts]
    keys: list[str]


class Lockout:
    """Counts in the catalog, so for all workers together. `proof`: what is guessed."""

    def __init__(self, attempts: FailedAttempts, clock: Clock, proof: ProofKind = ProofKind.PASSWORD) -> None:
        self._attempts = attempts
        self._clock = clock
        self._proof = proof

    async def refuse(self, name: str, address: str, *, known: bool) -> None:
        """Raises TooManyRequests while an attempt under this name from this address has to wait.

        `known`: somebody signed in to the account from there last, so that no others can lock it out there.
        """
        keys = self._keys(name, address)
        wait = _longest(keys, await self._attempts.get(keys), self._clock.now(), known=known)
        if wait:
            raise _refusal(wait)

    async def claim(self, name: str, address: str, *, known: bool) -> Claim:
        """Count an attempt as failed, unless it has to wait. Raises TooManyRequests then, and counts nothing."""
        keys, now = self._keys(name, address), self._clock.now()
        before = await self._attempts.claim(
            keys, now, lambda found: not _longest(keys, found, now, known=known), forget_before=now - _FORGET
        )
        if before is None:
            await self.refuse(name, address, known=known)
            raise _refusal(SECOND)  # the wait has just ended
        return Claim(now, before, keys)

    async def passed(self, claim: Claim) -> None:
        """A claimed attempt did not fail: forget failures of the account, and this one of the address."""
        pair, account, origin = claim.keys
        await self._attempts.clear([pair, account])
        await self._attempts.take_back(origin, claim.at, claim.before.get(origin))

    async def take_back(self, claim: Claim) -> None:
        """A claimed attempt did not fail, and proves nothing: it is not counted, and those before it still are."""
        for key in claim.keys:
            await self._attempts.take_back(key, claim.at, claim.before.get(key))

    async def failed(self, name: str, address: str) -> None:
        """Count a failure."""
        now = self._clock.now()
        await self._attempts.failed(self._keys(name, address), now, forget_before=now - _FORGET)

    async def succeeded(self, name: str, address: str, *, known: bool = True) -> None:
        """Forget failures of the account. Not those of the address: who guesses may have an account of their own.

        Raises TooManyRequests, as `refuse`, for an attempt that was not claimed when others have failed meanwhile.
        """
        pair, account, _ = keys = self._keys(name, address)
        found = await self._attempts.get(keys)
        wait = _longest(keys, found, self._clock.now(), known=known)
        if wait:
            raise _refusal(wait)
        if pair in found or account in found:
            await self._attempts.clear([pair, account])

    def _keys(self, name: str, address: str) -> list[str]:
        """Of the pair, the account and the address."""
        kind = "" if self._proof is ProofKind.PASSWORD else f"{self._proof.value} "
        return [f"{kind}{key}" for key in _keys(name, address)]


def _longest(keys: Sequence[str], found: Mapping[str, Attempts], now: int, *, known: bool) -> int:
    """How long an attempt has to wait, in microseconds; `keys` are those of the pair, the account and the address."""
    longest = 0
    for key, rule in zip(keys, (ACCOUNT_FROM_ADDRESS,) if known else _RULES, strict=False):
        if key in found:
            since = now - found[key].last_at
            wait = rule.wait(found[key].failures) * SECOND
            if -_SKEW <= since < wait:
                longest = max(longest, wait - max(since, 0))
    return longest


def _refusal(wait: int) -> TooManyRequests:
    seconds = -(-wait // SECOND)
    return TooManyRequests(
        f"too many attempts to sign in have failed; try again in {seconds} seconds", retry_after=seconds
    )


def _keys(name: str, address: str) -> list[str]:
    """Of the pair, the account and the address. Names are hashed: people type passwords where a name belongs."""
    account = sha256(guessed_name(name).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    origin = network_of(address)
    return [f"account:{account} from {origin}", f"account:{account}", f"address:{origin}"]


def network_of(address: str) -> str:
    """What one customer of a provider has of an address: all of IPv4, the first 64 bits of IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
