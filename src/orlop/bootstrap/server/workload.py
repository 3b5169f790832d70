"""Builds what turns tokens of CI systems and clouds into robots, on an open catalog."""

import asyncio
import time

import structlog

from orlop.bootstrap.clocks import SystemClock
from orlop.config import Settings
from orlop.ports.clock import SECOND, Clock
from orlop.ports.identity import Documents
from orlop.ports.sign_on import Vouched
from orlop.services.identity.workload import Refusal, Workloads

_log = structlog.get_logger("orlop.trusts")


class WorkloadTokens:
    """See ports.sign_on.TokenSource. Made when the first token comes: most registries never see one, and the HTTP
    client that asks issuers takes a while to import."""

    def __init__(self, settings: Settings, documents: Documents, clock: Clock | None = None) -> None:
        self._settings = settings
        self._documents = documents
        self._clock = clock
        self._made: Workloads | None = None

    async def verify(self, token: str) -> Vouched | None:
        """Whom a token stands for, if it is one of others."""
        if self._made is None:
            made = await asyncio.to_thread(workload_tokens, self._settings, self._documents, self._clock)
            self._made = self._made or made
        return await self._made.verify(token)


def workload_tokens(settings: Settings, documents: Documents, clock: Clock | None = None) -> Workloads:
    """The source of robots for tokens of others."""
    from orlop.adapters.identity.workload.fetching import Fetcher
    from orlop.adapters.identity.workload.issuers import Issuers
    from orlop.adapters.identity.workload.sts import SecurityTokenService

    fetcher = Fetcher(seconds=settings.trusts.timeout / SECOND)
    return Workloads(
        documents,
        Issuers(fetcher, time.monotonic, settings.outbound.allowed),
        SecurityTokenService(fetcher, time.time, settings.trusts.sts_endpoint),
        clock or SystemClock(),
        _refused,
    )


def _refused(refusal: Refusal) -> None:
    """What no client is told. Nothing of it is a secret, and the token is not in it."""
    for reason in refusal.reasons:
        _log.warning(
            "a trust did not accept a token",
            reference=refusal.reference,
            issuer=refusal.issuer,
            subject=refusal.subject,
            trust=reason.trust,
            reason=reason.what,
            claim=reason.claim,
            wanted=reason.wanted,
            found=reason.found,
        )
