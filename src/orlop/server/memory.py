"""What the process does with memory that it has freed."""

import ctypes

#: See malloc.h and mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
#: Up to how many freed bytes at the end of a heap are kept, and from which size on memory is got from the system for
#: one use, in bytes.
KEPT = 16 * 1024 * 1024
SINGLE = 4 * 1024 * 1024


def keep_freed() -> bool:
    """Have the allocator keep what is freed for what is needed next, which with bodies on their way in is again a part
    of one. By itself it gives back what exceeds twice the largest piece, and the system then fills every page of it
    with zeros anew: a sixth of the processor time of a large push (docs/adr/023).

    False where the C library has no such setting: only speed hangs on it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, KEPT)) and bool(mallopt(_M_MMAP_THRESHOLD, SINGLE))
