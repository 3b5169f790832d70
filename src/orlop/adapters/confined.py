"""What a process does that reads the work of strangers: it bounds what it may take, and answers once."""

import os
import resource
from collections.abc import Callable
from contextlib import suppress

import msgspec

_PIECE = 256 * 1024


def confine(memory: int, seconds: int, files: int, nice: int = 0) -> None:
    """Bound this process: bytes of address space, seconds of a processor, descriptors. It writes to no file and leaves
    no core. `nice`: how far it stands back for others (setpriority(2)).

    A system that does not know a bound goes without: then there is the clock of whoever started it. A process that is
    out of seconds ends by SIGXCPU; SIGKILL is left to those who end it from outside.
    """
    if nice:
        with suppress(OSError):
            os.nice(nice)
    for what, most, hard in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, files, files),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, hard))


def answer(most: int, read: Callable[[bytes], object]) -> None:
    """Give what comes on standard input to `read`, of what is longer than `most` bytes the first alone and one more,
    and write what that says to standard output, as MessagePack."""
    content = bytearray()
    while len(content) <= most and (piece := os.read(0, _PIECE)):
        content += piece
    said = msgspec.msgpack.encode(read(bytes(content[: most + 1])))
    while said:
        said = said[os.write(1, said) :]
