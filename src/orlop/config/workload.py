"""The settings of trusts: how those who vouch for workloads are asked. What they are trusted for is no setting."""

from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from orlop.config.errors import ConfigurationInvalid
from orlop.config.meaning import Meaning, ValueKind
from orlop.domain.durations import SECOND


class Trusts(msgspec.Struct, frozen=True):
    """How issuers of tokens and AWS are asked: see [ci.md](ci.md)."""

    timeout: Annotated[int, Meaning("How long an issuer may take to answer.", ValueKind.DURATION, minimum=SECOND)] = (
        10 * SECOND
    )
    sts_endpoint: Annotated[
        str,
        Meaning(
            "URL that takes the place of `https://sts.REGION.amazonaws.com`, such as that of an interface endpoint.",
            ValueKind.TEXT,
            default="AWS's own",
        ),
    ] = ""


def check_trusts(trusts: Trusts) -> None:
    """Raises ConfigurationInvalid for what cannot be asked."""
    if trusts.sts_endpoint and not _is_base(trusts.sts_endpoint):
        raise ConfigurationInvalid(f"trusts.sts_endpoint: {trusts.sts_endpoint!r} is not a URL such as https://host")


def _is_base(text: str) -> bool:
    try:
        url = urlsplit(text)
        fits = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    extra = url.query or url.fragment or url.username is not None or url.path not in {"", "/"}
    return fits and not extra and text.isascii() and text.isprintable()
