"""The settings of jobs: see docs/jobs.md."""

from typing import Annotated

import msgspec

from orlop.config.meaning import Meaning, ValueKind
from orlop.domain.durations import DAY, MINUTE


class JobSettings(msgspec.Struct, frozen=True):
    """Work that takes time. See [jobs.md](jobs.md)."""

    serve: Annotated[
        bool,
        Meaning(
            "Have the workers of `orlop serve` do jobs; without it they wait for an `orlop worker`.", ValueKind.SWITCH
        ),
    ] = True
    keep: Annotated[int, Meaning("How long jobs that ended are listed.", ValueKind.DURATION, minimum=MINUTE)] = 14 * DAY
