"""What a process does with memory that it has freed."""

import platform
import subprocess
import sys

import pytest

#: Four pieces as large as the parts of a body, needed and freed again and again; how many pages were filled anew.
_COUNTED = """
import resource, sys
from orlop.server.memory import keep_freed

def use():
    pieces = [bytearray(1 << 20) for _ in range(4)]

if sys.argv[1] == "keep":
    assert keep_freed()
for _ in range(5):
    use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", _COUNTED, how], capture_output=True, text=True, check=True, timeout=60)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_what_is_freed_is_kept_for_what_comes_next() -> None:
    assert _faults("keep") < 100 < _faults("leave")
