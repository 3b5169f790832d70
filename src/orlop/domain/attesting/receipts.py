"""Rules for receipts: where pushes and promotions are attested, and what is attested of a push."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.events import Event, EventKind
from orlop.domain.settings import Holds, SettingKind, nobody


class ReceiptRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is attested of images in a place; the nearest place that says something holds."""

    pushes: Annotated[
        bool, Meta(description="Each push of an image is attested: who pushed what, when, and where to.")
    ] = True
    promotions: Annotated[
        bool,
        Meta(
            description="Each promotion of an image to here is attested: who asked for it and who approved it, from"
            " where, and what gates said."
        ),
    ] = True


def receipt(event: Event, moment: Callable[[int], str], by: str = "", at: int = 0) -> dict[str, Any]:
    """The predicate of a push; of one that came out of quarantine with an event, and was made by somebody at a time
    before. `moment`: microseconds since 1970 as RFC 3339."""
    said = {
        "event": event.id,
        "pushedAt": moment(at or event.at),
        "pushedBy": by or event.actor,
        "repository": event.repository,
        "digest": event.digest,
    }
    released = {"releasedAt": moment(event.at), "releasedBy": event.actor}
    return said | (released if event.kind is EventKind.QUARANTINE_RELEASED else {})


#: Rules for receipts as settings. Whoever may pull may see what is attested.
RECEIPT_RULES = SettingKind(
    kind="receipt-rule",
    plural="receipt-rules",
    text="Rules for receipts: whether pushes and promotions of images are attested, signed by the registry.",
    body=ReceiptRule,
    speaks_for=nobody,
    read=Action.PULL,
    holds=Holds.NEAREST,
)
