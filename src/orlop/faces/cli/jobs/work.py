"""What `orlop jobs` does and prints. How it is typed is in `commands`."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from orlop.domain.queue import ENDED, JobState, Progress
from orlop.faces.cli import shown
from orlop.faces.cli.running import DONE, FAILED, UsageError, tell
from orlop.faces.cli.servers import everything
from orlop.ports.management import ManagementServer

if TYPE_CHECKING:
    from orlop.faces.cli.progress_bar import ProgressBar

#: How often a job that is followed is asked about, in seconds, and entries of one page.
_LOOK_EVERY, _PAGE = 0.3, 1_000

_JOBS: dict[str, Any] = {
    "ID": "id",
    "KIND": "kind",
    "STATE": lambda job: _state(job),
    "BY": "asked_by",
    "ASKED": "asked_at",
    "ENDED": "ended_at",
    "OUTCOME": lambda job: job["error"] or job["result"] or progress_text(job),
}
_KINDS: dict[str, Any] = {
    "KIND": "kind",
    "RUNS": lambda kind: _schedule_text(kind),
    "BY": lambda kind: "a setting" if kind["by_setting"] else "default",
    "NEXT": "next_at",
    "LAST": "last_at",
}


async def ls(server: ManagementServer, state: str, kind: str, limit: int, *, json: bool) -> None:
    """Print the newest. Raises UsageError."""
    if limit < 1:
        raise UsageError("--limit is 1 or more")
    query = {"n": str(min(limit, _PAGE)), **({"state": state} if state else {}), **({"kind": kind} if kind else {})}
    reply = await server.ask("GET", "/jobs", query=query)
    found = list(reply.value)
    while reply.next and len(found) < limit:
        reply = await server.ask("GET", reply.next)
        found += reply.value
    shown.rows(found[:limit], _JOBS, json=json)


async def show(server: ManagementServer, number: int, *, follow: bool, json: bool) -> int:
    """Print one, at its end if it is followed; the exit code."""
    address = f"/jobs/{number}"
    job = (await server.ask("GET", address)).value
    if follow:
        return await to_the_end(server, address, job, json=json)
    _print(job, json=json)
    return DONE


async def to_the_end(
    server: ManagementServer, address: str, job: dict[str, Any], *, json: bool, briefly: bool = False
) -> int:
    """Print one that is at an address at its end, `briefly` what came of it alone; the exit code."""
    job = await _followed(server, address, job, silent=json)
    if briefly and not json:
        print(job["result"] or job["error"] or _state(job))
    else:
        _print(job, json=json)
    return DONE if job["state"] == JobState.DONE else FAILED


async def run(server: ManagementServer, kind: str, *, follow: bool, json: bool) -> int:
    """Ask for one; the exit code."""
    job = (await server.ask("POST", "/jobs", body={"kind": kind})).value
    if follow:
        return await to_the_end(server, f"/jobs/{job['id']}", job, json=json)
    if json:
        shown.print_json(job)
    else:
        print(f"job {job['id']} {kind} waits for its turn; orlop jobs show {job['id']} --follow shows how far it is")
    return DONE


async def change(server: ManagementServer, number: int, what: str, *, json: bool) -> None:
    """Cancel one, or have it tried again."""
    job = (await server.ask("POST", f"/jobs/{number}/{what}")).value
    if json:
        shown.print_json(job)
    else:
        print(f"job {number} {job['kind']} is {_state(job)}")


async def kinds(server: ManagementServer, *, json: bool) -> None:
    """Print every kind and when it runs."""
    shown.rows(await everything(server, "/job-kinds"), _KINDS, json=json)


async def told_next(server: ManagementServer, kind: str) -> None:
    """Say when a kind runs from now on."""
    for each in await everything(server, "/job-kinds"):
        if each["kind"] == kind:
            print(f"{kind} runs {_schedule_text(each)}")


class Follower(Protocol):
    """Shows how far a job is."""

    def moved(self, job: dict[str, Any]) -> None:
        """It may have come further."""


class _Lines:
    """A line whenever there is something new to say."""

    def __init__(self) -> None:
        self._said = ""

    def moved(self, job: dict[str, Any]) -> None:
        """Say it."""
        line = f"job {job['id']} {job['kind']}: {_state(job)}{_after(progress_text(job))}"
        if line != self._said:
            tell(line)
            self._said = line


class _Drawn:
    """A bar."""

    def __init__(self, bar: "ProgressBar") -> None:
        self._bar = bar

    def moved(self, job: dict[str, Any]) -> None:
        """Draw it."""
        self._bar.moved(_progress(job), job["state"])


class _Silent:
    def moved(self, job: dict[str, Any]) -> None:
        """Not shown."""


async def _followed(server: ManagementServer, address: str, job: dict[str, Any], *, silent: bool) -> dict[str, Any]:
    """A job at its end."""
    with _follower(job, silent=silent) as follower:
        follower.moved(job)
        while job["state"] not in ENDED:
            await asyncio.sleep(_LOOK_EVERY)
            job = (await server.ask("GET", address)).value
            follower.moved(job)
    return job


@contextmanager
def _follower(job: dict[str, Any], *, silent: bool) -> Iterator[Follower]:
    if silent or not sys.stderr.isatty():
        yield _Silent() if silent else _Lines()
        return
    from orlop.faces.cli.progress_bar import ProgressBar

    with ProgressBar(job["kind"]) as bar:
        yield _Drawn(bar)


def progress_text(job: dict[str, Any]) -> str:
    """How far a job is, in words; nothing where it has told nothing."""
    return _progress(job).words()


def _progress(job: dict[str, Any]) -> Progress:
    return msgspec.convert(job["progress"], Progress)


def _after(text: str) -> str:
    return f" ({text})" if text else ""


def _state(job: dict[str, Any]) -> str:
    return "being cancelled" if job["cancelling"] else str(job["state"])


def _print(job: dict[str, Any], *, json: bool) -> None:
    shown.fields(job if json else job | {"progress": progress_text(job)}, json=json)


def _schedule_text(kind: dict[str, Any]) -> str:
    schedule = kind["schedule"]
    if schedule is None or not schedule.get("enabled", True):
        return "only when asked"
    jitter = f", up to {schedule['jitter']} s later" if schedule.get("jitter") else ""
    if schedule.get("every"):
        return f"every {_duration(schedule['every'])}{jitter}"
    return f"at {schedule['cron']} ({schedule.get('time_zone', 'UTC')}){jitter}"


def _duration(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
