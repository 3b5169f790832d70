"""Scans: which scanner is at which image, what it said last, and how scanners fare; and who asks them.

A scanner is named by the identity of its setting (ports.settings.Document): of one that was removed, nothing is that of
one made anew under its name. Times are microseconds since 1970, 0 for never.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.domain.scanning.protocol import ScannerMetadata, ScannerName
from orlop.domain.scanning.report import ScannerFinding, ScanVerdict
from orlop.ports.by import By
from orlop.ports.following import Follower
from orlop.ports.jobs import Lease


class ScanState(IntEnum):
    """How far a scan is."""

    WAITING = 0
    SCANNING = 1
    JUDGED = 2
    FAILED = 3
    """It could not judge the image, and why is known; what it said before stands."""
    PASSED = 4
    """It is not sent to images like that, or has nothing to say of them."""
    DESCRIBED = 5
    """It made an SBOM of it, and judges nothing: that is no verdict."""


class WantedScan(msgspec.Struct, frozen=True):
    """An image that a scanner is to judge, and where it lies."""

    scanner: str
    digest: Digest
    repository: RepositoryName


class KeptReports(msgspec.Struct, frozen=True):
    """Digests of the manifests that keep a report and an SBOM beside their image; empty: none does. `error`: why one of
    them is not kept, or not there, of what is recorded now."""

    report: str = ""
    sbom: str = ""
    error: str = ""


class ScanLane(msgspec.Struct, frozen=True):
    """A scanner that does not rest and that something is to be done for: when the first of it is due, and whether it
    did not answer when it was asked last."""

    scanner: str
    due_at: int
    is_failing: bool


class ClaimedScan(msgspec.Struct, frozen=True, kw_only=True):
    """A scan that a process is to take one step further. `accepted_at`, `request`, `report_type`: of what the scanner
    is at."""

    row: int
    fence: int
    wanted: WantedScan
    state: ScanState
    tries: int
    accepted_at: int
    request: str
    report_type: str
    kept: KeptReports


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """How far a scanner is with an image, and what it said last. `judged_at` 0: it never judged it; `told_at`: when
    it said anything last, a verdict or an SBOM. `error`: why it
    could not judge it; of one that did, what could not be kept or made beside its verdict."""

    scanner: str
    state: ScanState
    due_at: int
    accepted_at: int
    error: str
    judged_at: int
    judged_by: ScannerName | None
    counts: dict[str, int]
    left_out: int
    told_at: int
    kept: KeptReports


class ScannerState(msgspec.Struct, frozen=True, kw_only=True):
    """How a scanner fares. `failing_since` 0: it answers."""

    answered_at: int = 0
    failing_since: int = 0
    failures: int = 0
    failed_at: int = 0
    rests_until: int = 0
    error: str = ""
    metadata: ScannerMetadata | None = None


class Scans(Protocol):
    """Scans of one catalog."""

    async def wait(
        self, wanted: Sequence[WantedScan], now: int, follower: Follower, before: int, after: int, lease: Lease
    ) -> None:
        """These are to be judged, unless they are known and did not come to nothing; and the follower goes on. Raises
        Stale."""

    async def missed(self, wanted: Sequence[WantedScan], now: int) -> None:
        """These are to be judged, unless they are known: no follower saw them."""

    async def ask(self, wanted: WantedScan, now: int) -> None:
        """It is to be judged anew; what a scanner is at goes on."""

    async def lanes(self, now: int) -> tuple[ScanLane, ...]:
        """Each scanner that something is to be done for and that does not rest, the one whose turn came first first."""
        ...

    async def claim(self, scanner: str, now: int, until: int, limit: int) -> tuple[ClaimedScan, ...]:
        """Take some of a scanner whose time has come, or whose process may have died (domain.leases)."""
        ...

    async def hold(self, claimed: Sequence[ClaimedScan], until: int) -> None:
        """These are still under way; nothing of those that ended or are another process's by now."""

    async def offer(self, claimed: ClaimedScan, secret: str, until: int) -> bool:
        """A secret with this hash pulls from its repository until then, or until the scan is over; False where it is
        another process's by now."""
        ...

    async def accepted(self, claimed: ClaimedScan, request: str, report_type: str, now: int, due_at: int) -> None:
        """The scanner is at it."""

    async def later(self, claimed: ClaimedScan, due_at: int) -> None:
        """It is looked at again then. What a scanner that did not take it got to pull with is worth nothing."""

    async def elsewhere(self, claimed: ClaimedScan, now: int) -> bool:
        """Its repository does not hold the image any more: it is pulled from another one of the scanner's place; False
        where none holds it."""
        ...

    async def over(self, claimed: ClaimedScan, state: ScanState, error: str, by: By, again_at: int = 0) -> None:
        """It came to nothing; with `again_at` it is tried again then. What was said before stands."""

    async def judged(self, claimed: ClaimedScan, verdict: ScanVerdict, kept: KeptReports, by: By) -> bool:
        """Record what was said, in place of what was said before; False where it is another process's by now."""
        ...

    async def described(self, claimed: ClaimedScan, sbom: str, by: By) -> bool:
        """The manifest of this digest keeps an SBOM that it made, and it judges nothing: what it judged before stands.
        False where it is another process's by now."""
        ...

    async def of(self, image: Digest) -> tuple[Scan, ...]:
        """All of an image, by scanner."""
        ...

    async def findings(self, image: Digest, scanner: str) -> tuple[ScannerFinding, ...]:
        """What a scanner said last, the worst first."""
        ...

    async def of_secret(self, secret: str, now: int) -> tuple[int, WantedScan] | None:
        """The number of the scan that a secret with this hash is for, as long as it lasts, and what it is of."""
        ...

    async def again(self, scanner: str, before: int, now: int, limit: int) -> int:
        """So many that were judged before then are to be judged anew; how many were found."""
        ...

    async def images(self, after: int, limit: int) -> tuple[int, tuple[tuple[Digest, RepositoryName], ...]] | None:
        """Images among the next manifests, and where the next ones begin. None: there are no more manifests."""
        ...

    async def forget(self, scanners: frozenset[str]) -> int:
        """Remove scans of images that nothing holds any more, and of other scanners than these; how many."""
        ...


class ScannerStates(Protocol):
    """How scanners fare, as all processes know it together."""

    async def get(self, scanner: str) -> ScannerState | None:
        """That of one; None: it was never asked."""
        ...

    async def all(self) -> tuple[tuple[str, ScannerState], ...]:
        """Those that were ever asked."""
        ...

    async def answered(self, scanner: str, by: By, metadata: ScannerMetadata | None = None) -> None:
        """It answers; an event is written where it did not before."""

    async def failed(self, scanner: str, error: str, rest: int, by: By) -> None:
        """It does not, and rests for so long, twice as long after each failure up to 64 times; an event is written for
        the first one."""


class ScanStore(msgspec.Struct, frozen=True):
    """Both roles of one catalog."""

    scans: Scans
    states: ScannerStates


class ScannerAway(Exception):
    """The scanner does not answer as one that works; the message says how."""


class ScanRefused(Exception):
    """The scanner answers, and not with a report; `lasting`: it would not if it were asked again."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


class Address(msgspec.Struct, frozen=True):
    """Where an adapter is, the header that signs in to it, and the authorities that its certificate may come from."""

    url: str
    header: tuple[str, str] | None = None
    ca: str = ""


class ScanOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a scanner is asked for: which image, where, and what it pulls with."""

    registry: str
    authorization: str
    repository: str
    digest: str
    media_type: str
    tag: str = ""
    report_type: str
    sbom_type: str = ""
    """The media type of the SBOM that it is to make as well; empty: none."""


class NotYet(msgspec.Struct, frozen=True):
    """The report is not there; ask again in so many seconds."""

    seconds: int


class Report(msgspec.Struct, frozen=True):
    """A report as it came, and what it says."""

    body: bytes
    verdict: ScanVerdict


class ScannerClient(Protocol):
    """Speaks to adapters, bounded in time and in what is read; each method raises ScannerAway and ScanRefused."""

    async def metadata(self, address: Address) -> ScannerMetadata:
        """`GET /metadata`."""
        ...

    async def scan(self, address: Address, order: ScanOrder) -> str:
        """`POST /scan`: the id to ask for the report with."""
        ...

    async def report(self, address: Address, request: str, report_type: str) -> Report | NotYet:
        """`GET /scan/{id}/report`."""
        ...

    async def sbom(self, address: Address, request: str, sbom_type: str) -> bytes | NotYet:
        """The same, of an SBOM of this media type: the document alone."""
        ...
