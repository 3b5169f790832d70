"""The settings of the audit log, and what of them fits together."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec

from orlop.config.errors import ConfigurationInvalid
from orlop.config.meaning import Meaning, ValueKind
from orlop.config.units import is_loopback
from orlop.domain.durations import DAY

#: The ports that syslog has by itself (RFC 5426, 6587, 5425).
SYSLOG_PORTS = {"udp": 514, "tcp": 601, "tls": 6514}


class Audit(msgspec.Struct, frozen=True):
    """The audit log: what it holds, for how long, and who else gets it. See [audit.md](audit.md)."""

    keep: Annotated[
        int,
        Meaning("How long entries are kept; whole days go. 0 means for ever.", ValueKind.DURATION, default="`365d`"),
    ] = 365 * DAY
    pulls: Annotated[
        Literal["none", "sampled", "all"],
        Meaning(
            "Which pulls have entries: `sampled` means one in `audit.sample`.",
            ValueKind.TEXT,
            choices=("none", "sampled", "all"),
        ),
    ] = "sampled"
    sample: Annotated[int, Meaning("Of how many pulls one has an entry.", ValueKind.COUNT, minimum=1)] = 100
    key: Annotated[
        Path | None,
        Meaning(
            "PEM file with the Ed25519 key that signs heads, the same for all replicas.",
            ValueKind.PATH,
            default="one in the catalog",
        ),
    ] = None
    syslog: Annotated[
        str,
        Meaning(
            "Where entries are sent as syslog messages: `udp://host`, `tcp://host:port` or `tls://host:port`.",
            ValueKind.TEXT,
            default="nowhere",
        ),
    ] = ""
    syslog_ca: Annotated[
        Path | None,
        Meaning(
            "PEM file with the authorities that its certificate may come from.", ValueKind.PATH, default="the machine's"
        ),
    ] = None
    http: Annotated[
        str,
        Meaning("Where entries are sent as JSON: an `https://` or `http://` URL.", ValueKind.TEXT, default="nowhere"),
    ] = ""
    http_ca: Annotated[
        Path | None,
        Meaning(
            "PEM file with the authorities that its certificate may come from.", ValueKind.PATH, default="the machine's"
        ),
    ] = None
    http_token: Annotated[
        str, Meaning("Sent as `Authorization: Bearer`. Never shown.", ValueKind.SECRET, default="none")
    ] = ""

    @property
    def syslog_place(self) -> tuple[str, str, int] | None:
        """Transport, host and port; None when nothing is sent. Raises ConfigurationInvalid."""
        if not self.syslog:
            return None
        parts = _split("audit.syslog", self.syslog, "udp://log.example.org or tls://log.example.org:6514")
        if parts.scheme not in SYSLOG_PORTS or parts.path not in ("", "/") or parts.query:
            raise ConfigurationInvalid(f"audit.syslog: {self.syslog!r} is not udp://, tcp:// or tls:// and a host")
        return parts.scheme, str(parts.hostname), parts.port or SYSLOG_PORTS[parts.scheme]


def check_audit(audit: Audit) -> None:
    """Raises ConfigurationInvalid for settings that contradict each other."""
    place = audit.syslog_place
    if audit.syslog_ca is not None and (place is None or place[0] != "tls"):
        raise ConfigurationInvalid("audit.syslog_ca needs audit.syslog = tls://…")
    if audit.http:
        parts = _split("audit.http", audit.http, "https://collector.example.org/orlop")
        if parts.scheme not in ("https", "http") or parts.fragment:
            raise ConfigurationInvalid("audit.http is not a URL such as https://collector.example.org/orlop")
        if audit.http_token and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ConfigurationInvalid("audit.http_token is sent over https alone, or to this machine")
    elif audit.http_token or audit.http_ca is not None:
        raise ConfigurationInvalid("audit.http_token and audit.http_ca need audit.http")
    if audit.http_ca is not None and not audit.http.startswith("https://"):
        raise ConfigurationInvalid("audit.http_ca needs audit.http = https://…")


def _split(key: str, url: str, example: str) -> SplitResult:
    """The parts of a URL, which is not told back: it may hold a secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as cause:
        raise ConfigurationInvalid(f"{key} is not a URL such as {example}") from cause
    if not parts.hostname or port == 0:
        raise ConfigurationInvalid(f"{key} is not a URL such as {example}")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationInvalid(f"{key} holds a name or password; it is not sent that way")
    return parts
