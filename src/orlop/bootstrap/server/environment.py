"""Takes secrets out of the environment of this process, also where Linux shows what it was started with."""

import ctypes
import os


def taken_out(name: str) -> str:
    """The value of a variable, which is in no environment any more; empty where there is none.

    `/proc/PID/environ` shows the memory in which the process got its environment, so that a variable which is merely
    removed can be read there for as long as the process lives: its value is overwritten.
    """
    value = os.environ.get(name, "")
    if value:
        process = ctypes.CDLL(None)
        process.getenv.restype = ctypes.c_void_p
        place = process.getenv(name.encode())
        if place:
            ctypes.memset(place, 0, len(os.fsencode(value)))
    os.environ.pop(name, None)
    return value
