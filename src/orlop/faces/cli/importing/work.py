"""What `orlop import` does and prints."""

import asyncio
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import yaml

from orlop.config.units import duration
from orlop.domain.counts import counted
from orlop.domain.durations import SECOND
from orlop.domain.errors import NameInvalid, RequestInvalid
from orlop.domain.importing.naming import chosen
from orlop.domain.importing.outcome import Imported, TagOutcome
from orlop.domain.importing.plan import (
    ImportedFrom,
    ImportPlan,
    PlannedRepository,
    System,
    parse_plan,
    written_plan,
)
from orlop.domain.names import RepositoryName
from orlop.domain.references import parse_registry
from orlop.faces.cli import shown
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.importing.opening import Importing, OldRegistry
from orlop.faces.cli.importing.report import failed, lines
from orlop.faces.cli.management.typed import unreadable
from orlop.faces.cli.running import DONE, FAILED, UsageError, tell
from orlop.faces.cli.servers import ServerChoice, Servers, kept, url_of
from orlop.services.content.copy import MAX_JOBS
from orlop.services.importing.bringing import Bringing, ImportProgress
from orlop.services.importing.planning import make_plan

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: A plan of 100,000 repositories has some 20 MB.
_PLAN_BYTES = 64 * 1024 * 1024


class ImportWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be imported."""

    system: System
    at: str
    into: str
    only: tuple[str, ...]
    untagged: bool


class ImportRun(msgspec.Struct, frozen=True, kw_only=True):
    """How a run goes."""

    dry_run: bool
    report: Path | None
    jobs: int
    json: bool

    def __post_init__(self) -> None:
        if not 1 <= self.jobs <= MAX_JOBS:
            raise UsageError(f"--jobs is a number from 1 to {MAX_JOBS}")


async def begin(
    importing: Importing,
    servers: Servers,
    wanted: ImportWanted,
    old: OldRegistry,
    choice: ServerChoice,
    asked: ImportRun,
    file: Path | None,
) -> int:
    """Make a plan, and write it down or do it; the exit code."""
    where = ImportedFrom(system=wanted.system, at=_place(wanted.system, wanted.at))
    if wanted.into.strip("/"):
        _namespace(wanted.into)
    # Before anything is read: nobody waits for a plan that cannot be done.
    server = "" if file is not None else server_of(servers, choice)
    async with importing.source(where, old) as source:
        plan = await make_plan(source, where, wanted.into, wanted.only, untagged=wanted.untagged)
        if not plan.repositories:
            tell(f"there is nothing in {where.at}" + (" that --only names" if wanted.only else ""))
            return FAILED if wanted.only else DONE
        if file is not None:
            await asyncio.to_thread(_write, file, _text(plan))
            _describe(plan, file, json=asked.json)
            return DONE
        async with importing.targets(server, _connecting(choice)) as targets:
            report = await _run(Bringing, source, targets, plan, asked)
    return _told(report, asked)


async def apply(
    importing: Importing,
    servers: Servers,
    file: Path,
    old: OldRegistry,
    choice: ServerChoice,
    asked: ImportRun,
    *,
    every: str,
) -> int:
    """Do what a plan says, once, or again and again where `every` says how often; the exit code."""
    plan = await asyncio.to_thread(_read, file)
    pause = _pause(every)
    server = server_of(servers, choice)
    async with importing.targets(server, _connecting(choice)) as targets:
        while True:
            # Opened anew each time: what a storage tells of itself is remembered while it is open.
            async with importing.source(plan.source, old) as source:
                report = await _run(Bringing, source, targets, plan, asked)
            if not pause:
                return _told(report, asked)
            _told(report, asked)
            await asyncio.sleep(pause)


async def cut_over(
    importing: Importing, servers: Servers, file: Path, old: OldRegistry, choice: ServerChoice, asked: ImportRun
) -> int:
    """Bring the rest, then look at everything once more without writing; the exit code."""
    plan = await asyncio.to_thread(_read, file)
    server = server_of(servers, choice)
    async with importing.targets(server, _connecting(choice)) as targets:
        async with importing.source(plan.source, old) as source:
            report = await _run(Bringing, source, targets, plan, asked)
        if not report.whole:
            _told(report, asked)
            tell("the old registry is still needed: not everything is here")
            return FAILED
        async with importing.source(plan.source, old) as source:
            left = await _run(Bringing, source, targets, plan, msgspec.structs.replace(asked, dry_run=True))
    result = _told(report, asked)
    if not left.whole or left.brought:
        tell(f"{counted(left.brought, 'tag')} changed meanwhile: shut the old registry to pushes, and run this again")
        return FAILED
    tell(f"both sides are equal: {plan.source.at} is not needed any more")
    return result


async def _run(bringing: type[Bringing], source: Any, targets: Any, plan: ImportPlan, asked: ImportRun) -> Imported:
    with telling(quiet=asked.json) as progress:
        report = await bringing(source, targets, progress, jobs=asked.jobs, dry=asked.dry_run).run(
            plan.wanted, untagged=plan.untagged
        )
    if asked.report is not None:
        text = msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
        await asyncio.to_thread(_write, asked.report, text.decode())
    return report


class _Lines:
    """A line for each repository and each failure."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def began(self, repository: PlannedRepository, number: int, of: int) -> None:
        if not self._quiet:
            tell(f"{number}/{of} {shown.cell(repository.source, 200)} -> {repository.target}")

    def settled(self, repository: PlannedRepository, reference: str, outcome: TagOutcome, message: str) -> None:
        if not self._quiet and outcome is TagOutcome.FAILED:
            tell(failed(repository.source, reference, message))


def telling(*, quiet: bool) -> "AbstractContextManager[ImportProgress]":
    """The right way to show how it goes where standard error goes."""
    if quiet or not sys.stderr.isatty():
        return _Lines(quiet)
    from orlop.faces.cli.importing.bar import ImportBar

    return ImportBar()


def _told(report: Imported, asked: ImportRun) -> int:
    """Print a report; the exit code."""
    if asked.json:
        shown.print_json(report)
        return DONE if report.whole else FAILED
    print("\n".join(lines(report, dry=asked.dry_run)))
    if report.stopped:
        tell(f"orlop: stopped: {report.stopped}; the same command goes on from here")
    return DONE if report.whole else FAILED


def _describe(plan: ImportPlan, file: Path, *, json: bool) -> None:
    if json:
        shown.print_json(written_plan(plan))
        return
    known = [each.tags for each in plan.repositories if each.tags is not None]
    tags = f", {counted(sum(known), 'tag')}" if known else ""
    print(f"{counted(len(plan.repositories), 'repository')}{tags} in {file}")
    for each in plan.repositories:
        if each.note:
            print(
                f"{shown.cell(each.source, 300)}: {each.note}" + (f"; it will be {each.target}" if each.target else "")
            )
    print(f"read it, change what should be otherwise, then: orlop import apply {file}")


def _text(plan: ImportPlan) -> str:
    return yaml.safe_dump(written_plan(plan), sort_keys=False, allow_unicode=True, width=160)


def _read(file: Path) -> ImportPlan:
    """Raises UsageError."""
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_PLAN_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from error
    if len(text) > _PLAN_BYTES:
        raise UsageError(f"{file} is larger than a plan may be")
    try:
        plan = parse_plan(yaml.load(text, Loader=_LOADER))  # noqa: S506 - a safe loader, the fast one where there is one
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{file} is not valid YAML: {' '.join(str(error).split())[:300]}") from error
    except RequestInvalid as error:
        raise UsageError(f"{file}: {error.message}") from error
    if wrong := chosen(plan.repositories):
        raise UsageError(f"{file}: {wrong}")
    return plan


def _write(file: Path, text: str) -> None:
    """Replace a file, whole or not at all. Raises UsageError."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error


def _place(system: System, text: str) -> str:
    """Where the source is, as a plan says it: a folder by its whole path. Raises UsageError."""
    if system is not System.REGISTRY and (text.startswith((".", "/")) or Path(text).is_dir()):
        return str(Path(text).absolute())
    scheme, separator, rest = text.partition("://")
    if separator and scheme not in ("http", "https"):
        raise UsageError(f"{text[:160]!r} is no registry: write HOST:PORT, or the folder of its storage")
    try:
        return parse_registry((rest if separator else text).rstrip("/"))
    except NameInvalid as error:
        what = "neither a folder nor a registry" if system is not System.REGISTRY else "no registry"
        raise UsageError(f"{text[:160]!r} is {what}: {error.message}") from error


def _namespace(into: str) -> None:
    try:
        RepositoryName(f"{into.strip('/')}/x")
    except NameInvalid as error:
        raise UsageError(f"--into {into[:160]!r}: {error.message}") from error


def server_of(servers: Servers, choice: ServerChoice) -> str:
    """`host:port` of the registry that everything comes to; it may be open to everybody. Raises UsageError where none
    is named and nobody is signed in anywhere."""
    saved = kept(servers, choice)
    url = saved.server if saved is not None else url_of(choice)
    if not url:
        raise UsageError("nobody is signed in; run orlop login HOST:PORT, or name a registry with --server")
    return url.partition("://")[2]


def _connecting(choice: ServerChoice) -> Connecting:
    return Connecting(plain_http=choice.plain_http, insecure=choice.insecure, ca=choice.ca)


def _pause(every: str) -> float:
    if not every:
        return 0
    try:
        found = duration(every) / SECOND
    except ValueError as error:
        raise UsageError(f"--every {every[:80]!r}: {error}") from error
    if found < 1:
        raise UsageError("--every is a second or more")
    return found
