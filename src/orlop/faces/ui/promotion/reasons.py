"""Why somebody refuses a promotion, or goes back."""

from orlop.domain.errors import RequestInvalid
from orlop.faces.ui.exchange import UiExchange

#: Characters of a reason, as the API takes them.
LEAST, MOST = 3, 512


def reason_of(exchange: UiExchange, reader: str) -> str:
    """The reason that a form sent, on a line. `reader`: for whom it is, in words. Raises RequestInvalid."""
    reason = " ".join(exchange.field("reason").split())
    if len(reason) < LEAST:
        raise RequestInvalid(f"say why, for whoever {reader}")
    if len(reason) > MOST:
        raise RequestInvalid(f"a reason has at most {MOST} characters, this one has {len(reason)}")
    return reason
