"""The settings of what one client may ask for, when there are accounts."""

from typing import Annotated

import msgspec

from orlop.config.meaning import Meaning, ValueKind


class RateLimits(msgspec.Struct, frozen=True):
    """How often a minute somebody may ask; 0: without limit, as is all with `open`. See [limits.md](limits.md)."""

    requests: Annotated[
        int, Meaning("Requests of one subject; of those who have not signed in, of one address.", ValueKind.COUNT)
    ] = 60_000
    pulls: Annotated[int, Meaning("Manifests that one subject gets.", ValueKind.COUNT)] = 12_000
    uploads: Annotated[int, Meaning("Uploads that one subject begins.", ValueKind.COUNT)] = 6_000
    address_requests: Annotated[int, Meaning("Requests from one address, whoever signs in.", ValueKind.COUNT)] = 120_000
    address_pulls: Annotated[int, Meaning("Manifests for one address.", ValueKind.COUNT)] = 24_000
    address_uploads: Annotated[int, Meaning("Uploads that one address begins.", ValueKind.COUNT)] = 12_000
    failed_logins: Annotated[
        int, Meaning("Failed sign-ins from one address, before it has to wait to try any account.", ValueKind.COUNT)
    ] = 60
