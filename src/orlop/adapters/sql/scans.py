"""Scans as rows: what waits, what scanners said, and how they fare."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from orlop.adapters.sql.engine import Engine, Row, Script, Session
from orlop.adapters.sql.following import moved
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.adapters.sql.records import each
from orlop.domain.artifacts import IMAGE_CONFIGS
from orlop.domain.digest import Digest
from orlop.domain.events import EventKind
from orlop.domain.leases import latest
from orlop.domain.names import RepositoryName
from orlop.domain.scanning.protocol import ScannerMetadata, ScannerName
from orlop.domain.scanning.report import ScannerFinding, ScanVerdict
from orlop.domain.scanning.scanner import SCANNERS
from orlop.ports.by import By
from orlop.ports.following import Follower
from orlop.ports.jobs import Lease
from orlop.ports.scans import ClaimedScan, KeptReports, Scan, ScanLane, ScannerState, ScanState, WantedScan
from orlop.ports.settings import place_of

#: Findings that one transaction writes, and rows that are looked at together: pushes wait for their turn meanwhile.
_TOGETHER, _WINDOW = 500, 200
#: After so many failures a scanner rests no longer.
_DOUBLINGS = 6

_finding = msgspec.json.Decoder(ScannerFinding)
_name = msgspec.json.Decoder(ScannerName)
_counts = msgspec.json.Decoder(dict[str, int])
_metadata = msgspec.json.Decoder(ScannerMetadata)


class SqlScans:
    """See ports.scans.Scans."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def wait(
        self, wanted: Sequence[WantedScan], now: int, follower: Follower, before: int, after: int, lease: Lease
    ) -> None:
        async def script(tx: Session) -> None:
            await moved(tx, follower, before, after, lease)
            await tx.many("scan_pushed", [_wanted(one, now) for one in wanted])

        await self._engine.write(script, durable=bool(wanted), changes=False)

    async def missed(self, wanted: Sequence[WantedScan], now: int) -> None:
        await self._engine.write(
            _many("scan_wait", [_wanted(one, now) for one in wanted]), durable=False, changes=False
        )

    async def ask(self, wanted: WantedScan, now: int) -> None:
        await self._engine.write(_many("scan_ask", [_wanted(wanted, now)]), changes=False)

    async def lanes(self, now: int) -> tuple[ScanLane, ...]:
        rows = await self._reader.all("scan_lanes", now)
        return tuple(ScanLane(scanner, due_at, bool(fails)) for scanner, due_at, fails in rows)

    async def claim(self, scanner: str, now: int, until: int, limit: int) -> tuple[ClaimedScan, ...]:
        async def script(tx: Session) -> list[Row]:
            found = await tx.all("scan_open", now, latest(now, until - now), limit, scanner)
            await tx.many("scan_claim", [(row[0], until) for row in found])
            return found

        return tuple(map(_claimed, await self._engine.write(script, durable=False, changes=False)))

    async def hold(self, claimed: Sequence[ClaimedScan], until: int) -> None:
        rows = [(each.row, each.fence, until) for each in claimed]
        await self._engine.write(_many("scan_hold", rows), durable=False, changes=False)

    async def offer(self, claimed: ClaimedScan, secret: str, until: int) -> bool:
        async def script(tx: Session) -> bool:
            return await tx.one("scan_offer", claimed.row, claimed.fence, secret, until) is not None

        return await self._engine.write(script, durable=False, changes=False)

    async def accepted(self, claimed: ClaimedScan, request: str, report_type: str, now: int, due_at: int) -> None:
        row = (claimed.row, claimed.fence, due_at, now, request, report_type)
        await self._engine.write(_many("scan_accepted", [row]), durable=False, changes=False)

    async def later(self, claimed: ClaimedScan, due_at: int) -> None:
        await self._engine.write(
            _many("scan_later", [(claimed.row, claimed.fence, due_at)]), durable=False, changes=False
        )

    async def elsewhere(self, claimed: ClaimedScan, now: int) -> bool:
        wanted = claimed.wanted
        found = await self._reader.one("scan_holder", wanted.digest, place_of(wanted.scanner)[0])
        if found is None or found[0] == wanted.repository:
            return False
        row = (claimed.row, claimed.fence, found[0], now)
        await self._engine.write(_many("scan_elsewhere", [row]), durable=False, changes=False)
        return True

    async def over(self, claimed: ClaimedScan, state: ScanState, error: str, by: By, again_at: int = 0) -> None:
        next_ = ScanState.WAITING if again_at else state
        tries = claimed.tries + 1 if again_at else 0
        wanted = claimed.wanted

        async def steps(tx: Session, ledger: Ledger) -> None:
            row = await tx.one("scan_over", claimed.row, claimed.fence, next_, again_at, tries, error)
            if row is not None and next_ is ScanState.FAILED:
                subject = _subject(wanted.scanner)
                ledger.event(EventKind.SCAN_FAILED, wanted.repository, wanted.digest, subject=subject, detail=error)

        await self._engine.write(recorded(by, steps), durable=not again_at, changes=False)

    async def judged(self, claimed: ClaimedScan, verdict: ScanVerdict, kept: KeptReports, by: By) -> bool:
        rows = [
            (claimed.row, claimed.fence, number, msgspec.json.encode(one).decode())
            for number, one in enumerate(verdict.findings)
        ]
        for start in range(0, len(rows), _TOGETHER):
            part = _many("scanner_finding_add", rows[start : start + _TOGETHER])
            await self._engine.write(part, durable=False, changes=False)
        name, counts = (msgspec.json.encode(one).decode() for one in (verdict.by, verdict.counts))
        wanted = claimed.wanted

        async def steps(tx: Session, ledger: Ledger) -> bool:
            row = (claimed.row, claimed.fence, by.at, name, counts, verdict.left_out)
            if await tx.one("scan_judged", *row, kept.report, kept.sbom, kept.error) is None:
                return False
            await tx.run("scanner_findings_forget", claimed.row, claimed.fence)
            detail = ", ".join(f"{number} {word}" for word, number in verdict.counts.items()) or "nothing"
            subject = _subject(wanted.scanner)
            ledger.event(EventKind.SCAN_FINISHED, wanted.repository, wanted.digest, subject=subject, detail=detail)
            return True

        return await self._engine.write(recorded(by, steps), changes=False)

    async def described(self, claimed: ClaimedScan, sbom: str, by: By) -> bool:
        wanted = claimed.wanted

        async def steps(tx: Session, ledger: Ledger) -> bool:
            if await tx.one("scan_described", claimed.row, claimed.fence, by.at, sbom) is None:
                return False
            subject = _subject(wanted.scanner)
            ledger.event(EventKind.SCAN_FINISHED, wanted.repository, wanted.digest, subject=subject, detail="an SBOM")
            return True

        return await self._engine.write(recorded(by, steps), changes=False)

    async def of(self, image: Digest) -> tuple[Scan, ...]:
        return tuple(map(_scan, await self._reader.all("scans_of_image", image)))

    async def findings(self, image: Digest, scanner: str) -> tuple[ScannerFinding, ...]:
        rows = await self._reader.all("scanner_findings_of", image, scanner)
        return tuple(_finding.decode(body) for (body,) in rows)

    async def of_secret(self, secret: str, now: int) -> tuple[int, WantedScan] | None:
        row = await self._reader.one("scan_of_secret", secret, now)
        if row is None:
            return None
        number, scanner, digest, repository = row
        return number, WantedScan(scanner, Digest.stored(digest), RepositoryName.stored(repository))

    async def again(self, scanner: str, before: int, now: int, limit: int) -> int:
        async def script(tx: Session) -> int:
            return len(await tx.all("scans_again", scanner, before, now, limit))

        return await self._engine.write(script, durable=False, changes=False)

    async def images(self, after: int, limit: int) -> tuple[int, tuple[tuple[Digest, RepositoryName], ...]] | None:
        rows = await self._reader.all("scan_manifests", after, limit, each(sorted(IMAGE_CONFIGS)))
        if not rows:
            return None
        found = tuple(
            (Digest.stored(digest), RepositoryName.stored(name)) for _, digest, name, is_image in rows if is_image
        )
        return rows[-1][0], found

    async def forget(self, scanners: frozenset[str]) -> int:
        after = removed = 0
        while rows := await self._reader.all("scans_window", after, _WINDOW):
            after = rows[-1][0]
            loose = [(row,) for row, scanner, is_loose in rows if is_loose or scanner not in scanners]
            if loose:
                await self._engine.write(_many("scan_forget", loose), durable=False, changes=False)
            removed += len(loose)
            await asyncio.sleep(0)
        return removed


class SqlScannerStates:
    """See ports.scans.ScannerStates."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, scanner: str) -> ScannerState | None:
        row = await self._engine.reader.one("scanner_state", scanner)
        return _state(row) if row is not None else None

    async def all(self) -> tuple[tuple[str, ScannerState], ...]:
        rows = await self._engine.reader.all("scanner_states_all")
        return tuple((scanner, _state(rest)) for scanner, *rest in rows)

    async def answered(self, scanner: str, by: By, metadata: ScannerMetadata | None = None) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            before = await _locked(tx, scanner)
            after = ScannerState(answered_at=by.at, metadata=metadata or before.metadata)
            await _put(tx, scanner, after)
            if before.failing_since:
                ledger.event(EventKind.SCANNER_BACK, place_of(scanner)[0], subject=_subject(scanner))

        await self._engine.write(recorded(by, steps), durable=False, changes=False)

    async def failed(self, scanner: str, error: str, rest: int, by: By) -> None:
        async def steps(tx: Session, ledger: Ledger) -> None:
            before = await _locked(tx, scanner)
            after = msgspec.structs.replace(
                before,
                failing_since=before.failing_since or by.at,
                failures=before.failures + 1,
                failed_at=by.at,
                rests_until=by.at + rest * 2 ** min(before.failures, _DOUBLINGS),
                error=error,
            )
            await _put(tx, scanner, after)
            if not before.failing_since:
                where = place_of(scanner)[0]
                ledger.event(EventKind.SCANNER_UNHEALTHY, where, subject=_subject(scanner), detail=error)

        await self._engine.write(recorded(by, steps), changes=False)


async def _locked(tx: Session, scanner: str) -> ScannerState:
    row = await tx.one("scanner_state_lock", scanner)
    return _state(row) if row is not None else ScannerState()


async def _put(tx: Session, scanner: str, state: ScannerState) -> None:
    metadata = msgspec.json.encode(state.metadata).decode() if state.metadata is not None else ""
    times = (state.answered_at, state.failing_since, state.failures, state.failed_at, state.rests_until)
    await tx.run("scanner_state_put", scanner, *times, state.error, metadata)


def _many(statement: str, rows: Sequence[Row]) -> Script[None]:
    async def script(tx: Session) -> None:
        await tx.many(statement, rows)

    return script


def _subject(scanner: str) -> str:
    return f"{SCANNERS.kind} {place_of(scanner)[1]}"


def _wanted(one: WantedScan, now: int) -> Row:
    return (one.scanner, one.digest, one.repository, now)


def _claimed(row: Row) -> ClaimedScan:
    number, scanner, digest, repository, state, fence, tries, accepted_at, request, report_type, *kept = row
    return ClaimedScan(
        row=number,
        fence=fence + 1,
        wanted=WantedScan(scanner, Digest.stored(digest), RepositoryName.stored(repository)),
        state=ScanState(state),
        tries=tries,
        accepted_at=accepted_at,
        request=request,
        report_type=report_type,
        kept=KeptReports(*kept),
    )


def _scan(row: Row) -> Scan:
    scanner, state, due_at, accepted_at, error, judged_at, judged_by, counts, left_out, told_at, *kept = row
    return Scan(
        scanner=scanner,
        state=ScanState(state),
        due_at=due_at,
        accepted_at=accepted_at,
        error=error,
        judged_at=judged_at,
        judged_by=_name.decode(judged_by) if judged_by else None,
        counts=_counts.decode(counts) if counts else {},
        left_out=left_out,
        told_at=told_at,
        kept=KeptReports(*kept),
    )


def _state(row: Row | list[Any]) -> ScannerState:
    answered_at, failing_since, failures, failed_at, rests_until, error, metadata = row
    return ScannerState(
        answered_at=answered_at,
        failing_since=failing_since,
        failures=failures,
        failed_at=failed_at,
        rests_until=rests_until,
        error=error,
        metadata=_metadata.decode(metadata) if metadata else None,
    )
