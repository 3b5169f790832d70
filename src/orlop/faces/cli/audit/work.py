"""What `orlop audit` does, and what it prints. How it is typed is in `audit`."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from orlop.config import Settings
from orlop.domain.audit import AuditEntry, Chained, Head
from orlop.domain.counts import counted
from orlop.domain.queue import Progress
from orlop.faces.cli.audit.filters import Filters
from orlop.faces.cli.moments import moment, now
from orlop.faces.cli.running import DONE, FAILED, UsageError, run
from orlop.ports.audit import AuditReader
from orlop.services.audit.query import MAX_PAGE, AuditQuery, Search
from orlop.services.audit.verify import AuditReport, AuditVerification
from orlop.telemetry import logs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OpenedAudit(msgspec.Struct, frozen=True):
    """An open log, by what can be done with it."""

    query: AuditQuery
    verification: AuditVerification
    reader: AuditReader


#: Opens it, with fingerprints of trusted keys and heads that were noted elsewhere.
OpeningAudit = Callable[[Settings, Sequence[str], Sequence[Head]], AbstractAsyncContextManager[OpenedAudit]]


def ls(opening: OpeningAudit, settings: Settings, wanted: Filters, limit: int, *, json: bool) -> int:
    """Print the newest entries that are wanted."""

    async def work() -> None:
        if limit < 1:
            raise UsageError("--limit is 1 or more")
        search = _search(wanted)
        found: list[Chained] = []
        async with opening(settings, (), ()) as log:
            before = 0
            while len(found) < limit:
                page = await log.query.page(search, before=before, size=min(limit - len(found), MAX_PAGE))
                found += page.entries
                before = page.next
                if not before:
                    break
        if json:
            print(msgspec.json.encode([exported(each) for each in found]).decode())
            return
        for each in found:
            print(line(each.entry))

    logs.configure(settings.log.level, settings.log.format)
    return run(work)


def export(opening: OpeningAudit, settings: Settings, wanted: Filters) -> int:
    """Print all entries that are wanted as JSON lines."""

    async def work() -> None:
        search = _search(wanted)
        async with opening(settings, (), ()) as log:
            async for chained in log.query.everything(search):
                print(msgspec.json.encode(exported(chained)).decode())

    logs.configure(settings.log.level, settings.log.format)
    return run(work)


def heads(opening: OpeningAudit, settings: Settings) -> int:
    """Print all heads as JSON lines."""

    async def work() -> None:
        async with opening(settings, (), ()) as log:
            last = 0
            while found := await log.reader.heads(last, MAX_PAGE):
                last = found[-1].sequence
                for head in found:
                    print(msgspec.json.encode(head).decode())

    logs.configure(settings.log.level, settings.log.format)
    return run(work)


def verify(opening: OpeningAudit, settings: Settings, trust: Sequence[str], noted: str, *, json: bool) -> int:
    """Verify; the exit code says whether the log is whole."""

    async def work() -> int:
        for fingerprint in trust:
            if not fingerprint.startswith("sha256:"):
                raise UsageError(f"--trust: {fingerprint[:80]!r} is not a fingerprint such as sha256:1f0c…")
        async with opening(settings, trust, _noted(noted) if noted else ()) as log:
            found = await _verified(log, silent=json)
        _tell(found, json=json)
        return DONE if found.is_clean else FAILED

    logs.configure(settings.log.level, settings.log.format)
    return run(work)


async def _verified(log: OpenedAudit, *, silent: bool) -> AuditReport:
    if silent or not sys.stderr.isatty():
        return await log.verification.run()
    from orlop.faces.cli.progress_bar import ProgressBar

    segments = await log.reader.segments()
    total = sum(each.last - each.first + 1 for each in segments if not each.dropped_at)
    with ProgressBar("verifying") as bar:
        return await log.verification.run(
            lambda so_far: bar.moved(
                Progress(so_far.entries, max(total, so_far.entries), "entries", f"{len(so_far.findings)} wrong")
            )
        )


def _tell(report: AuditReport, *, json: bool) -> None:
    if json:
        print(msgspec.json.encode(report).decode())
        return
    for wrong in report.findings:
        print(f"{wrong.flaw.value} at entry {wrong.sequence}: {wrong.what}")
    if report.dropped:
        print(
            f"{report.dropped} of {report.segments} segments were dropped by retention, up to entry {report.first - 1}"
        )
    if report.noted or report.unreachable:
        print(f"{report.noted} noted heads fit, {report.unreachable} are of entries that were dropped")
    keys = f" by {', '.join(report.keys)}" if report.keys else ""
    print(
        f"{counted(report.entries, 'entry')} and {counted(report.heads, 'head')} looked at, signed up to entry"
        f" {report.signed}{keys}:"
        f" {len(report.findings) or 'nothing'} wrong"
    )


def _search(wanted: Filters) -> Search:
    return Search(
        since=moment(wanted.since, now()),
        until=moment(wanted.until, now()),
        actor=wanted.actor,
        kind=wanted.kind,
        place=wanted.place,
        subject=wanted.subject,
        address=wanted.address,
        refused=True if wanted.refused else None,
    )


def _noted(file: str) -> list[Head]:
    try:
        lines = Path(file).read_bytes().splitlines()
        return [msgspec.json.decode(each, type=Head) for each in lines if each.strip()]
    except OSError as error:
        raise UsageError(f"--noted: {file} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"--noted: {file} does not hold heads as `orlop audit heads` prints them") from error


def exported(chained: Chained) -> dict[str, object]:
    """An entry with its hash, as it is exported: without that, and with its keys in order, it is what was hashed."""
    return {**msgspec.structs.asdict(chained.entry), "hash": chained.hash}


def line(entry: AuditEntry) -> str:
    """An entry for people, in one line."""
    when = (_EPOCH + timedelta(microseconds=entry.at)).strftime("%Y-%m-%dT%H:%M:%SZ")
    what = entry.repository + (f":{entry.tag}" if entry.tag else "") + (f"@{entry.digest}" if entry.digest else "")
    parts = [
        when,
        entry.kind,
        entry.actor or "-",
        what,
        entry.subject,
        f"({entry.count} times)" if entry.count > 1 else "",
        f"from {entry.address}" if entry.address else "",
        f"with {entry.credential}" if entry.credential else "",
        entry.detail,
    ]
    return "  ".join(_printable(part) for part in parts if part)


def _printable(text: str) -> str:
    """Without what would move a terminal's cursor: clients choose some of these texts."""
    return "".join(character if character.isprintable() else "�" for character in text)
