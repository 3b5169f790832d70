"""Where time and identity come from: the machine's clock and its random numbers."""

import itertools
import time
import uuid
from collections.abc import Callable


class SystemClock:
    """See ports.clock.Clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000


class RandomIds:
    """See ports.clock.Ids."""

    def new(self) -> str:
        return str(uuid.uuid4())


def request_ids() -> Callable[[], str]:
    """Names for requests: a random part for the process, then a count, because a UUID for each would cost more."""
    process = uuid.uuid4().hex[:12]
    numbers = itertools.count(1)
    return lambda: f"{process}-{next(numbers):x}"
