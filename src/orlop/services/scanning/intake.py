"""Has scanners wait for what is pushed: a follower of the outbox."""

from collections.abc import Awaitable, Callable, Sequence

from orlop.domain.digest import Digest
from orlop.domain.events import Event, EventKind
from orlop.domain.names import RepositoryName
from orlop.domain.scanning.scanner import SCANNERS
from orlop.ports.catalog import Manifests, Outbox
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors
from orlop.ports.jobs import Lease
from orlop.ports.scans import Scans, WantedScan
from orlop.services.following import known
from orlop.services.following.follow import of_events
from orlop.services.following.manifests import found_manifest
from orlop.services.settings.in_force import SettingsInForce

#: Events of one batch.
_TOGETHER = 200


class ScanIntake:
    """`step` is for the holder of the follower's lease; `news` is called when a scanner is to be asked."""

    def __init__(
        self,
        outbox: Outbox,
        cursors: Cursors,
        scans: Scans,
        settings: SettingsInForce,
        manifests: Manifests,
        clock: Clock,
        news: Callable[[], Awaitable[object]],
    ) -> None:
        self._scans = scans
        self._settings = settings
        self._manifests = manifests
        self._clock = clock
        self._news = news
        self.step = of_events(known.SCANS, outbox, cursors, clock, self._take, _TOGETHER).step

    async def _take(self, events: Sequence[Event], before: int, lease: Lease) -> None:
        pushed = dict.fromkeys(
            (event.repository, event.digest)
            for event in events
            if event.kind is EventKind.MANIFEST_PUSHED and event.digest
        )
        wanted = [one for name, digest in pushed for one in await self._wanted(name, digest)]
        await self._scans.wait(wanted, self._clock.now(), known.SCANS, before, events[-1].id, lease)
        if wanted:
            await self._news()

    async def _wanted(self, name: str, text: str) -> list[WantedScan]:
        repository, digest = RepositoryName.stored(name), Digest.stored(text)
        asked = await asked_by_themselves(self._settings, repository)
        if not asked:
            return []
        found = await found_manifest(self._manifests, repository, digest)
        if found is None or not found.is_image:
            return []
        return [WantedScan(scanner, digest, repository) for scanner in asked]


async def asked_by_themselves(settings: SettingsInForce, repository: str) -> list[str]:
    """The scanners of a repository that are asked about every image there."""
    covering = await settings.covering(SCANNERS, repository)
    return [each.identity for each in covering if not (each.body.disabled or each.body.by_hand)]
