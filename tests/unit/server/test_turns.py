"""Which policy a process chooses for its threads, by how busy it was."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from orlop.server.turns import Turns
from tests.serving import eventually

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="this system has no such policy")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process that tests run in as it was."""
    yield
    for thread in os.listdir("/proc/self/task"):
        with suppress(ProcessLookupError):  # one that ended meanwhile
            os.sched_setscheduler(int(thread), os.SCHED_OTHER, os.sched_param(0))


class Use:
    """Time that passes, and how much of it is used, by hand."""

    def __init__(self) -> None:
        self.now = self.used = 0.0

    def turns(self) -> Turns:
        """Turns by these clocks."""
        return Turns(lambda: self.used, lambda: self.now)

    def passes(self, share: float) -> None:
        """A quarter of a second, of which this share was used."""
        self.now += 0.25
        self.used += 0.25 * share


@pytest.mark.parametrize(
    ("shares", "busy"),
    [
        ((0.0, 0.4, 0.49), (False, False, False)),
        ((0.7, 0.4, 0.26, 0.24, 0.4), (True, True, True, False, False)),
        ((1.9, 0.0, 0.7), (True, False, True)),
    ],
)
def test_busy_is_who_uses_much_until_it_uses_little(shares: tuple[float, ...], busy: tuple[bool, ...]) -> None:
    use = Use()
    turns = use.turns()
    for share, expected in zip(shares, busy, strict=True):
        use.passes(share)
        turns.look()
        assert turns.is_busy is expected
        assert os.sched_getscheduler(0) == (os.SCHED_BATCH if expected else os.SCHED_OTHER)


def _standing(until: threading.Event, number: list[int]) -> Callable[[], None]:
    def stand() -> None:
        number.append(threading.get_native_id())
        until.wait(60)

    return stand


def test_every_thread_is_meant_and_those_that_come_later() -> None:
    use, ended = Use(), threading.Event()
    turns = use.turns()
    numbers: list[int] = []
    threads = [threading.Thread(target=_standing(ended, numbers)) for _ in range(3)]
    try:
        threads[0].start()
        threads[1].start()
        use.passes(1.0)
        turns.look()
        threads[2].start()
        eventually("they run", lambda: len(numbers) == 3)
        assert {os.sched_getscheduler(number) for number in numbers} == {os.SCHED_BATCH}
        use.passes(0.0)
        turns.look()
        assert {os.sched_getscheduler(number) for number in numbers} == {os.SCHED_OTHER}
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)


def test_a_policy_that_somebody_chose_is_left_alone() -> None:
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    use = Use()
    turns = use.turns()
    for share in (1.0, 0.0):
        use.passes(share)
        turns.look()
        assert os.sched_getscheduler(0) == os.SCHED_BATCH


def test_two_looks_at_the_same_moment_are_fine() -> None:
    turns = Use().turns()
    turns.look()
    assert not turns.is_busy
