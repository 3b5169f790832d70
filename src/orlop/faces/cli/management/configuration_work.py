"""What orlop apply and orlop export do."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from orlop.domain.errors import RequestInvalid
from orlop.faces.cli import shown
from orlop.faces.cli.management import typed
from orlop.faces.cli.management.carrying import carry_out, read
from orlop.faces.cli.management.documents import (
    Document,
    Step,
    Verb,
    kind_of,
    kinds,
    parse_document,
    place_in_order,
    plan,
    written,
)
from orlop.faces.cli.running import DONE, FAILED, UsageError, tell
from orlop.ports.management import ManagementServer

_MARKS = {Verb.CREATE: "+", Verb.CHANGE: "~", Verb.DELETE: "-", Verb.DRIFT: "!"}
_SUFFIXES = (".yaml", ".yml")
_FILE_LIMIT = 8 * 1024 * 1024


async def apply(server: ManagementServer, file: Path, *, yes: bool, dry_run: bool, prune: bool, json: bool) -> int:
    """The exit code. Raises UsageError for files that are no documents."""
    wanted = documents(file)
    try:
        steps = plan(await read(server), wanted, prune=prune)
    except RequestInvalid as error:
        raise UsageError(error.message) from error
    todo = [step for step in steps if step.verb is not Verb.DRIFT]
    if json:
        shown.print_json([_fields(step) for step in steps])
    else:
        _show(steps, todo)
    if not todo:
        return DONE
    if dry_run:
        return FAILED
    if not yes and not _confirmed(len(todo)):
        tell("nothing was done; --yes does it")
        return FAILED
    await carry_out(server, todo, lambda step: tell(f"done: {step.verb} {step.kind} {shown.cell(step.key, 200)}"))
    return DONE


async def export(server: ManagementServer, folder: Path | None) -> None:
    """Write everything that the caller may see. Raises UsageError for a folder that has something in it."""
    found = sorted(
        (there.document for there in await read(server)),
        key=place_in_order,
    )
    if folder is None:
        sys.stdout.write(_text(found))
        return
    await asyncio.to_thread(_write, folder, found)
    tell(f"{len(found)} documents in {folder}")


def _write(folder: Path, found: list[Document]) -> None:
    """A file for each kind."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} has something in it; name an empty folder")
        for kind in kinds():
            of_kind = [one for one in found if kind_of(one) == kind]
            if of_kind:
                (folder / f"{kind}s.yaml").write_text(_text(of_kind), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from error


def documents(file: Path) -> list[Document]:
    """The documents of a file, of the files in a folder, or of standard input. Raises UsageError."""
    found: list[Document] = []
    for name, text in _texts(file):
        try:
            for number, value in enumerate(yaml.safe_load_all(text), 1):
                if value is not None:
                    found.append(parse_document(value, f"{name}, document {number}"))
        except yaml.YAMLError as error:
            raise UsageError(f"{name} is not valid YAML: {' '.join(str(error).split())[:300]}") from error
        except RecursionError as error:
            raise UsageError(f"{name} is too deep") from error
        except RequestInvalid as error:
            raise UsageError(error.message) from error
    return found


def _texts(file: Path) -> Iterator[tuple[str, str]]:
    if str(file) == "-":
        yield "standard input", sys.stdin.read(_FILE_LIMIT)
        return
    try:
        files = sorted(one for one in file.rglob("*") if one.suffix in _SUFFIXES) if file.is_dir() else [file]
        if not files:
            raise UsageError(f"{file} has no file that ends with .yaml or .yml")
        for one in files:
            with one.open(encoding="utf-8") as opened:
                yield str(one), opened.read(_FILE_LIMIT)
    except (OSError, UnicodeDecodeError) as error:
        raise typed.unreadable(file, error) from error


def _text(found: list[Document]) -> str:
    return "---\n".join(yaml.safe_dump(written(one), sort_keys=False, allow_unicode=True) for one in found)


def _fields(step: Step) -> dict[str, Any]:
    return {"verb": step.verb.value, "kind": step.kind, "key": step.key, "reasons": list(step.reasons)}


def _show(steps: list[Step], todo: list[Step]) -> None:
    for step in steps:
        print(f"{_MARKS[step.verb]} {step.verb:<6} {step.kind:<9} {shown.cell(step.key, 200)}")
        for reason in step.reasons:
            print(f"      {shown.cell(reason, 300)}")
    counts = {verb: sum(step.verb is verb for step in steps) for verb in Verb}
    print(
        f"{counts[Verb.CREATE]} to create, {counts[Verb.CHANGE]} to change, {counts[Verb.DELETE]} to delete, "
        f"{counts[Verb.DRIFT]} otherwise than written" + ("" if todo else "; nothing to do")
    )


def _confirmed(count: int) -> bool:
    """Whether somebody at the terminal says so."""
    if not sys.stdin.isatty():
        return False
    return input(f"Do {count} {'step' if count == 1 else 'steps'}? [y/N] ").strip().lower() in {"y", "yes"}
