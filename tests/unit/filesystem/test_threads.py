"""Threads that wait for the disk."""

import asyncio
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from orlop.adapters.filesystem.threads import DiskThreads, Strand


@pytest.fixture(name="threads")
def _threads() -> Iterator[DiskThreads]:
    made = DiskThreads(3)
    yield made
    running = list(made._threads)
    made.close()
    assert not any(thread.is_alive() for thread in running)


def _alive(threads: DiskThreads) -> int:
    return sum(thread.is_alive() for thread in threads._threads)


async def test_what_a_call_comes_to_comes_back(threads: DiskThreads) -> None:
    assert await threads.call(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await threads.call(divmod, 7, 0)
    assert await threads.call(threading.get_ident) != threading.get_ident()


async def test_threads_are_made_as_they_are_needed_and_no_more(threads: DiskThreads) -> None:
    for _ in range(5):
        await threads.call(int)
    assert _alive(threads) == 1
    together, seen = threading.Barrier(3), set()

    def meet() -> None:
        together.wait(30)
        seen.add(threading.get_ident())

    await asyncio.gather(*(threads.call(meet) for _ in range(6)))
    assert len(seen) == _alive(threads) == 3


async def test_a_call_that_nobody_waits_for_any_more_is_made_all_the_same(threads: DiskThreads) -> None:
    may_go, done = threading.Event(), []

    def work(name: str) -> None:
        may_go.wait(30)
        done.append(name)

    calls = [threads.call(work, name) for name in "abcd"]  # one more than there are threads
    for call in calls:
        call.cancel()
    may_go.set()
    assert await threads.call(int) == 0
    threads.close()
    assert sorted(done) == list("abcd")


def test_an_event_loop_may_be_gone_before_its_call_is(threads: DiskThreads) -> None:
    may_go, done = threading.Event(), threading.Event()

    def work() -> None:
        may_go.wait(30)
        done.set()

    async def leave() -> None:
        threads.call(work)

    asyncio.run(leave())
    may_go.set()
    assert done.wait(30)


async def test_a_thread_that_waits_keeps_nothing_alive(threads: DiskThreads) -> None:
    class Piece:
        """What is read from a disk, in its place."""

    piece = await threads.call(Piece)
    seen = weakref.ref(piece)
    del piece
    for _ in range(1_000):
        if seen() is None:
            break
        await asyncio.sleep(0.01)
    assert seen() is None


async def test_where_no_further_thread_can_be_had_those_that_are_there_do_it(
    threads: DiskThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    strand = Strand(threads)
    with monkeypatch.context() as changed:
        changed.setattr(threading.Thread, "start", refused)
        for call in (threads.call, strand.call):
            with pytest.raises(RuntimeError, match="can't start"):
                call(int)
    assert await strand.call(int) == 0
    with monkeypatch.context() as changed:
        changed.setattr(threading.Thread, "start", refused)
        may_go = threading.Event()
        calls = [threads.call(may_go.wait, 30), strand.call(int), threads.call(int)]
        may_go.set()
        assert await asyncio.gather(*calls) == [True, 0, 0]
    assert _alive(threads) == 1
    assert threads._open == 0


async def test_closing_waits(threads: DiskThreads) -> None:
    done = []
    threads.call(lambda: (time.sleep(0.05), done.append(1)))
    threads.close()
    assert done == [1]
    with pytest.raises(RuntimeError, match="have ended"):
        threads.call(int)


async def test_a_strand_keeps_its_order_and_makes_one_call_at_a_time(threads: DiskThreads) -> None:
    strands, made = [Strand(threads) for _ in range(5)], [list[int]() for _ in range(5)]
    busy = [threading.Lock() for _ in range(5)]

    def work(strand: int, number: int) -> int:
        assert busy[strand].acquire(blocking=False)
        made[strand].append(number)
        if not number % 7:
            time.sleep(0.001)
        busy[strand].release()
        return number

    calls = [strands[strand].call(work, strand, number) for number in range(200) for strand in range(5)]
    assert await asyncio.gather(*calls) == [number for number in range(200) for _ in range(5)]
    assert made == [list(range(200))] * 5
    assert threads._open == 0


async def test_strands_run_beside_each_other(threads: DiskThreads) -> None:
    together = threading.Barrier(3)
    await asyncio.gather(*(Strand(threads).call(together.wait, 30) for _ in range(3)))


async def test_a_strand_goes_on_after_a_failure(threads: DiskThreads) -> None:
    strand = Strand(threads)
    failed, fine = strand.call(divmod, 1, 0), strand.call(divmod, 7, 2)
    with pytest.raises(ZeroDivisionError):
        await failed
    assert await fine == (3, 1)
    assert await strand.call(int) == 0


async def test_a_long_strand_lets_others_have_their_turn() -> None:
    one = DiskThreads(1)
    strand, may_go, made = Strand(one), threading.Event(), list[str]()
    calls = [strand.call(may_go.wait, 30), *(strand.call(made.append, "strand") for _ in range(3))]
    other = one.call(made.append, "other")
    may_go.set()
    await asyncio.gather(*calls, other)
    assert made == ["other", "strand", "strand", "strand"]
    one.close()


async def test_closing_waits_for_strands(threads: DiskThreads) -> None:
    strands, may_go, made = [Strand(threads) for _ in range(4)], threading.Event(), list[int]()  # more than threads
    for strand in strands:
        strand.call(may_go.wait, 30)
        strand.call(made.append, 1)
    threading.Timer(0.05, may_go.set).start()
    threads.close()
    assert made == [1] * 4
    with pytest.raises(RuntimeError, match="have ended"):
        strands[0].call(int)
