"""Network namespaces of a test's own, in which links between programs can be cut, one way or both.

```text
   hub                     the test and the replicas; loopback
   ├── 10.99.1.1 ─── 10.99.1.11 … in the namespace `catalog`: an address for each replica
   └── 10.99.2.1 ─── 10.99.2.11 … in the namespace `blobs`
```

So what passes between one replica and one store has an address of its own. Nothing of it leaves them.
"""

import ctypes
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from pathlib import Path

from tests.needs import lack, need

_CLONE_NEWNET = 0x40000000
_SETNS = ctypes.CDLL(None, use_errno=True).setns

#: The stores, and the network of each.
PLACES = {"catalog": 1, "blobs": 2}


class Way(Enum):
    """What does not arrive any more."""

    THERE = "what the replica sends"
    BACK = "what the store answers"
    BOTH = "anything"


class Networks:
    """`cut` and `mend` links; `inside` is where the calling thread, and what it starts, is."""

    def __init__(self, name: str, replicas: int) -> None:
        self._name = name
        self._programs = need("ip", "iptables")
        self.replicas = replicas

    def address(self, place: str, replica: int) -> str:
        """The address at which a replica reaches a store."""
        return f"10.99.{PLACES[place]}.{11 + replica}"

    def make(self) -> None:
        """Make all of them."""
        for place in ("hub", *PLACES):
            self._ip("netns", "add", self._full(place))
            self._ip("-n", self._full(place), "link", "set", "lo", "up")
        hub = self._full("hub")
        for place, number in PLACES.items():
            there = self._full(place)
            self._ip("link", "add", place, "netns", hub, "type", "veth", "peer", "name", "hub", "netns", there)
            self._ip("-n", hub, "address", "add", f"10.99.{number}.1/24", "dev", place)
            for replica in range(self.replicas):
                self._ip("-n", there, "address", "add", f"{self.address(place, replica)}/24", "dev", "hub")
            self._ip("-n", hub, "link", "set", place, "up")
            self._ip("-n", there, "link", "set", "hub", "up")

    def remove(self) -> None:
        """Remove all of them, and the links with them."""
        for place in ("hub", *PLACES):
            subprocess.run(
                [self._programs["ip"], "netns", "delete", self._full(place)], capture_output=True, check=False
            )

    @contextmanager
    def inside(self, place: str) -> Iterator[None]:
        """This thread is in a namespace; threads and processes that it starts stay there."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(Path("/run/netns", self._full(place)))
            yield
        finally:
            _set(before)
            os.close(before)

    def cut(self, place: str, replica: int, way: Way) -> None:
        """Let nothing arrive: packets vanish, as when a switch fails, and nobody is told."""
        address = self.address(place, replica)
        if way is not Way.BACK:
            self._rule(place, "-A", "INPUT", "-d", address)
        if way is not Way.THERE:
            self._rule(place, "-A", "OUTPUT", "-s", address)

    def mend(self) -> None:
        """Let everything through again."""
        for place in PLACES:
            self._run("ip", "netns", "exec", self._full(place), self._programs["iptables"], "-F")

    def _rule(self, place: str, *rule: str) -> None:
        command = (self._programs["iptables"], *rule, "-j", "DROP")
        self._run("ip", "netns", "exec", self._full(place), *command)

    def _full(self, place: str) -> str:
        return f"{self._name}-{place}"

    def _ip(self, *arguments: str) -> None:
        self._run("ip", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._programs[program], *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"


@contextmanager
def networks(replicas: int) -> Iterator[Networks]:
    """Namespaces for so many replicas, gone at the end; skips where they cannot be made."""
    made = Networks(f"orlop-{uuid.uuid4().hex[:8]}", replicas)
    with ExitStack() as stack:
        stack.callback(made.remove)
        try:
            made.make()
        except AssertionError as failure:
            lack(f"network namespaces cannot be made here: {failure}")
        yield made


def _enter(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _set(descriptor)
    finally:
        os.close(descriptor)


def _set(descriptor: int) -> None:
    if _SETNS(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
