"""What waits to be done in the background, and how much room there is, for metrics."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.stores.opening import Stores
from orlop.domain.durations import SECOND
from orlop.domain.settings import place_words
from orlop.ports.backups import BackupRun
from orlop.ports.certificates import Certificates
from orlop.ports.following import Follower
from orlop.ports.settings import place_of
from orlop.services.backup.desk import ScheduleStatus
from orlop.services.backup.desk import standing as backups_standing
from orlop.services.following.followers import states
from orlop.services.read_only.mode import ReadOnlyMode
from orlop.services.upstreams.standing import label
from orlop.services.usage.levels import quota_levels
from orlop.telemetry.advisories import ReadUse, SourceUse
from orlop.telemetry.attesting import SigningUse
from orlop.telemetry.backups import BackupUse
from orlop.telemetry.certificates import CertificateUse
from orlop.telemetry.promotion import PromotionUse
from orlop.telemetry.quarantine import QuarantineUse
from orlop.telemetry.scanners import ScannerUse
from orlop.telemetry.waiting import DiskUse, FollowerLag, QueueDepth, QuotaUse, UpstreamUse, Waiting


def waiting(
    stores: Stores, followers: Sequence[Follower], mode: ReadOnlyMode, files: Certificates
) -> Callable[[], Awaitable[Waiting]]:
    """Asks the catalog. Raises Unavailable."""
    clock = SystemClock()

    def age(at: int) -> float:
        return max(0, clock.now() - at) / SECOND if at else 0.0

    async def ask() -> Waiting:
        lags = [
            FollowerLag(
                each.follower.name, each.behind, age(each.oldest_at), each.trouble.failures if each.trouble else 0
            )
            for each in await states(stores.cursors, followers)
        ]
        backlog = await stores.webhooks.log.backlog()
        jobs = [
            QueueDepth(depth.kind, depth.waiting, depth.running, depth.failed, age(depth.oldest_at or 0))
            for depth in await stores.queue.history.depths(clock.now())
        ]
        levels = await quota_levels(stores.identity.documents, stores.catalog.usages, clock.now())
        quotas = [QuotaUse(each.quota, place_words(each.path), each.of, each.used, each.limit) for each in levels]
        space = await stores.blobs.space.space() if stores.blobs.space is not None else None
        disk = DiskUse(space.free, space.reserve, space.size) if space is not None else None
        now = clock.now()
        fares = [
            UpstreamUse(
                label(*place_of(upstream)),
                not state.breaker.away_since,
                [(each.account, left) for each in state.budgets if (left := each.left(now)) is not None],
            )
            for upstream, state in await stores.catalog.upstream_states.all()
        ]
        sent = (backlog.pending, age(backlog.oldest_at), backlog.dead, backlog.paused)
        scanners = [
            ScannerUse(label(*place_of(scanner)), not state.failing_since)
            for scanner, state in await stores.catalog.scanning.states.all()
        ]
        sources = [
            SourceUse(one.name, one.imported_at / SECOND, bool(one.error))
            for one in await stores.catalog.advisories.sources.all()
        ]
        depths = await stores.catalog.insides.images.depths()
        images = ReadUse(depths.waiting, depths.unread)
        unsigned = await stores.catalog.statements.backlog()
        signing = SigningUse(unsigned.waiting, age(unsigned.oldest_at))
        backups = [
            _backup_use(each, now) for each in await backups_standing(stores.identity.documents, stores.catalog.backups)
        ]
        standing = await mode.standing()
        read_only = "" if standing is None else "store" if standing.by_store else "switch"
        held, oldest_at = await stores.catalog.held_pushes.depth()
        quarantine = QuarantineUse(held, age(oldest_at))
        promotions = PromotionUse(*await stores.catalog.promotions.waiting())
        return Waiting(
            *(
                lags,
                *sent,
                jobs,
                quotas,
                disk,
                fares,
                sources,
                images,
                scanners,
                quarantine,
                promotions,
                signing,
                backups,
            ),
            read_only,
            certificates=[
                CertificateUse(one.name, None if one.trouble else one.ends_at / SECOND)
                for one in await files.standing()
            ],
        )

    return ask


def _backup_use(status: ScheduleStatus, now: int) -> BackupUse:
    def age(run: BackupRun | None) -> float | None:
        return max(0, now - run.done_at) / SECOND if run is not None and run.done_at else None

    backup, drill = status.backup, status.drill
    return BackupUse(
        schedule=status.scheduled.name,
        age=age(backup),
        drill_age=age(drill),
        bytes=backup.bytes if backup is not None else 0,
        new_bytes=backup.new_bytes if backup is not None else 0,
        seconds=backup.lasted / SECOND if backup is not None else 0.0,
        failures=backup.failures if backup is not None else 0,
        drill_failures=drill.failures if drill is not None else 0,
    )
