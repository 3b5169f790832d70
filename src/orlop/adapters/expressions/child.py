"""The process that answers expressions: `python -m orlop.adapters.expressions.child`.

First it says that it is there. Questions come on standard input one after another, and answers go to standard output
in the same order, each as MessagePack behind its length in four bytes. Whoever starts it kills it when one takes too
long; it ends with its input.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from cel_expr_python import cel

from orlop.adapters.confined import confine
from orlop.domain.gates.expressions import OF_FINDINGS, OF_IMAGES, WHY_MAX, Input
from orlop.domain.gates.given import Given

#: Bytes of address space, and seconds of a processor for all questions: then another one is started.
MEMORY, SECONDS = 512 * 1024 * 1024, 3_600
_FILES = 32
#: Bytes of the length before a message.
LENGTH = 4


class Question(msgspec.Struct, frozen=True):
    """`given`: None to ask only whether they can be asked. `findings`: those are given."""

    expressions: tuple[str, ...]
    findings: bool
    given: Given | None = None


def answers(question: Question) -> list[str]:
    """Of each expression what is against it; empty: nothing."""
    if question.given is None:
        return [_checked(each, question.findings) for each in question.expressions]
    values = question.given.values()
    return [_judged(each, question.findings, values) for each in question.expressions]


def _checked(expression: str, findings: bool) -> str:
    try:
        _compiled(expression, findings)
    except (RuntimeError, ValueError, MemoryError) as cause:
        return _why(cause)
    return ""


def _judged(expression: str, findings: bool, values: Mapping[str, object]) -> str:
    try:
        said = _compiled(expression, findings).eval(data=values)
        if said.type() != cel.Type.BOOL:
            return f"cannot be answered: {_told(str(said.plain_value()))}"
        met = said.plain_value() is True
    except (RuntimeError, ValueError, MemoryError, TypeError) as cause:
        return f"cannot be answered: {_why(cause)}"
    return "" if met else "is not so"


@lru_cache(maxsize=256)
def _compiled(expression: str, findings: bool) -> Any:
    """Raises RuntimeError, ValueError for what is no question."""
    compiled = _environment(findings).compile(expression)
    if compiled.return_type() != cel.Type.BOOL:
        raise ValueError(f"it gives {_type_name(compiled.return_type())}, and has to give bool")
    return compiled


@lru_cache(maxsize=2)
def _environment(findings: bool) -> Any:
    inputs = (*OF_IMAGES, *OF_FINDINGS) if findings else OF_IMAGES
    return cel.NewEnv(variables={each.name: _type(each) for each in inputs})


def _type(named: Input) -> Any:
    kinds: Mapping[str, Any] = {
        "string": cel.Type.STRING,
        "int": cel.Type.INT,
        "map(string, string)": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
        "list(map(string, dyn))": cel.Type.List(cel.Type.Map(cel.Type.STRING, cel.Type.DYN)),
    }
    return kinds[named.type]


def _type_name(kind: Any) -> str:
    return str(kind.name()).lower()


def _why(cause: Exception) -> str:
    return "it takes more memory than it may have" if isinstance(cause, MemoryError) else _told(str(cause))


def _told(text: str) -> str:
    """What the library says, on one line, without the picture of where it is."""
    line = text.replace("INVALID_ARGUMENT: ERROR: <input>:", "at ", 1).partition("\n")[0]
    for word in ("INVALID_ARGUMENT: ", "NOT_FOUND: ", "INTERNAL: ", "CANCELLED: "):
        line = line.removeprefix(word)
    return line.partition(" (in container '')")[0][:WHY_MAX]


def serve(ask: Callable[[Question], Sequence[str]] = answers) -> None:
    """Until there are no more questions. First a length of nothing says that it is there."""
    os.write(1, bytes(LENGTH))
    while len(head := _read(LENGTH)) == LENGTH:
        question = msgspec.msgpack.decode(_read(int.from_bytes(head, "big")), type=Question)
        said = msgspec.msgpack.encode(ask(question))
        said = len(said).to_bytes(LENGTH, "big") + said
        while said:
            said = said[os.write(1, said) :]


def _read(size: int) -> bytes:
    content = bytearray()
    while len(content) < size and (piece := os.read(0, min(size - len(content), 256 * 1024))):
        content += piece
    return bytes(content)


if __name__ == "__main__":
    confine(MEMORY, SECONDS, _FILES)
    serve()
