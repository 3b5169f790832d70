"""What waits to be done in the background, and how much room there is, as metrics tell it."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from orlop.telemetry.advisories import ReadUse, SourceUse
from orlop.telemetry.attesting import SigningUse
from orlop.telemetry.backups import BackupUse
from orlop.telemetry.certificates import CertificateUse
from orlop.telemetry.promotion import PromotionUse
from orlop.telemetry.quarantine import QuarantineUse
from orlop.telemetry.scanners import ScannerUse


class FollowerLag(NamedTuple):
    """How far a follower is behind, and how often it failed at the same event."""

    name: str
    events: int
    seconds: float
    failures: int


class QueueDepth(msgspec.Struct, frozen=True):
    """Jobs of a kind that wait, that run and that failed for good, and for how many seconds the oldest has waited that
    might run."""

    kind: str
    waiting: int
    running: int
    failed: int
    oldest: float


class QuotaUse(NamedTuple):
    """How far a limit of a quota is used up: its name, its place as it is typed, what it limits."""

    quota: str
    place: str
    of: str
    used: int
    limit: int


class DiskUse(NamedTuple):
    """The disk of the blob store, in bytes: what is free, what uploads leave free, and how large it is."""

    free: int
    reserve: int
    size: int


class UpstreamUse(NamedTuple):
    """How an upstream fares: its place and name, whether it answers, and the requests that are left by account, where
    it says so."""

    upstream: str
    up: bool
    left: Sequence[tuple[str, int]]


class Waiting(NamedTuple):
    """What waits to be done in the background, and how much room there is, for all workers together."""

    followers: Sequence[FollowerLag]
    deliveries: int
    oldest_seconds: float
    dead: int
    paused: int
    jobs: Sequence[QueueDepth] = ()
    quotas: Sequence[QuotaUse] = ()
    disk: DiskUse | None = None
    upstreams: Sequence[UpstreamUse] = ()
    advisories: Sequence[SourceUse] = ()
    images: ReadUse | None = None
    scanners: Sequence[ScannerUse] = ()
    quarantine: QuarantineUse = QuarantineUse(0, 0)
    promotions: PromotionUse = PromotionUse(0, 0)
    signing: SigningUse | None = None
    backups: Sequence[BackupUse] = ()
    read_only: str = ""
    """`switch` or `store`, by which no writes are taken; empty: they are."""
    certificates: Sequence[CertificateUse] = ()
