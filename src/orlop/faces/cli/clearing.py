"""How commands tell what clears a finding: an exception, or a VEX document."""

from collections.abc import Mapping
from typing import Any

from orlop.domain.settings import place_words

#: After these nothing is to be done (OpenVEX 0.2.0, "Status Labels").
_CLEARING = frozenset({"not_affected", "fixed"})


def part_of(finding: Mapping[str, Any]) -> str:
    """Of which part of a report it is: open, accepted by an exception, or cleared by a document."""
    if finding["accepted"] is not None:
        return "accepted"
    return "cleared" if finding["said"] is not None and finding["said"]["status"] in _CLEARING else "open"


def document_words(said: Mapping[str, Any]) -> str:
    """A document, by where it is: a setting, or a referrer by the first digits of its digest."""
    if said["name"]:
        return f"{said['name']} at {place_words(said['path'])}"
    return f"{said['referrer'].partition(':')[2][:12]} by {said['pushed_by']}"


def clearing_words(finding: Mapping[str, Any]) -> str:
    """What clears it, in a cell of a table; - where nothing does."""
    part, accepted, said = part_of(finding), finding["accepted"], finding["said"]
    if part == "accepted":
        return f"{accepted['name']} at {place_words(accepted['path'])}, until {accepted['until']}"
    return f"{document_words(said)}, {said['status'].replace('_', ' ')}" if part == "cleared" else "-"


def cleared_counts(found: Mapping[str, Any]) -> str:
    """Such as `; 1 accepted; 2 cleared`; empty where nothing is cleared."""
    return "".join(f"; {found[part]} {part}" for part in ("accepted", "cleared") if found[part])
