"""Failures of upstreams in words for clients: what it has not is not here, and what it refuses this registry is not for
the client to mend by signing in."""

from orlop.domain.errors import (
    BlobUnknown,
    Denied,
    ManifestUnknown,
    NameUnknown,
    RegistryError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)

#: What an upstream says that does not have something. All else that it says or does means that it is away, busy, or
#: talks nonsense: what it has may be there all the same.
MISSING = (ManifestUnknown, NameUnknown, BlobUnknown)


def for_clients(failure: RegistryError, missing: type[RegistryError]) -> RegistryError:
    """What a client is told: `missing` of what is not there."""
    match failure:
        case Unavailable() | TooManyRequests():
            return failure
        case ManifestUnknown() | NameUnknown() | BlobUnknown():
            return missing(failure.message, failure.detail)
        case Unauthorized() | Denied():
            return missing(f"the upstream does not let this registry see it: {failure.message}")
        case _:
            return Unavailable(failure.message)
