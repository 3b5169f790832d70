"""Builds what turns tokens of CI systems and clouds into robots, on an open catalog."""

import time

import structlog

from orlop.adapters.identity.workload.fetching import Fetcher
from orlop.adapters.identity.workload.issuers import Issuers
from orlop.adapters.identity.workload.sts import SecurityTokenService
from orlop.bootstrap.clocks import SystemClock
from orlop.config import Settings
from orlop.domain.trusts import KIND, Trust
from orlop.ports.clock import SECOND, Clock
from orlop.ports.identity import Documents
from orlop.services.management.documents import DocumentKind
from orlop.services.workload import Refusal, Workloads

_log = structlog.get_logger("orlop.trusts")

#: Trusts, for whoever manages them: to make one takes the right to sign in as its robot.
TRUSTS = DocumentKind(KIND, Trust, stands_for=lambda trust: (trust.robot,))


def workload_tokens(settings: Settings, documents: Documents, clock: Clock | None = None) -> Workloads:
    """The source of robots for tokens of others, one for a process: for `bootstrap.sign_in.Sources.tokens`."""
    fetcher = Fetcher(seconds=settings.trusts.timeout / SECOND)
    return Workloads(
        documents,
        Issuers(fetcher, time.monotonic),
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
