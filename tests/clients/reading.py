"""The program in `readers`, which reads texts as BuildKit, compose-go and Kustomize do, asked for many at once."""

import json
import subprocess
from typing import Any, NamedTuple

from tests.needs import CLIENTS, need

#: The sources of BuildKit and compose-go, whose own samples are read too.
SOURCES = CLIENTS / "readers"


class Answer(NamedTuple):
    """What one text says; `error` is why it was refused."""

    error: str
    images: list[str]
    word: str
    unmatched: list[str]


def ask(kind: str, requests: list[dict[str, Any]]) -> list[Answer]:
    """The answers to requests of one kind, in their order."""
    program = need("file-readers")["file-readers"]
    text = json.dumps([{"kind": kind, **one} for one in requests])
    done = subprocess.run([program], input=text, capture_output=True, text=True, timeout=120, check=True)
    return [
        Answer(one["error"], one["images"] or [], one["word"], one["unmatched"] or [])
        for one in json.loads(done.stdout)
    ]
