"""What `ref lint` prints, and how it reads its files."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from orlop.domain.references import ImageReference
from orlop.faces.cli.running import DONE, FAILED, USAGE, UsageError, tell
from orlop.faces.cli.textfiles import TextFile, read_text
from orlop.services.references import dotenv
from orlop.services.references.detect import detect
from orlop.services.references.lint import Examined, lint
from orlop.services.references.occurrences import Format, Level, SourceInvalid, UnknownFormat, Unrendered

_HEADINGS = ("LINE", "WHERE", "REGISTRY", "REPOSITORY", "TAG", "DIGEST")


class OpenedFile(msgspec.Struct, frozen=True):
    """A file whose references were read, or, with `problem`, could not be."""

    path: Path
    form: Format | None = None
    file: TextFile | None = None
    variables: dict[str, str] = {}
    references: tuple[Examined, ...] = ()
    problem: SourceInvalid | None = None


def open_file(path: Path, form: Format | None) -> OpenedFile:
    """Read one file and its references. Raises UsageError where it is not there or nothing tells what it is."""
    try:
        file = read_text(path)
        known = form or detect(path.name, file.text)
        variables = _beside(path) if known is Format.COMPOSE else {}
        return OpenedFile(path, known, file, variables, lint(file.text, known, variables))
    except UnknownFormat as error:
        raise UsageError(f"{path}: {error.message}") from error
    except SourceInvalid as error:
        return OpenedFile(path, form, problem=error)


def _beside(path: Path) -> dict[str, str]:
    """What Compose reads in the `.env` of the same folder."""
    file = path.parent / ".env"
    if not file.exists():
        return {}
    try:
        return dotenv.variables(read_text(file).text)
    except SourceInvalid as error:
        place = f":{error.line}" if error.line else ""
        raise SourceInvalid(f".env{place}: {error.message}") from error


def lint_files(paths: list[Path], form: Format | None, *, strict: bool, json: bool) -> int:
    """Print what is in the files; the exit code. One that cannot be opened does not keep the others from being read."""
    opened: list[OpenedFile] = []
    code = DONE
    for path in paths:
        try:
            opened.append(open_file(path, form))
        except UsageError as error:
            tell(f"orlop: {error}")
            code = USAGE
    counts = Counter(finding.level for one in opened for item in one.references for finding in item.findings)
    counts.update(level_of(one.problem) for one in opened if one.problem is not None)
    if json:
        print_json({"files": [_file_fields(one) for one in opened], **{f"{level}s": counts[level] for level in Level}})
    else:
        for one in opened:
            print("\n".join(_file_lines(one)))
        references = sum(len(one.references) for one in opened)
        numbers = ", ".join(_plural(counts[level], level) for level in Level)
        print(f"{_plural(references, 'reference')} in {_plural(len(opened), 'file')}: {numbers}")
    bad = counts[Level.ERROR] or (strict and counts[Level.WARNING])
    return code or (FAILED if bad else DONE)


def print_json(value: Any) -> None:
    """A value as JSON, indented; names, tags and digests as the text that they are."""
    print(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())


def printable(text: str, width: int = 100) -> str:
    """Text of strangers, fit for a terminal: no escape sequences, no endless lines."""
    cut = text if len(text) <= width else f"{text[: width - 1]}…"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in cut)


def level_of(problem: SourceInvalid) -> Level:
    """How much it matters that a file could not be read: a template need not be a file of its own."""
    return Level.NOTE if isinstance(problem, Unrendered) else Level.ERROR


def problem_line(path: Path, problem: SourceInvalid) -> str:
    """What is wrong with a whole file."""
    place = f":{problem.line}" if problem.line else ""
    place += f":{problem.column}" if problem.line and problem.column else ""
    code = "template" if isinstance(problem, Unrendered) else "unreadable"
    return f"{printable(str(path))}{place}: {level_of(problem)}: {printable(problem.message, 300)} [{code}]"


def place_of(path: Path, item: Examined) -> str:
    """`file:line:column`, as editors understand it."""
    return f"{printable(str(path))}:{item.place.line}:{item.place.column}"


def reference_fields(item: Examined) -> dict[str, Any]:
    """One reference for programs."""
    reference = item.reference
    fields: dict[str, Any] = {
        "line": item.place.line,
        "column": item.place.column,
        "start": item.place.start,
        "end": item.place.end,
        "where": item.occurrence.where,
        "written": item.occurrence.written,
        "reference": str(reference) if reference else None,
    }
    if reference is not None:
        fields |= {
            "registry": reference.registry,
            "repository": reference.repository,
            "tag": reference.tag,
            "digest": reference.digest,
            "implied": [name for name, implied in _implied(reference) if implied],
        }
    return fields


def _implied(reference: ImageReference) -> tuple[tuple[str, bool], ...]:
    return (
        ("registry", reference.registry_implied),
        ("namespace", reference.library_implied),
        ("tag", reference.tag_implied),
    )


def _file_fields(one: OpenedFile) -> dict[str, Any]:
    fields: dict[str, Any] = {"file": printable(str(one.path), 4_096), "format": one.form}
    if one.problem is not None:
        problem = one.problem
        fields[level_of(problem)] = {"line": problem.line, "column": problem.column, "message": problem.message}
    fields["references"] = [reference_fields(item) | {"findings": item.findings} for item in one.references]
    return fields


def _file_lines(one: OpenedFile) -> list[str]:
    if one.problem is not None:
        return [problem_line(one.path, one.problem), ""]
    lines = [f"{printable(str(one.path))} ({one.form})"]
    if one.references:
        lines += table([_HEADINGS, *(_row(item) for item in one.references)])
        lines.append("")
    for item in one.references:
        for finding in item.findings:
            lines.append(f"{place_of(one.path, item)}: {finding.level}: {finding.message} [{finding.code}]")
    return [*lines, ""]


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows with their columns aligned, indented by two."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _row(item: Examined) -> tuple[str, ...]:
    place, where, reference = str(item.place.line), printable(item.occurrence.where, 48), item.reference
    if reference is None:
        return place, where, "?", printable(item.occurrence.written, 60), "?", "?"
    registry = f"({reference.registry})" if reference.registry_implied else reference.registry
    repository = str(reference.repository)
    if reference.library_implied:
        namespace, _, name = repository.partition("/")
        repository = f"({namespace}/){name}"
    tag = reference.tag or "-"
    digest = f"{reference.digest.algorithm}:{reference.digest.hex[:12]}…" if reference.digest else "-"
    return place, where, registry, repository, f"({tag})" if reference.tag_implied else tag, digest


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
