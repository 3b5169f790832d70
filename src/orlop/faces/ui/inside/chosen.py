"""Which image of an index is shown where an address names none."""

from collections.abc import Sequence
from urllib.parse import urlencode

from orlop.domain.errors import RequestInvalid
from orlop.faces.ui.addresses import image_address
from orlop.faces.ui.exchange import Reply, UiExchange, redirect

#: The platform that is shown of an index where nobody chose one.
USUAL = "linux/amd64"


def chosen_platform(exchange: UiExchange, repository: str, reference: str, tab: str, refusal: RequestInvalid) -> Reply:
    """Leads to the most usual platform of an index, where the address names none. Raises the refusal else."""
    offered = refusal.detail.get("platforms") if isinstance(refusal.detail, dict) else None
    if exchange.query.get("platform") or not isinstance(offered, Sequence) or not offered:
        raise refusal
    platform = USUAL if USUAL in offered else str(offered[0])
    kept = {name: value for name, value in exchange.query.items() if name != "platform"}
    return redirect(f"{image_address(repository, reference, tab)}?{urlencode({'platform': platform} | kept)}")
