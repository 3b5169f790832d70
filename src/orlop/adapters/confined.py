"""What a process does to itself before it reads the work of strangers: it bounds what it may take."""

import os
import resource
from contextlib import suppress


def confine(memory: int, seconds: int, files: int, nice: int = 0) -> None:
    """Bound this process: bytes of address space, seconds of a processor, descriptors. It writes to no file and leaves
    no core. `nice`: how far it stands back for others (setpriority(2)).

    A system that does not know a bound goes without: then there is the clock of whoever started it.
    """
    if nice:
        with suppress(OSError):
            os.nice(nice)
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, files),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
