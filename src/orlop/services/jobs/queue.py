"""Does the jobs of the queue: one of these in each process that is to.

Nobody polls the catalog: it is asked when the count of the queue's changes has moved, which is a number in memory, and
when the time of a job, of a schedule or of somebody else's lease has come.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum

import structlog

from orlop.domain.errors import RegistryError
from orlop.domain.leases import latest
from orlop.domain.queue import Job, JobStep, pause
from orlop.ports.clock import SECOND, Clock
from orlop.ports.events import Changes
from orlop.ports.queue import Ending, Held, JobClaims
from orlop.services.jobs.due import Timed
from orlop.services.jobs.work import Run, Work

_log = structlog.get_logger("orlop.jobs")

#: How long a job stays with a process that gives no sign of life, in microseconds.
LEASE = 30 * SECOND
#: Jobs that a process does side by side.
AT_ONCE = 4

#: How often the count of changes is looked at, in seconds: somebody who cancels a job waits no longer.
_PULSE = 0.2
#: The pause between two looks at the catalog where jobs run whose progress may be news, where those that wait may not
#: run yet, where the catalog could not be asked, and at most; in microseconds.
_NEWS, _FULL, _AWAY, _LONGEST = SECOND, 5 * SECOND, 5 * SECOND, 60 * SECOND
#: How often the end of a job is written again while the catalog is away, a second apart.
_TRIES = 30


async def _never() -> int | None:
    return None


async def _of_itself(_: RegistryError) -> bool:
    return False


class _Why(Enum):
    """Why work is broken off."""

    CANCELLED = JobStep.CANCEL
    LOST = JobStep.RETRY
    STOPPING = JobStep.RETURN


class _Running:
    """A job that this process does."""

    def __init__(self, job: Job, run: Run, doing: asyncio.Future[str]) -> None:
        self.job = job
        self.run = run
        self.doing = doing
        self.why: _Why | None = None
        self.beaten_at = job.beat_at
        self.told = run.progress

    @property
    def held(self) -> Held:
        """It, with its progress where that is news."""
        progress = self.run.progress
        return Held(self.job.id, self.job.fence, progress if progress is not self.told else None)

    def stop(self, why: _Why) -> None:
        """Break it off."""
        if self.why is None:
            self.why = why
            self.doing.cancel()


class JobWorker:
    """`ended` is told of each job that ended here: its kind, and how. `pause`: until when no job may run, in
    microseconds since 1970, 0 for until a setting changes, and None where they may; those that run are handed back.
    `is_refused` is told what a job or the queue failed with, and tells whether that is because the registry takes no
    writes: then the job is handed back, too. `owner` is the name of this process."""

    def __init__(
        self,
        works: Sequence[Work],
        claims: JobClaims,
        changes: Changes,
        schedules: Timed,
        clock: Clock,
        chance: Callable[[], float],
        owner: str,
        *,
        ended: Callable[[str, str], None] = lambda *_: None,
        pause: Callable[[], Awaitable[int | None]] = _never,
        is_refused: Callable[[RegistryError], Awaitable[bool]] = _of_itself,
        at_once: int = AT_ONCE,
        lease: int = LEASE,
    ) -> None:
        self._works = {work.kind.kind: work for work in works}
        self._kinds = [work.kind for work in works]
        self._claims = claims
        self._changes = changes
        self._schedules = schedules
        self._clock = clock
        self._chance = chance
        self._owner = owner
        self._ended = ended
        self._pause = pause
        self._is_refused = is_refused
        self._at_once = at_once
        self._lease = lease
        self._running: set[_Running] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._looking = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, and hand back what is not done: the next process begins with it at once."""
        self._is_stopping = True
        self._wake.set()
        if self._looking is not None:
            await self._looking
        for running in self._running:
            running.stop(_Why.STOPPING)
        await asyncio.gather(*self._tasks)

    async def _run(self) -> None:
        while not self._is_stopping:
            self._wake.clear()
            seen, at = self._counts(), self._clock.now() + _AWAY
            try:
                at = await self._look()
            except RegistryError as error:
                _log.warning("the queue cannot be asked, and is asked again", reason=error.message)
                await self._is_refused(error)
            except Exception:  # noqa: BLE001 - the last door: a defect of ours is told, and does not end the rest
                _log.exception("the queue was not looked at, and will be again")
            await self._until(at, seen)

    def _counts(self) -> tuple[object, object]:
        return self._changes.current(), self._schedules.moved()

    async def _until(self, at: int, seen: tuple[object, object]) -> None:
        """Wait until then, until the queue or a schedule has changed, or a job of this process has ended; or until the
        clock was set back, by which that would be further away than anything is waited for."""
        loop = asyncio.get_running_loop()
        timers: list[asyncio.Handle] = []

        def look() -> None:
            if self._counts() != seen or not at - _LONGEST <= self._clock.now() < at:
                self._wake.set()
            else:
                timers[:] = [loop.call_later(_PULSE, look)]

        look()
        try:
            await self._wake.wait()
        finally:
            for timer in timers:
                timer.cancel()

    async def _look(self) -> int:
        """Heed what others want, give signs of life, take what is due; when to look again."""
        self._lose_late()
        until = await self._pause()
        if until is not None:
            for running in self._running:
                running.stop(_Why.STOPPING)
            soon = self._clock.now() + _FULL
            return min(until, soon) if until else soon
        if self._running:
            await self._heed()
        times = [self._clock.now() + (_NEWS if self._running else _LONGEST)]
        due = await self._schedules.run_due()
        if due is not None:
            times.append(due)
        while len(self._running) < self._at_once and not self._is_stopping:
            now = self._clock.now()
            first = await self._claims.next(self._kinds, latest=latest(now, self._lease))
            if first is None or first > now:
                times += [first] if first is not None else []
                break
            room = self._at_once - len(self._running)
            taken = await self._claims.claim(self._kinds, self._owner, now=now, until=now + self._lease, limit=room)
            if not taken:
                times.append(now + _FULL)
                break
            for job in taken:
                self._begin(job)
            times.append(now + _NEWS)
        return min(times)

    def _lose_late(self) -> None:
        """Break off what this process may have lost, because it stood still or the catalog was away."""
        now = self._clock.now()
        for running in self._running:
            if now >= running.run.until:
                running.stop(_Why.LOST)

    async def _heed(self) -> None:
        """Break off what somebody cancelled or another process has, and say that the rest is alive."""
        heeded = {running.job.id: running for running in self._running if running.why is None}
        kept, cancelled = await self._claims.kept([running.held for running in heeded.values()])
        now = self._clock.now()
        alive: list[tuple[_Running, Held]] = []
        for number, running in heeded.items():
            held = running.held
            if number not in kept:
                running.stop(_Why.LOST)
            elif number in cancelled:
                running.stop(_Why.CANCELLED)
            elif held.progress is not None or not 0 <= now - running.beaten_at < self._lease // 3:
                alive.append((running, held))
        if not alive:
            return
        until = now + self._lease
        beaten = await self._claims.beat([held for _, held in alive], now=now, until=until)
        for running, held in alive:
            if held.id in beaten:
                running.run.until, running.beaten_at = until, now
                running.told = held.progress or running.told

    def _begin(self, job: Job) -> None:
        """Do a job. What this process lost of it, and may not have noticed or ended yet, is another run."""
        for running in self._running:
            if running.job.id == job.id:
                running.stop(_Why.LOST)
        run = Run(job, self._clock)
        running = _Running(job, run, asyncio.ensure_future(self._works[job.kind].do(run)))
        self._running.add(running)
        task = asyncio.create_task(self._see_through(running))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _see_through(self, running: _Running) -> None:
        """Wait for the end of the work, and write it down."""
        await asyncio.wait({running.doing})
        try:
            await self._write_end(running.job, running, await self._ending(running))
        finally:
            self._running.discard(running)
            self._wake.set()

    async def _write_end(self, job: Job, running: _Running, ending: Ending) -> None:
        for _ in range(_TRIES):
            try:
                if await self._claims.end(running.held, ending, now=self._clock.now()):
                    self._told(job, ending)
                else:
                    _log.warning("another process has the job by now; nothing was written", job=job.id, kind=job.kind)
                break
            except RegistryError as error:
                _log.warning("the end of a job was not written yet", job=job.id, kind=job.kind, reason=error.message)
                await self._is_refused(error)
                await asyncio.sleep(1)

    async def _ending(self, running: _Running) -> Ending:
        doing = running.doing
        if doing.cancelled():
            if running.why is not None:
                return Ending(running.why.value)
            return self._failed(running.job, "it broke itself off")
        error = doing.exception()
        if error is None:
            return Ending(JobStep.FINISH, doing.result())
        if isinstance(error, RegistryError):
            if await self._is_refused(error):
                return Ending(JobStep.RETURN)
            return self._failed(running.job, error.message)
        _log.error("a job failed", job=running.job.id, kind=running.job.kind, exc_info=error)
        return self._failed(running.job, "the registry failed; its log says why")

    def _failed(self, job: Job, reason: str) -> Ending:
        if job.attempts >= self._works[job.kind].kind.attempts:
            return Ending(JobStep.FAIL, error=reason)
        wait = pause(job.attempts, self._chance())
        return Ending(JobStep.RETRY, error=reason, not_before=self._clock.now() + wait)

    def _told(self, job: Job, ending: Ending) -> None:
        if ending.error:
            again = ending.step is JobStep.RETRY
            _log.warning("a job failed", job=job.id, kind=job.kind, reason=ending.error, again=again)
        else:
            _log.debug("a job ended", job=job.id, kind=job.kind, how=ending.step.value, result=ending.result)
        self._ended(job.kind, ending.step.value)
