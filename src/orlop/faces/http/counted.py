"""Who is told of requests and of refusals."""

from collections.abc import Callable

import msgspec

from orlop.domain.access import Caller
from orlop.domain.errors import RegistryError
from orlop.domain.limits import Allowance


class Counted(msgspec.Struct, frozen=True):
    """`admit` raises TooManyRequests, or gives what a client is to know."""

    admit: Callable[[Caller], Allowance | None] = lambda _: None
    refused: Callable[[Caller, RegistryError], None] = lambda *_: None


#: Nobody is told.
UNCOUNTED = Counted()
