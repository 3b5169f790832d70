"""How long clients may keep the server waiting: those that take nothing or send nothing, and those that do so in drips.

Nothing of it is done for each request. Connections are looked through twice a second, and those whose client has to do
something are asked how much has moved since.
"""

import socket
import struct
import sys
from typing import NamedTuple

#: Where tcp_info has the bytes that the client has confirmed, and those that came from it (linux/tcp.h).
_COUNTS, _COUNTS_AT, _INFO_BYTES = struct.Struct("=QQ"), 120, 136
_TCP_INFO = socket.TCP_INFO if sys.platform == "linux" else None


class Patience(NamedTuple):
    """How many seconds a client may keep the server waiting. `rate` bytes a second that move make good for one."""

    seconds: float
    rate: int


#: Bytes a second that are enough, as long as there is room for everybody: below what any line carries.
RATE = 1024
#: What is asked for when there is a crowd: 256 kbit/s.
CROWDED = Patience(5.0, 32 * 1024)


class Pace:
    """Of one client: `late` is for how many seconds it has kept the server waiting and not made good."""

    __slots__ = ("_at", "_counts", "late")

    def __init__(self) -> None:
        self.late = 0.0
        self._at = 0.0
        self._counts = 0, 0, 0, 0

    def reset(self) -> None:
        """The client has done all that it had to."""
        self.late = self._at = 0.0

    def pause(self) -> None:
        """It is not the client's turn now."""
        self._at = 0.0

    def look(self, now: float, client: socket.socket, out: int, into: int, rate: int, *, takes: bool) -> float:
        """Count what is waited for: that the client takes what it asked for, or sends what it announced; `late`.

        `out` and `into` are the bytes that the system has taken for the client so far, and that were read of it. The
        system knows of the client itself, between which and here lies as much as its buffers hold.
        """
        counts = out, into, *_told(client)
        moved = [after - before for before, after in zip(self._counts, counts, strict=True)]
        if self._at:
            more = max(moved[0], moved[2]) if takes else max(moved[1], moved[3])
            self.late = max(0.0, self.late + now - self._at - more / rate)
        self._at, self._counts = now, counts
        return self.late


def _told(client: socket.socket) -> tuple[int, int]:
    """Bytes that have been confirmed, and bytes that came; zeros where the system does not say."""
    if _TCP_INFO is None:
        return 0, 0
    try:
        told = client.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _INFO_BYTES)
    except OSError:  # it has left
        return 0, 0
    confirmed, received = _COUNTS.unpack_from(told, _COUNTS_AT) if len(told) == _INFO_BYTES else (0, 0)
    return confirmed, received
