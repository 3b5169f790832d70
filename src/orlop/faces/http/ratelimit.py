"""How a client is told of its limits: the RateLimit fields of draft-ietf-httpapi-ratelimit-headers-10."""

from functools import lru_cache

from orlop.domain.errors import RegistryError, TooManyRequests
from orlop.domain.limits import Allowance

Header = tuple[bytes, bytes]


def rate_headers(allowance: Allowance) -> tuple[Header, Header]:
    """`RateLimit-Policy` (quota and window) and `RateLimit` (what remains, and when all of it is there again)."""
    name, quota, window, remaining, reset = allowance
    policy, begin = _policy(name, quota, window)
    return policy, (b"ratelimit", begin % (remaining, reset))


def limit_headers(allowance: Allowance | None, refusal: RegistryError | None = None) -> tuple[Header, ...]:
    """What a client is told of its limits."""
    if isinstance(refusal, TooManyRequests) and refusal.allowance is not None:
        allowance = refusal.allowance
    return rate_headers(allowance) if allowance is not None else ()


@lru_cache(maxsize=64)
def _policy(name: str, quota: int, window: int) -> tuple[Header, bytes]:
    """What does not change: the policy's field, and how the other begins."""
    return (b"ratelimit-policy", f'"{name}";q={quota};w={window}'.encode()), f'"{name}";r=%d;t=%d'.encode()
