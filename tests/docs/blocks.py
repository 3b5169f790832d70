"""The fenced blocks of a document: what is a transcript, what is a file, and whether output is what was promised.

Running them is not here.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_FENCE = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE
)
_HEADING = re.compile(r"^## ", re.MULTILINE)
_ANY = "…"


class Block(NamedTuple):
    """A fenced block. `body` ends with a newline."""

    kind: str
    """The first word behind the fence."""
    words: tuple[str, ...]
    """The others: the programs that a transcript needs, or `server`."""
    body: str
    file: str
    """The name under which the document has it written; empty where it does not."""
    line: int
    """Of its first line in the document."""
    section: int
    """How many headings of the second level stand before it."""
    start: int
    """Where the body begins in the document."""


class Step(NamedTuple):
    """A command of a transcript, and the output that the document shows."""

    typed: tuple[str, ...]
    """The lines of the command as they stand there."""
    expected: tuple[str, ...]

    @property
    def command(self) -> str:
        """What is typed, without prompts."""
        return "\n".join(line[2:] for line in self.typed)


def blocks(document: str) -> list[Block]:
    """All fenced blocks, in order. Fails on a fence that is indented or not closed."""
    found = [
        Block(
            *_info(match["info"]),
            body=match["body"],
            file=match["file"] or "",
            line=document.count("\n", 0, match.start("body")) + 1,
            section=len(_HEADING.findall(document[: match.start()])),
            start=match.start("body"),
        )
        for match in _FENCE.finditer(document)
    ]
    assert 2 * len(found) == len(re.findall(r"^\s*```", document, re.MULTILINE)), "a fence is indented or not closed"
    return found


def _info(info: str) -> tuple[str, tuple[str, ...]]:
    kind, *words = info.split() or [""]
    return kind, tuple(words)


def steps(body: str) -> list[Step]:
    """The commands of a transcript: `$ ` begins one, `> ` right behind it goes on with it, the rest is output."""
    found: list[tuple[list[str], list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append(([line], []))
        else:
            assert found, f"a transcript begins with a command, not with {line!r}"
            typed, expected = found[-1]
            (typed if line.startswith("> ") and not expected else expected).append(line)
    return [Step(tuple(typed), tuple(expected)) for typed, expected in found]


def promised(expected: Sequence[str]) -> re.Pattern[str]:
    """Matches lines of output, each with its newline. `…` is anything in a line; alone, any number of lines."""
    lines = [
        r"(?:[^\n]*\n)*?" if line.strip() == _ANY else r"[^\n]*".join(map(re.escape, line.rstrip().split(_ANY))) + r"\n"
        for line in expected
    ]
    return re.compile("".join(lines))


def tidy(output: str) -> str:
    """Output without white space at the ends of lines, each line with its newline."""
    return "".join(f"{line.rstrip()}\n" for line in output.splitlines())
