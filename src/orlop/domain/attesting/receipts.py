"""Rules for receipts: where each push of an image is attested, and what is attested of it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.events import Event
from orlop.domain.settings import Holds, SettingKind, nobody

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReceiptRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whether pushes of images are attested in a place; the nearest place that says something holds."""

    pushes: Annotated[
        bool, Meta(description="Each push of an image is attested: who pushed what, when, and where to.")
    ] = True


def receipt(event: Event) -> dict[str, Any]:
    """The predicate of a push."""
    return {
        "push": event.id,
        "pushedAt": moment(event.at),
        "pushedBy": event.actor,
        "repository": event.repository,
        "digest": event.digest,
    }


def moment(at: int) -> str:
    """Microseconds since 1970 as RFC 3339."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z")


#: Rules for receipts as settings. Whoever may pull may see whether pushes are attested.
RECEIPT_RULES = SettingKind(
    kind="receipt-rule",
    plural="receipt-rules",
    text="Rules for receipts: whether each push of an image is attested, signed by the registry.",
    body=ReceiptRule,
    speaks_for=nobody,
    read=Action.PULL,
    holds=Holds.NEAREST,
)
