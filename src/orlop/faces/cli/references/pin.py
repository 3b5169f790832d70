"""What `ref pin` asks, writes and prints."""

from pathlib import Path
from typing import Any

from orlop.domain.digest import Digest
from orlop.domain.references import ImageReference
from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.differences import unified_diff
from orlop.faces.cli.locations import Location, StoreKind
from orlop.faces.cli.references.lint import (
    OpenedFile,
    level_of,
    open_file,
    place_of,
    print_json,
    printable,
    problem_line,
    reference_fields,
)
from orlop.faces.cli.running import DONE, FAILED, USAGE, UsageError, tell
from orlop.faces.cli.textfiles import FileRefused, TextFile, replace_text
from orlop.services.references.occurrences import Format
from orlop.services.references.pin import Pinned, PinnedText, PinOutcome, Resolver, Source, pin


def resolver(stores: ContentStores, connecting: Connecting) -> Resolver:
    """Asks the registry that a reference names."""

    async def resolve(reference: ImageReference) -> Digest:
        location = Location(StoreKind.REGISTRY, str(reference.target), image=reference)
        async with stores.repository(location, connecting) as repository:
            found = Digest((await repository.resolve(location.name)).digest)
            # What a registry says of a tag is written down only if it has that, too.
            await repository.resolve(found)
            return found

    return resolve


async def pin_files(
    paths: list[Path], form: Format | None, resolve: Resolver, *, update: bool, dry_run: bool, json: bool
) -> int:
    """Pin the files, each written on its own; the exit code. A file named twice is pinned once."""
    opened, code = _open_all(paths, form)
    sources = [
        Source(one.file.text, one.form, one.variables)
        for one in opened
        if one.file is not None and one.form is not None
    ]
    answers = iter(await pin(sources, resolve, update=update))
    documents: list[dict[str, Any]] = []
    for one in opened:
        if one.file is None:
            document = _unreadable(one, json=json)
        else:
            document = _finish(one, one.file, next(answers), dry_run=dry_run, json=json)
        documents.append(document)
        if "error" in document or any(entry["outcome"] is PinOutcome.FAILED for entry in document["references"]):
            code = code or FAILED
    if json:
        print_json({"files": documents})
    return code


def _unreadable(one: OpenedFile, *, json: bool) -> dict[str, Any]:
    assert one.problem is not None
    if not json:
        print(problem_line(one.path, one.problem))
    document: dict[str, Any] = {"file": printable(str(one.path), 4_096), "format": one.form, "references": []}
    return document | {str(level_of(one.problem)): one.problem.message}


def _finish(one: OpenedFile, file: TextFile, answer: PinnedText, *, dry_run: bool, json: bool) -> dict[str, Any]:
    """Write or show one file; what is to be said about it."""
    document: dict[str, Any] = {"file": printable(str(one.path), 4_096), "format": one.form, "written": False}
    document["references"] = [_fields(result) for result in answer.references]
    diff = unified_diff(str(one.path).lstrip("/"), file.text, answer.text) if dry_run else ""
    if diff:
        document["diff"] = diff
    elif answer.text != file.text:
        try:
            replace_text(file, answer.text)
        except FileRefused as error:
            tell(f"orlop: {error.message}")
            return document | {"error": error.message}
        document["written"] = True
    if not json:
        _print(one, answer, diff)
    return document


def _open_all(paths: list[Path], form: Format | None) -> tuple[list[OpenedFile], int]:
    opened: dict[Path, OpenedFile] = {}
    code = DONE
    for path in paths:
        try:
            opened.setdefault(path.resolve(), open_file(path, form))
        except UsageError as error:
            tell(f"orlop: {error}")
            code = USAGE
    return list(opened.values()), code


def _fields(result: Pinned) -> dict[str, Any]:
    added = {"outcome": result.outcome, "pinned": result.digest, "reason": result.reason}
    return reference_fields(result.examined) | added


def _print(one: OpenedFile, answer: PinnedText, diff: str) -> None:
    if diff:
        print("".join(c if c.isprintable() or c in "\n\r\t" else "\N{REPLACEMENT CHARACTER}" for c in diff), end="")
    for result in answer.references:
        # A diff goes to standard output alone, so that it can be piped into patch.
        line = f"{place_of(one.path, result.examined)}: {_sentence(result)}"
        if diff:
            tell(line)
        else:
            print(line)


def _sentence(result: Pinned) -> str:
    written = printable(result.examined.occurrence.written, 200)
    reason = f": {printable(result.reason, 300)}" if result.reason else ""
    digest = f" {result.digest}" if result.digest and result.outcome in (PinOutcome.PINNED, PinOutcome.UPDATED) else ""
    return f"{result.outcome} {written}{digest}{reason}"
