"""The settings of what connects out, and of webhooks."""

from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from orlop.config.auth import networks
from orlop.config.errors import ConfigurationInvalid
from orlop.config.meaning import Meaning, ValueKind
from orlop.domain.durations import DAY


class Outbound(msgspec.Struct, frozen=True):
    """Connections that others ask for: to webhooks, sign-on providers, issuers of tokens."""

    networks: Annotated[
        str,
        Meaning(
            "Networks of private and loopback addresses that may be connected to, with commas. Public addresses always"
            " may be, and those where machines are given credentials never; sign-on providers and trusts may name"
            " further ones.",
            ValueKind.TEXT,
            default="none",
        ),
    ] = ""

    @property
    def allowed(self) -> tuple[str, ...]:
        """The networks, each as text. Raises ConfigurationInvalid."""
        return tuple(str(network) for network in networks(self.networks, "outbound.networks"))


class Webhooks(msgspec.Struct, frozen=True):
    """How webhooks are sent: see [webhooks.md](webhooks.md)."""

    proxy: Annotated[
        str,
        Meaning(
            "The `http://` proxy that they are sent through. Then it is the proxy that decides which names lead where.",
            ValueKind.URL,
            default="none",
        ),
    ] = ""
    keep: Annotated[
        int, Meaning("How long it is kept what was sent and what came back; 0 means for ever.", ValueKind.DURATION)
    ] = 14 * DAY


def check_outbound(outbound: Outbound, webhooks: Webhooks) -> None:
    """Raises ConfigurationInvalid for what is no network and no proxy."""
    networks(outbound.networks, "outbound.networks")
    if webhooks.proxy and not _is_proxy(webhooks.proxy):
        raise ConfigurationInvalid("webhooks.proxy is not a URL such as http://proxy.example.org:3128")
    if 0 < webhooks.keep < DAY:
        raise ConfigurationInvalid("webhooks.keep is 1d at least: for so long it is tried to deliver something")


def _is_proxy(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme == "http" and bool(parts.hostname) and parts.port != 0 and parts.path in ("", "/")
    except ValueError:
        return False
