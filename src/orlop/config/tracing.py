"""The settings of traces: see docs/observing.md."""

from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from orlop.config.errors import ConfigurationInvalid
from orlop.config.meaning import Meaning, ValueKind


class Tracing(msgspec.Struct, frozen=True):
    """Traces of requests and jobs, in OpenTelemetry's protocol. See [observing.md](observing.md#traces)."""

    endpoint: Annotated[
        str,
        Meaning(
            "Where spans are sent by OTLP over HTTP, such as `http://collector:4318`; empty: nothing is traced.",
            ValueKind.URL,
            default="none",
        ),
    ] = ""
    sample: Annotated[
        int,
        Meaning(
            "Of so many requests and jobs one is traced; one that belongs to a trace (`traceparent`) is as that says.",
            ValueKind.COUNT,
            minimum=1,
        ),
    ] = 100
    authorization: Annotated[
        str, Meaning("What is sent to the receiver as `Authorization`.", ValueKind.SECRET, default="none")
    ] = ""


def check_tracing(tracing: Tracing) -> None:
    """Raises ConfigurationInvalid for what is no URL."""
    if not tracing.endpoint:
        return
    try:
        url = urlsplit(tracing.endpoint)
        fits = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0 and not url.username
    except ValueError:
        fits = False
    if not fits or url.query or url.fragment:
        raise ConfigurationInvalid("tracing.endpoint is not a URL such as http://collector:4318")
