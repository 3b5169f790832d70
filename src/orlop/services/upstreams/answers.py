"""Failures of upstreams in words for clients: what it has not is not here, and what it refuses this registry is not for
the client to mend by signing in."""

from orlop.domain.errors import (
    ContentCorrupt,
    Denied,
    RegistryError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from orlop.ports.upstream import UpstreamError

#: What an upstream says, or does, that is away, busy, or talks nonsense: what it has may be there all the same.
AWAY = (UpstreamError, Unavailable, TooManyRequests, ContentCorrupt, Unauthorized, Denied)


def for_clients(failure: RegistryError, missing: type[RegistryError]) -> RegistryError:
    """What a client is told: `missing` of what is not there."""
    match failure:
        case Unavailable() | TooManyRequests():
            return failure
        case UpstreamError() | ContentCorrupt():
            return Unavailable(failure.message)
        case Unauthorized() | Denied():
            return missing(f"the upstream does not let this registry see it: {failure.message}")
        case _:
            return missing(failure.message, failure.detail)
