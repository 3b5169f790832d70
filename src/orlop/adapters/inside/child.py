"""The process that reads one layer: `python -m orlop.adapters.inside.child`.

The layer comes on standard input, and LayerFacts go to standard output as MessagePack. Nothing is ever written to a
disk. Whoever starts it kills it when it stalls. It loads little of the registry, so that it starts fast and has nothing
to lose.
"""

import os
import signal
import time
from collections.abc import Callable
from types import FrameType

import msgspec

from orlop.adapters.confined import confine
from orlop.adapters.inside.bounds import MEMORY, SECONDS, Beyond, Bounds
from orlop.adapters.inside.layer import Layer
from orlop.adapters.inside.readers import READERS
from orlop.adapters.inside.unpacking import Unpacked

#: Bytes that are taken from the pipe at once.
_PIECE = 256 * 1024
_FILES, _LOWEST = 32, 19
#: Seconds of a processor between two looks at how many are left.
_LOOK = 0.5


def hurry(source: Unpacked, bounds: Bounds) -> Callable[[int, FrameType | None], None]:
    """What ends the reading when it has taken its time."""

    def look(_signal: int, _frame: FrameType | None) -> None:
        most = bounds.seconds + bounds.seconds_each * (source.given >> 20)
        if time.process_time() > most:
            raise Beyond(f"it takes longer than the {most:.0f} seconds of a processor that it has")

    return look


def main() -> None:
    """Read the layer, and say what it holds."""
    confine(MEMORY, SECONDS, _FILES, _LOWEST)
    bounds = Bounds()
    layer = Layer(READERS, bounds)
    source = Unpacked(lambda: os.read(0, _PIECE), bounds)
    signal.signal(signal.SIGPROF, hurry(source, bounds))
    signal.setitimer(signal.ITIMER_PROF, _LOOK, _LOOK)
    unread = layer.read(source)
    signal.setitimer(signal.ITIMER_PROF, 0)
    answer = msgspec.msgpack.encode(layer.facts(unread))
    while answer:
        answer = answer[os.write(1, answer) :]


if __name__ == "__main__":
    main()
