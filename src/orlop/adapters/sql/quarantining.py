"""How what is pushed gets into quarantine, in the transaction that stores it."""

from collections.abc import Mapping

import msgspec

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.ledger import Ledger
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.by import By
from orlop.ports.held import HeldState

_tags = msgspec.json.Decoder(dict[str, str | None])


def waits_there(name: RepositoryName, digest: Digest) -> Conflict:
    """What is refused because a manifest waits in a repository."""
    return Conflict(f"{digest} waits in quarantine in {name}; it has to be let out there", {"reference": digest})


async def quarantine(
    tx: Session,
    name: RepositoryName,
    manifest: int,
    digest: Digest,
    moves: Mapping[Tag, str | None],
    pushed_id: int,
    by: By,
    ledger: Ledger,
) -> None:
    """Hide a manifest of a locked repository, which gets these tags when it is let out, instead of whatever waits for
    one of them: an earlier build never comes out after a later one. Those that it waits for already it keeps."""
    for row, kept in await tx.all("quarantined_waiting_in", name) if moves else ():
        others = kept_tags(kept)
        left = {tag: previous for tag, previous in others.items() if tag not in moves}
        if len(left) < len(others):
            await tx.run("quarantined_tags_set", row, _text(left))
    known = await tx.one("quarantined_row", manifest)
    waiting = kept_tags(known[2]) if known is not None and known[1] == HeldState.WAITING else {}
    tags = {**waiting, **{tag: Digest.stored(before) if before else None for tag, before in moves.items()}}
    await tx.run("quarantined_put", manifest, name, digest, _text(tags), by.actor, pushed_id, by.at)
    first = next(iter(moves), "")
    ledger.event(EventKind.QUARANTINE_HELD, name, digest, first)


async def show(tx: Session, name: RepositoryName, manifest: int, digest: Digest, by: By, ledger: Ledger) -> None:
    """Hide a manifest of a locked repository no more, nor what waits because it names that: it was pushed to where
    nothing is held any more."""
    row = await tx.one("quarantined_row", manifest)
    assert row is not None
    why = "pushed again where nothing is held"
    await tx.one("quarantined_decide", row[0], HeldState.RELEASED.value, by.actor, by.at, why, 0)
    for child in await named(tx, manifest):
        if not child.tags:
            await tx.one("quarantined_decide", child.id, HeldState.RELEASED.value, by.actor, by.at, why, 1)
            ledger.event(EventKind.QUARANTINE_RELEASED, name, child.digest, detail=why)
    ledger.event(EventKind.QUARANTINE_RELEASED, name, digest, detail=why)


class Named(msgspec.Struct, frozen=True):
    """What an index names that is hidden. `tags`: those of its own that it gets, without which it shares the fate of
    the index."""

    id: int
    digest: Digest
    tags: tuple[Tag, ...]
    waits: bool


async def named(tx: Session, manifest: int) -> list[Named]:
    """What is hidden that a manifest names, at any depth."""
    found: dict[int, Named] = {}
    indexes = [manifest]
    while indexes:
        for number, digest, row, tags, state in await tx.all("quarantined_children", indexes.pop()):
            if number not in found:
                found[number] = Named(number, Digest.stored(digest), tuple(kept_tags(tags)), state == HeldState.WAITING)
                indexes.append(row)
    return list(found.values())


def kept_tags(text: str) -> dict[Tag, Digest | None]:
    """The tags of a row, and what each pointed at."""
    return {Tag.stored(tag): Digest.stored(before) if before else None for tag, before in _tags.decode(text).items()}


def _text(tags: Mapping[Tag, Digest | None]) -> str:
    return msgspec.json.encode(tags, enc_hook=str).decode()
