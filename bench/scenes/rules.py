"""Catalogs of Orlop's for what tags may become and what they were: one with rules on three levels, and one with a tag
that moved very often."""

import json
from collections.abc import Awaitable, Callable, Iterator

from bench.scenes import content, people
from bench.scenes.catalog import Step, Writer, push
from orlop.domain.tag_rules import TAG_RULES
from orlop.ports.catalog import By
from orlop.ports.identity import Identity
from orlop.ports.settings import Document

#: Where images are pushed whose tags the rules are about.
RULED = "push/ruled"
#: By place, from the root down. Each is about the tags that are pushed or leaves them out by a pattern, none refuses.
_RULES = {
    "": {"tags": ["*"], "except": ["t*"], "semver": True},
    "push": {"tags": ["v*", "t*"], "immutable": True},
    RULED: {"tags": ["t*"], "may_move": ["group:release"], "names": ["t*"]},
}

#: The repository and the tag that moved between two manifests.
MOVED, TAG = "push/moved", "prod"
MOVES = 100_000

_BY = By("bench", 1_700_000_000_000_000)


def manifests() -> tuple[content.Piece, content.Piece]:
    """What the tag points at in turns."""
    return content.manifest((), "one"), content.manifest((), "other")


async def ruled(writer: Writer) -> None:
    """No content, and rules."""
    await writer.people(people.steps())
    await writer.people(_rule(path, body) for path, body in _RULES.items())


async def moved(writer: Writer) -> None:
    """One repository with a tag that moved."""
    await writer.blob(MOVED, content.config())
    await writer.steps(_moves())
    await writer.people(people.steps())


def _rule(path: str, body: dict[str, object]) -> Callable[[Identity], Awaitable[object]]:
    document = Document(TAG_RULES.kind, "rule", json.dumps(body).encode(), path=path)
    return lambda identity: identity.documents.put(document, _BY)


def _moves() -> Iterator[Step]:
    for number in range(MOVES):
        yield push(MOVED, manifests()[number % 2], [TAG])
