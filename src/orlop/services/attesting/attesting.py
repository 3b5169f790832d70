"""Attests: the job that signs what waits to be said of images, and attaches it.

A signature is kept before it is attached: whenever a process dies, the next one attaches that same signature, so that
each statement is signed once. While nothing can sign, statements wait.
"""

from collections.abc import Callable

import structlog

from orlop.domain.access.subjects import SYSTEM
from orlop.domain.attesting.statements import Signed, statement, to_sign
from orlop.domain.durations import MINUTE
from orlop.domain.errors import ManifestUnknown, RegistryError, Unavailable
from orlop.domain.job_kinds import ATTESTING
from orlop.domain.queue import Order, Progress
from orlop.ports.attesting import AttestationKeys, Statements, StatementSigner, WaitingStatement
from orlop.ports.by import By
from orlop.ports.clock import Clock
from orlop.ports.queue import Jobs
from orlop.services.attesting.attaching import AttestationAttaching
from orlop.services.jobs.work import Run, Work

_log = structlog.get_logger("orlop.attesting")

#: Statements that are read together, how often attaching one is tried where it is refused, and the pauses between.
_TOGETHER, TRIES, _PAUSE = 20, 5, 5 * MINUTE


class Attesting:
    """`counted` is told what came of each: `attested`, `refused` (it is tried again), or `failed` for good."""

    def __init__(
        self,
        keys: AttestationKeys,
        signer: StatementSigner,
        statements: Statements,
        attaching: AttestationAttaching,
        jobs: Jobs,
        clock: Clock,
        counted: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._keys = keys
        self._signer = signer
        self._statements = statements
        self._attaching = attaching
        self._jobs = jobs
        self._clock = clock
        self._counted = counted

    def work(self) -> Work:
        """The job. It looks by itself every minute for what could not be signed before."""
        return Work(ATTESTING, self.run, MINUTE)

    async def call(self) -> None:
        """Something waits."""
        await self._jobs.ask(Order(kind=ATTESTING.kind, once=ATTESTING.kind), self._by())

    async def run(self, run: Run) -> str:
        """Sign and attach what waits, until nothing is due or nothing can be signed."""
        done = 0
        while found := await self._statements.due(self._clock.now(), _TOGETHER):
            for each in found:
                try:
                    done += await self._one(each)
                except Unavailable as away:
                    _log.warning("nothing can be attested now; it is tried again", reason=away.message)
                    await self._statements.later(each, self._clock.now(), away.message, refused=False)
                    return f"{done} attested; the rest waits: {away.message}"
                except Exception:  # noqa: BLE001 - a defect at one statement is none of the others'
                    _log.exception("a statement was not attached", digest=str(each.wanted.digest))
                    await self._refused(each, "the registry failed; its log says why")
                run.tell(Progress(done, unit="statements"))
        return f"{done} attested"

    async def _one(self, waiting: WaitingStatement) -> bool:
        """Raises Unavailable where the key cannot sign, or a store is away."""
        wanted = waiting.wanted
        payload = statement(str(wanted.repository), wanted.digest, wanted.predicate_type, wanted.predicate)
        if not waiting.key:
            signed = await self._signed(waiting, payload)
            if signed is None:
                return False
            waiting = signed
        try:
            await self._attaching.attach(
                wanted.repository,
                wanted.digest,
                wanted.predicate_type,
                Signed(payload, waiting.signature, waiting.key),
            )
        except Unavailable:
            raise
        except ManifestUnknown:
            await self._give_up(waiting, "the image is not there any more")
            return False
        except RegistryError as refusal:
            await self._refused(waiting, refusal.message)
            return False
        if await self._statements.attached(waiting, self._by()):
            self._counted("attested")
        return True

    async def _signed(self, waiting: WaitingStatement, payload: bytes) -> WaitingStatement | None:
        """It with its signature, by the key that signs at the moment when it is kept. None: it waits no more."""
        while (key := await self._keys.current()) is not None:
            signature = await self._signer.sign(key, to_sign(payload))
            signed = await self._statements.sign(waiting, key.id, signature)
            if signed is None or signed.key:
                return signed
        await self._give_up(waiting, "no key signs any more")
        return None

    async def _refused(self, waiting: WaitingStatement, why: str) -> None:
        if waiting.tries + 1 >= TRIES:
            await self._give_up(waiting, why)
            return
        self._counted("refused")
        due_at = self._clock.now() + (_PAUSE << waiting.tries)
        await self._statements.later(waiting, due_at, why, refused=True)

    async def _give_up(self, waiting: WaitingStatement, why: str) -> None:
        wanted = waiting.wanted
        if await self._statements.give_up(waiting, why, self._by()):
            self._counted("failed")
            _log.warning("an image is not attested", repository=wanted.repository, digest=str(wanted.digest), why=why)

    def _by(self) -> By:
        return By(SYSTEM.name, self._clock.now())
