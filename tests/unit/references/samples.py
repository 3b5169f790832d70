"""How samples of files and what they mean are written down: `LINE:COLUMN reference`, or `LINE:COLUMN ? code`."""

from typing import NamedTuple

from orlop.services.references.lint import Examined, lint
from orlop.services.references.occurrences import Format


class Sample(NamedTuple):
    """A text and the references in it."""

    name: str
    text: str
    expected: tuple[str, ...]


def described(text: str, form: Format) -> tuple[str, ...]:
    """The references of `text` in the notation of the samples."""
    return tuple(map(_describe, lint(text, form)))


def codes(text: str, form: Format) -> tuple[str, ...]:
    """The codes of all findings in `text`."""
    return tuple(finding.code for item in lint(text, form) for finding in item.findings)


def _describe(item: Examined) -> str:
    meaning = str(item.reference) if item.reference else "? " + ",".join(finding.code for finding in item.findings)
    return f"{item.place.line}:{item.place.column} {meaning}"
