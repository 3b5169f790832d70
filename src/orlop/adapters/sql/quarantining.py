"""How what is pushed gets into quarantine, in the transaction that stores it."""

from collections.abc import Mapping

import msgspec

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.ledger import Ledger
from orlop.domain.digest import Digest
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.by import By
from orlop.ports.held import HeldState

_tags = msgspec.json.Decoder(dict[str, str | None])


async def is_quarantined(tx: Session, manifest: int) -> bool:
    """Whether a manifest is hidden, for it was pushed into quarantine and not let out."""
    row = await tx.one("quarantined_row", manifest)
    return row is not None and row[1] != HeldState.RELEASED


async def quarantine(
    tx: Session,
    name: RepositoryName,
    manifest: int,
    digest: Digest,
    moves: Mapping[Tag, str | None],
    by: By,
    ledger: Ledger,
) -> None:
    """Hide a manifest of a locked repository, which gets these tags when it is let out, instead of whatever waits for
    one of them: an earlier build never comes out after a later one. Those that it waits for already it keeps."""
    for row, kept in await tx.all("quarantined_waiting_in", name):
        others = kept_tags(kept)
        left = {tag: previous for tag, previous in others.items() if tag not in moves}
        if len(left) < len(others):
            await tx.run("quarantined_tags_set", row, _text(left))
    known = await tx.one("quarantined_row", manifest)
    waiting = kept_tags(known[2]) if known is not None and known[1] == HeldState.WAITING else {}
    tags = {**waiting, **{tag: Digest.stored(before) if before else None for tag, before in moves.items()}}
    await tx.run("quarantined_put", manifest, name, digest, _text(tags), by.actor, by.at)
    first = next(iter(moves), "")
    ledger.event(EventKind.QUARANTINE_HELD, name, digest, first)


def kept_tags(text: str) -> dict[Tag, Digest | None]:
    """The tags of a row, and what each pointed at."""
    return {Tag.stored(tag): Digest.stored(before) if before else None for tag, before in _tags.decode(text).items()}


def _text(tags: Mapping[Tag, Digest | None]) -> str:
    return msgspec.json.encode(tags, enc_hook=str).decode()
