"""How often tests do what they do at random or by the hundred: as often as every run can afford, or, with
`ORLOP_TEST_LONG=1` in the environment (`make test-long`), as often as the long run of docs/reliability.md does."""

import json
import os
import sys
import time
from pathlib import Path
from typing import TypeVar

Number = TypeVar("Number", int, float)

#: Whether this is the long run.
LONG = os.environ.get("ORLOP_TEST_LONG") == "1"

#: Where the long run says what it saw, a line for each test that counts something.
_REPORT = Path(os.environ.get("ORLOP_TEST_REPORT", "long.jsonl"))


def volume(usual: Number, long: Number) -> Number:
    """How often."""
    return long if LONG else usual


def told(what: str, **figures: float) -> None:
    """Say what was seen: on standard error, and in the long run's report."""
    line = json.dumps({"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "what": what, **figures})
    print(line, file=sys.stderr)
    if LONG:
        with _REPORT.open("a") as report:
            report.write(f"{line}\n")
