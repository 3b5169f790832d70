"""How a command of the command line ends: one sentence for what went wrong, and an exit code."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from orlop.domain.counts import counted as counted
from orlop.domain.digest import Digest
from orlop.domain.errors import DigestInvalid, NameInvalid, RegistryError, RequestInvalid, TagInvalid

DONE = 0
FAILED = 1
USAGE = 2
#: What shells give a program that was interrupted (128 + SIGINT).
INTERRUPTED = 130


class UsageError(Exception):
    """The command line does not say what to do; the message is for whoever typed it."""


def run(work: Callable[[], Coroutine[Any, Any, int | None]]) -> int:
    """Do `work` in an event loop of its own and give the exit code, which is what it returns, or DONE for nothing.

    Errors are told on standard error.
    """
    try:
        return asyncio.run(work()) or DONE
    except UsageError as error:
        tell(f"orlop: {error}")
        return USAGE
    except RegistryError as error:
        tell(f"orlop: {error.message}")
        return FAILED
    except BrokenPipeError:
        # The reader of our output has seen enough. Python would complain once more when it flushes at exit.
        sys.stdout = None
        return FAILED
    except KeyboardInterrupt:
        tell("orlop: interrupted; the same command goes on from here")
        return INTERRUPTED


def argument(parse: Callable[[str], Any], text: str) -> Any:
    """An argument read by `parse`; what it refuses is a UsageError."""
    try:
        return parse(text)
    except (NameInvalid, TagInvalid, DigestInvalid, RequestInvalid) as error:
        raise UsageError(f"{text[:160]!r}: {error.message}") from error


def tell(line: str) -> None:
    """A line for people, beside the output proper."""
    print(line, file=sys.stderr)


def short(digest: Digest) -> str:
    """As much of a digest as people compare."""
    return f"{digest.algorithm}:{digest.hex[:12]}"


def size_text(size: int) -> str:
    """A number of bytes for people, in decimal units."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")
