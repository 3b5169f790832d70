"""What is attested of a promotion: who wanted and allowed it, by what, and when it took effect."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from orlop.domain.events import Event, EventKind
from orlop.domain.promotion.promotion import GatePassed, PromotedImage, Promotion

_NUMBERED = re.compile(r"promotion ([0-9]{1,19})")


def promotion_of(event: Event) -> int | None:
    """The number of the promotion that an event is about; None: it is about none."""
    found = _NUMBERED.fullmatch(event.subject)
    return int(found[1]) if found else None


def image_of(event: Event, promotion: Promotion) -> tuple[int, PromotedImage] | None:
    """Which of the images of a promotion an event is about, and its place among them."""
    return next(
        (
            (place, image)
            for place, image in enumerate(promotion.images)
            if (image.target, image.digest, image.target_tag or "") == (event.repository, event.digest, event.tag)
        ),
        None,
    )


def decision(
    event: Event,
    promotion: Promotion,
    image: PromotedImage,
    gates: Sequence[GatePassed],
    moment: Callable[[int], str],
) -> dict[str, Any]:
    """The predicate of a promotion that took effect, or was rolled back, with an event. `moment`: microseconds since
    1970 as RFC 3339."""
    back = event.kind is EventKind.PROMOTION_ROLLED_BACK
    said = {
        "promotion": promotion.id,
        "pipeline": {"name": promotion.pipeline, "path": promotion.path},
        "decision": "rolled back" if back else "promoted",
        "decidedAt": moment(event.at),
        "decidedBy": event.actor,
        "digest": str(image.digest),
        "from": _place(promotion.source, image.repository, image.tag),
        "to": _place(promotion.stage, image.target, image.target_tag),
        "requestedBy": promotion.asked_by,
        "requestedAt": moment(promotion.asked_at),
        "approvalsNeeded": promotion.needed,
        "approvals": [{"by": one.name, "at": moment(one.at)} for one in promotion.approvals],
        "gates": [_gate(one) for one in gates],
    }
    if promotion.bundle:
        said["bundle"] = promotion.bundle
    if back:
        said["reason"] = promotion.why
    return said


def _place(stage: str, repository: str, tag: str | None) -> dict[str, str]:
    return {"stage": stage, "repository": str(repository)} | ({"tag": str(tag)} if tag else {})


def _gate(one: GatePassed) -> dict[str, str]:
    said = {"name": one.gate, "path": one.path, "mode": one.mode, "verdict": "warned" if one.why else "passed"}
    return said | ({"why": one.why} if one.why else {})
