"""Takes scans step by step: a scanner is asked, then asked for its report until there is one. Every step is a row, so
that any process goes on with what another one left.

A scanner that does not answer rests, and everything that waits for it waits; an image that it cannot judge is tried
again later, and then known as not judged. What was said before stands in either case.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec
import structlog

from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.artifacts import kind_of
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.durations import HOUR, MINUTE, SECOND
from orlop.domain.errors import ManifestInvalid, RegistryError
from orlop.domain.image_config import parse_config
from orlop.domain.job_kinds import SCANNING, SCANNING_UPKEEP
from orlop.domain.manifest import EdgeKind, Manifest, parse_manifest
from orlop.domain.queue import Order
from orlop.domain.ranges import Span
from orlop.domain.scanning.protocol import ScannerMetadata
from orlop.domain.scanning.scanner import SCANNERS, Scanner
from orlop.ports.by import By
from orlop.ports.catalog import Manifests, StoredManifest
from orlop.ports.clock import Clock
from orlop.ports.queue import Jobs
from orlop.ports.scans import (
    Address,
    ClaimedScan,
    KeptReports,
    NotYet,
    Report,
    ScannerAway,
    ScannerClient,
    ScanOrder,
    ScanRefused,
    ScanState,
    ScanStore,
    WantedScan,
)
from orlop.ports.settings import Document, Documents, place_of
from orlop.services.content.blobs import Blobs
from orlop.services.jobs.work import Run, Work
from orlop.services.scanning.addressing import Addressing
from orlop.services.scanning.attached import AttachedReports
from orlop.services.scanning.intake import asked_by_themselves
from orlop.services.scanning.lanes import ScanLanes
from orlop.services.scanning.tokens import drawn, hashed
from orlop.services.settings.in_force import SettingsInForce

_log = structlog.get_logger("orlop.scanning")

#: How often an image is tried, and how long it waits after the first failure, four times as long after each.
_TRIES, _PAUSE = 4, 30 * SECOND
#: How long a scanner rests after the first failure.
_REST = 15 * SECOND
#: Rows that are looked at together, and the largest config that is read.
_WINDOW, _CONFIG = 500, 8 * 1024 * 1024


class _Passed(Exception):
    """The scanner is not sent to it; the message says why."""


class _Gone(_Passed):
    """Its repository does not hold it any more."""


def _nothing_for(metadata: ScannerMetadata, media_type: str, scanner: Scanner) -> str:
    """Why a scanner has nothing to say of a manifest."""
    words = metadata.scanner.words
    if metadata.judges:
        return f"{words} makes no report of {media_type} that is known here"
    if not scanner.sbom.media_type:
        return f"{words} makes SBOMs alone, and is asked for none; orlop scanner set --sbom asks for them"
    return f"{words} makes no SBOM of {media_type} as {scanner.sbom.media_type}"


class Scanning:
    """See the module. `counted` is told of each scan that ended: the scanner, and how; `sleep` waits for seconds."""

    def __init__(
        self,
        store: ScanStore,
        documents: Documents,
        settings: SettingsInForce,
        client: ScannerClient,
        addressing: Addressing,
        manifests: Manifests,
        blobs: Blobs,
        attached: AttachedReports,
        jobs: Jobs,
        clock: Clock,
        draw: Callable[[int], bytes],
        counted: Callable[[str, str], None] = lambda *_: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._documents = documents
        self._settings = settings
        self._client = client
        self._addressing = addressing
        self._manifests = manifests
        self._blobs = blobs
        self._attached = attached
        self._jobs = jobs
        self._clock = clock
        self._draw = draw
        self._counted = counted
        self._sleep = sleep

    def works(self) -> tuple[Work, ...]:
        """The job that scans, and the one that looks for what was missed or is to be scanned again."""
        return Work(SCANNING, self.run, MINUTE), Work(SCANNING_UPKEEP, self.upkeep, HOUR)

    async def call(self) -> None:
        """There is something to scan."""
        await self._jobs.ask(Order(kind=SCANNING.kind, once=SCANNING.kind, priority=-1), self._by())

    async def run(self, run: Run) -> str:
        """Take scans further until none is due soon."""
        steps = await ScanLanes(self._store.scans, self.step, self._clock, self._sleep).run(run)
        return f"{steps} steps"

    async def upkeep(self, run: Run) -> str:
        """See `works`."""
        now, found, after = self._clock.now(), 0, 0
        scanners = {each.identity: msgspec.json.decode(each.body, type=Scanner) for each in await self._all()}
        if any(not (each.disabled or each.by_hand) for each in scanners.values()):
            while (following := await self._store.scans.images(after, _WINDOW)) is not None:
                after, images = following
                wanted = [
                    WantedScan(scanner, digest, repository)
                    for digest, repository in images
                    for scanner in await asked_by_themselves(self._settings, repository)
                ]
                if wanted:
                    await self._store.scans.missed(wanted, now)
        for identity, scanner in scanners.items():
            if scanner.again_after and not scanner.disabled:
                before = now - scanner.again_after
                while more := await self._store.scans.again(identity, before, now, _WINDOW):
                    found += more
        gone = await self._store.scans.forget(frozenset(scanners))
        if scanners:
            await self.call()
        return f"{found} to be scanned again, {gone} rows of what is gone removed"

    async def step(self, claimed: ClaimedScan) -> None:
        """Take one scan one step further."""
        scans, scanner = self._store.scans, await self._scanner(claimed)
        try:
            if scanner is None or scanner.disabled:
                raise _Passed("the scanner was removed" if scanner is None else "the scanner is disabled")
            if claimed.state is ScanState.SCANNING:
                await self._report(claimed, scanner)
            else:
                await self._begin(claimed, scanner)
        except _Passed as passed:
            if isinstance(passed, _Gone) and await scans.elsewhere(claimed, self._clock.now()):
                return
            await scans.over(claimed, ScanState.PASSED, str(passed), self._by())
        except ScannerAway as away:
            await self._store.states.failed(claimed.wanted.scanner, str(away), _REST, self._by())
            if self._is_late(claimed, scanner):
                await self._not_judged(claimed, str(away), lasting=False)
            else:
                await scans.later(claimed, self._clock.now())
        except ScanRefused as refused:
            await self._not_judged(claimed, str(refused), lasting=refused.lasting)
        except RegistryError as error:
            await self._not_judged(claimed, error.message, lasting=False)
        except Exception:  # noqa: BLE001 - a defect at one image is none of the others'
            _log.exception("a scan was not taken further", digest=claimed.wanted.digest)
            await self._not_judged(claimed, "the registry failed; its log says why", lasting=False)

    async def _begin(self, claimed: ClaimedScan, scanner: Scanner) -> None:
        """Ask for a scan. Raises _Passed, ScannerAway, ScanRefused."""
        wanted = claimed.wanted
        stored, manifest = await self._image(wanted)
        if not scanner.wants(await self._platform(wanted, manifest) if scanner.platforms else ""):
            raise _Passed("it is for a platform that the scanner is not sent to")
        address = await self._addressing.of(scanner)
        metadata = await self._client.metadata(address)
        await self._store.states.answered(wanted.scanner, self._by(), metadata)
        report_type, sbom_type = metadata.report_for(stored.media_type), scanner.sbom.media_type
        if not (sbom_type and metadata.makes_sbom(sbom_type, "" if report_type else stored.media_type)):
            sbom_type = ""
        if not report_type and (metadata.judges or not sbom_type):
            raise _Passed(_nothing_for(metadata, stored.media_type, scanner))
        token, now = drawn(self._draw), self._clock.now()
        if not await self._store.scans.offer(claimed, hashed(token), now + scanner.longest):
            return
        order = ScanOrder(
            registry=scanner.registry or self._addressing.registry,
            authorization=f"Bearer {token}",
            repository=wanted.repository,
            digest=wanted.digest,
            media_type=stored.media_type,
            report_type=report_type,
            sbom_type=sbom_type,
        )
        request = await self._client.scan(address, order)
        now = self._clock.now()
        await self._store.scans.accepted(claimed, request, report_type, now, now + SECOND)

    async def _report(self, claimed: ClaimedScan, scanner: Scanner) -> None:
        """Ask for a report. Raises ScannerAway, ScanRefused."""
        if self._is_late(claimed, scanner):
            raise ScanRefused(f"there is no report after {scanner.timeout}")
        address = await self._addressing.of(scanner)
        if not claimed.report_type:
            await self._describe(claimed, scanner, address)
            return
        found = await self._client.report(address, claimed.request, claimed.report_type)
        if isinstance(found, NotYet):
            await self._store.scans.later(claimed, self._clock.now() + found.seconds * SECOND)
            return
        await self._store.states.answered(claimed.wanted.scanner, self._by())
        sbom, why = b"", ""
        if scanner.sbom.media_type:
            try:
                made = await self._sbom(claimed, scanner, address)
            except (ScannerAway, ScanRefused) as failure:
                why = f"there is no SBOM: {failure}"
            else:
                if isinstance(made, NotYet):
                    await self._store.scans.later(claimed, self._clock.now() + made.seconds * SECOND)
                    return
                sbom = made
        kept = await self._keep(claimed, found if scanner.attach else None, sbom, scanner.sbom.media_type, why)
        if not await self._store.scans.judged(claimed, found.verdict, kept, self._by()):
            return
        self._counted(place_of(claimed.wanted.scanner)[1], "judged")
        before = claimed.kept
        await self._remove(claimed, {before.report, before.sbom} - {kept.report, kept.sbom})

    async def _describe(self, claimed: ClaimedScan, scanner: Scanner, address: Address) -> None:
        """Ask a scanner that makes SBOMs alone for one. Raises ScannerAway, ScanRefused."""
        if not scanner.sbom.media_type:
            raise ScanRefused("it makes SBOMs alone, and is asked for none any more", lasting=True)
        found = await self._client.sbom(address, claimed.request, scanner.sbom.media_type)
        if isinstance(found, NotYet):
            await self._store.scans.later(claimed, self._clock.now() + found.seconds * SECOND)
            return
        await self._store.states.answered(claimed.wanted.scanner, self._by())
        kept = await self._keep(claimed, None, found, scanner.sbom.media_type, "")
        if kept.error:
            raise ScanRefused(kept.error)
        if await self._store.scans.described(claimed, kept.sbom, self._by()):
            self._counted(place_of(claimed.wanted.scanner)[1], "described")
            await self._remove(claimed, {claimed.kept.sbom} - {kept.sbom})

    async def _remove(self, claimed: ClaimedScan, older: Iterable[str]) -> None:
        """Remove what others took the place of beside an image."""
        for each in older:
            try:
                if each:
                    await self._attached.remove(claimed.wanted.repository, Digest.stored(each))
            except RegistryError as error:
                _log.warning("an older report stays beside an image", digest=each, reason=error.message)

    async def _sbom(self, claimed: ClaimedScan, scanner: Scanner, address: Address) -> bytes | NotYet:
        """The verdict is there, and counts whatever becomes of this. Raises ScannerAway, ScanRefused."""
        state, sbom_type = await self._store.states.get(claimed.wanted.scanner), scanner.sbom.media_type
        if state is None or state.metadata is None or not state.metadata.makes_sbom(sbom_type):
            raise ScanRefused(f"it makes none of {sbom_type}")
        found = await self._client.sbom(address, claimed.request, sbom_type)
        if isinstance(found, NotYet) and claimed.accepted_at + scanner.longest <= self._clock.now() + (
            found.seconds * SECOND
        ):
            raise ScanRefused(f"none was there after {scanner.timeout}")
        return found

    async def _keep(
        self, claimed: ClaimedScan, report: Report | None, sbom: bytes, sbom_type: str, why: str
    ) -> KeptReports:
        """Put a report and an SBOM beside the image; where that is refused the verdict counts all the same."""
        wanted, kept, refused = claimed.wanted, ["", ""], [why] if why else []
        wished = ((report.body if report is not None else b"", claimed.report_type), (sbom, sbom_type))
        for place, (body, media_type) in enumerate(wished):
            if not body:
                continue
            try:
                stored, _ = await self._image(wanted)
                name = place_of(wanted.scanner)[1]
                kept[place] = str(await self._attached.attach(wanted.repository, stored, body, media_type, name))
            except (RegistryError, _Passed) as error:
                reason = error.message if isinstance(error, RegistryError) else str(error)
                refused.append(f"what it said is not kept beside the image: {reason}")
        report_digest, sbom_digest = kept
        # What could not be made anew stays: it says what is in the image, which is the same as before.
        keeps = sbom_digest or (claimed.kept.sbom if sbom_type else "")
        return KeptReports(report_digest, keeps, "; ".join(dict.fromkeys(refused)))

    async def _not_judged(self, claimed: ClaimedScan, reason: str, *, lasting: bool) -> None:
        now, tries = self._clock.now(), claimed.tries + 1
        again_at = 0 if lasting or tries >= _TRIES else now + _PAUSE * 4 ** (tries - 1)
        await self._store.scans.over(claimed, ScanState.FAILED, reason, self._by(), again_at)
        self._counted(place_of(claimed.wanted.scanner)[1], "again" if again_at else "failed")

    def _is_late(self, claimed: ClaimedScan, scanner: Scanner | None) -> bool:
        asked, longest = claimed.accepted_at, scanner.longest if scanner is not None else 0
        return bool(asked) and not 0 <= self._clock.now() - asked < longest

    async def _image(self, wanted: WantedScan) -> tuple[StoredManifest, Manifest]:
        """Raises _Passed where there is none any more."""
        found = await self._manifests.resolve(wanted.repository, wanted.digest)
        if found is None:
            raise _Gone("no repository here holds it any more")
        try:
            manifest = parse_manifest(found.content, found.media_type)
        except ManifestInvalid as error:
            raise _Passed(error.message) from error
        if kind_of(manifest) is not ContentKind.IMAGE:
            raise _Passed("it is no image")
        return found, manifest

    async def _platform(self, wanted: WantedScan, manifest: Manifest) -> str:
        """What its config says; empty where it says none."""
        edge = next((each for each in manifest.edges if each.kind is EdgeKind.CONFIG), None)
        if edge is None or edge.size > _CONFIG:
            return ""
        found = await self._blobs.find(wanted.repository, edge.digest, Caller(SYSTEM))
        content = await self._blobs.open(found.blob)
        try:
            body = b"".join([piece async for piece in content.chunks(Span(0, found.blob.size))])
        finally:
            content.close()
        try:
            return parse_config(msgspec.json.decode(body, type=dict), 0).platform
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return ""

    async def _scanner(self, claimed: ClaimedScan) -> Scanner | None:
        path, name = place_of(claimed.wanted.scanner)
        document = await self._documents.get(SCANNERS.kind, name, path)
        if document is None or document.identity != claimed.wanted.scanner:
            return None
        try:
            return msgspec.json.decode(document.body, type=Scanner)
        except msgspec.MsgspecError as cause:
            _log.warning("a scanner cannot be read by this release", scanner=name, reason=str(cause))
            return None

    async def _all(self) -> Sequence[Document]:
        return await self._documents.all(SCANNERS.kind)

    def _by(self) -> By:
        return By(SYSTEM.name, self._clock.now())
