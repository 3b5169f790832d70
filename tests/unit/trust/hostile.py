"""A process that looks at signatures, which some of them end or keep busy: a test runs it in place of the real one."""

import os
import signal

from orlop.adapters.confined import confine
from orlop.adapters.signatures.child import serve
from orlop.adapters.signatures.judging import Judge
from orlop.ports.signatures import FoundSignature, JudgedSignature


def judging(judge: Judge, found: FoundSignature, now: int) -> JudgedSignature:
    """What the content says."""
    if found.content == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if found.content == b"killed":
        os.kill(os.getpid(), signal.SIGKILL)
    while found.content == b"loop":
        pass
    return JudgedSignature(who=found.content.decode())


if __name__ == "__main__":
    confine(1 << 32, 3, 32)
    serve(judging)
