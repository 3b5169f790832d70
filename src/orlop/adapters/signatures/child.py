"""The process that looks at signatures of one image: `python -m orlop.adapters.signatures.child`.

What it is asked comes on standard input as MessagePack. It says that it begins, and then its verdicts, one after
another, each as MessagePack behind its length in four bytes. Whoever starts it kills it when it takes too long.
"""

import os
import sys
from collections.abc import Callable

import msgspec

from orlop.adapters.confined import confine
from orlop.adapters.signatures.judging import Judge
from orlop.ports.signatures import FoundSignature, JudgedSignature, NamedSigners

#: Bytes of address space, and seconds of a processor.
MEMORY, SECONDS = 512 * 1024 * 1024, 10
_FILES = 32
#: Seconds until what could not be looked at is tried again.
AGAIN = 3_600
#: Bytes of the length before a verdict; that of none says that it begins.
LENGTH = 4


class Question(msgspec.Struct, frozen=True):
    """What it is asked: which of the signers made which of the signatures, of an image by its digests."""

    subjects: tuple[str, ...]
    found: tuple[FoundSignature, ...]
    signers: tuple[NamedSigners, ...]
    now: int


def _judged(judge: Judge, found: FoundSignature, now: int) -> JudgedSignature:
    """The verdict on one. What nobody foresaw, in a signature of a stranger, counts for nothing, and leaves the others
    as they are; it is tried again."""
    try:
        return judge.judge(found)
    except Exception as cause:  # noqa: BLE001 - the process has nothing else to lose; the fuzzers ask what is below
        problem = f"it cannot be looked at ({type(cause).__name__})"
        return JudgedSignature(problem=problem, until=now + AGAIN)


def serve(judging: Callable[[Judge, FoundSignature, int], JudgedSignature] = _judged) -> None:
    """Answer what it is asked."""
    asked = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Question)
    judge = Judge(asked.subjects, asked.signers, asked.now)
    _say(b"")
    for each in asked.found:
        _say(msgspec.msgpack.encode(judging(judge, each, asked.now)))


def _say(content: bytes) -> None:
    said = len(content).to_bytes(LENGTH, "big") + content
    while said:
        said = said[os.write(1, said) :]


if __name__ == "__main__":
    confine(MEMORY, SECONDS, _FILES)
    serve()
