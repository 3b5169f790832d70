"""Processes of the system: they take and give by pipes, and whatever happens, nothing of them is left."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

import pytest
import uvloop

from orlop.adapters.children import child
from tests.faults.strace import strace

#: A module of the standard library that encodes what it reads, at the end of that.
ENCODE = "base64"

Loop = Callable[[], asyncio.AbstractEventLoop]
loops = pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
told = pytest.mark.parametrize("by", ["the system", "a thread"], indirect=True)


def run(loop: Loop, does: Callable[[], Awaitable[None]]) -> None:
    """What is left of it, in processes and descriptors, is nothing."""

    async def whole() -> None:
        async with child(ENCODE, "-e", "-") as process:  # what an event loop opens with its first pipe stays
            await process.communicate(b"")
        await turns()
        before = descriptors(), processes()
        await does()
        await turns()
        assert (descriptors(), processes()) == before

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(whole())


async def turns() -> None:
    """Of the event loop, which closes what is over."""
    for _ in range(10):
        await asyncio.sleep(0)


def descriptors() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))


def processes() -> set[str]:
    found = set[str]()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended since
            found.update((task / "children").read_text().split())
    return found


@pytest.fixture
def by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "a thread":
        monkeypatch.setattr(os, "pidfd_open", _refused)


def _refused(_: int) -> int:
    raise OSError


@loops
@told
@pytest.mark.usefixtures("by")
def test_what_is_given_is_answered(loop: Loop) -> None:
    async def does() -> None:
        async with child(ENCODE, "-e", "-") as process:
            said = await process.communicate(b"abc" * 1_000_000)
            assert (len(said.replace(b"\n", b"")), process.returncode, await process.wait()) == (4_000_000, 0, 0)

    run(loop, does)


@loops
def test_a_file_is_read_as_it_is(loop: Loop) -> None:
    async def does() -> None:
        with TemporaryFile() as file:
            file.write(b"abc")
            file.seek(0)
            async with child(ENCODE, "-e", "-", given=file) as process:
                assert (process.stdin, await process.stdout.read()) == (None, b"YWJj\n")

    run(loop, does)


@loops
@told
@pytest.mark.usefixtures("by")
def test_whoever_leaves_early_leaves_nothing(loop: Loop) -> None:
    """Something was given that it did not take, and it said nothing yet."""

    async def does() -> None:
        async with child(ENCODE, "-e", "-") as process:
            assert process.stdin is not None
            process.stdin.write(b"x" * 10_000_000)
        assert process.returncode == -9

    run(loop, does)


@loops
@told
@pytest.mark.usefixtures("by")
def test_whoever_is_cancelled_leaves_nothing(loop: Loop) -> None:
    """At any step: before it runs, while its pipes are connected, while it answers, and while it is ended."""

    async def does() -> None:
        for steps in range(8):
            task = asyncio.ensure_future(endless())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        task = asyncio.ensure_future(endless())
        await asyncio.sleep(0)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    async def endless() -> None:
        async with child(ENCODE, "-e", "-") as process:
            await process.stdout.read()

    run(loop, does)


@loops
def test_several_wait_for_one_end(loop: Loop) -> None:
    async def does() -> None:
        async with child(ENCODE, "-e", "-") as process:
            one, other = (asyncio.ensure_future(process.wait()) for _ in range(2))
            await asyncio.sleep(0)
            one.cancel()
            process.kill()
            process.kill()
            assert await other == -9
            process.kill()
            assert (process.returncode, process.seconds()) == (-9, 0.0)

    run(loop, does)


#: A program with children, whose pipes an event loop closes.
WITH_CHILDREN = """
import asyncio, sys, uvloop
from orlop.adapters.children import child

async def starts():
    for _ in range(2):
        async with child("base64", "-e", "-") as process:
            await process.communicate(b"")
        async with child("base64", "-e", "-"):
            pass

with asyncio.Runner(loop_factory={"uvloop": uvloop.new_event_loop, "asyncio": None}[sys.argv[1]]) as runner:
    runner.run(starts())
"""


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_no_descriptor_is_closed_twice(loop: str, tmp_path: Path) -> None:
    """Its number may be that of a file of another thread by then, which would lose it."""
    trace = tmp_path / "trace"
    traced = [*strace("-e", "trace=close", "-e", "signal=none", output=trace), sys.executable, "-c", WITH_CHILDREN]
    subprocess.run([*traced, loop], check=True, timeout=120)
    closed = trace.read_text().splitlines()
    assert len(closed) > 20
    assert [line for line in closed if "EBADF" in line] == []


@loops
def test_a_program_that_is_not_there_is_an_error(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def does() -> None:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(FileNotFoundError):
            async with child(ENCODE):
                pass

    run(loop, does)


def test_it_has_nothing_of_whoever_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")

    async def does() -> None:
        async with child(ENCODE, "-e", "-") as process:
            about = Path(f"/proc/{process.pid}")
            assert (about / "environ").read_bytes() == b""
            assert (about / "cwd").readlink() == Path("/")
            assert os.readlink(about / "fd" / "2") == os.devnull
            assert {int(each.name) for each in (about / "fd").iterdir()} <= {0, 1, 2, 3}  # and the file of a module

    run(asyncio.new_event_loop, does)


def test_one_that_stands_behind_does_so_from_its_start_on() -> None:
    async def does() -> None:
        async with child(ENCODE, "-e", "-") as process, child(ENCODE, "-e", "-", behind=True) as other:
            assert [os.sched_getscheduler(each.pid) for each in (process, other)] == [os.SCHED_OTHER, os.SCHED_IDLE]

    run(asyncio.new_event_loop, does)


def test_what_it_took_of_processors_is_known() -> None:
    async def does() -> None:
        async with child("timeit", "-n", "1", "-r", "1000000000", "pass") as process:
            async with asyncio.timeout(30):
                while process.seconds() < 0.2:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.01)

    run(asyncio.new_event_loop, does)
