"""The settings of signing in, and what of them fits together."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from orlop.config.errors import ConfigurationInvalid
from orlop.config.meaning import Meaning, ValueKind
from orlop.domain.durations import DAY, MINUTE, SECOND

#: What can stand in a header, in a token and in the URL of a token server without being quoted.
_SERVICE = re.compile(r"[A-Za-z0-9._:/-]{1,255}", re.ASCII)

#: Nobody's password is shorter, whatever the setting says.
_LEAST = 8


class Auth(msgspec.Struct, frozen=True):
    """How clients sign in: see [authentication.md](authentication.md)."""

    url: Annotated[
        str,
        Meaning(
            "Where clients reach this registry, such as `https://registry.example.org`; tokens are fetched below it.",
            ValueKind.TEXT,
            default="what the request was sent to",
        ),
    ] = ""
    service: Annotated[
        str, Meaning("What tokens are for: the audience of those that are made here.", ValueKind.TEXT)
    ] = "orlop"
    token_lifetime: Annotated[
        int, Meaning("How long a token that a client fetched may be used.", ValueKind.DURATION, minimum=60 * SECOND)
    ] = 5 * MINUTE
    refresh_lifetime: Annotated[
        int,
        Meaning(
            "How long what `docker login` keeps instead of the password may be used, after its last use.",
            ValueKind.DURATION,
            minimum=DAY,
        ),
    ] = 90 * DAY
    key_lifetime: Annotated[
        int, Meaning("How long a key signs tokens before another takes its place.", ValueKind.DURATION, minimum=DAY)
    ] = 90 * DAY
    synchronise: Annotated[
        int,
        Meaning(
            "How often directories are asked who is still there and in which groups; 0 means never.", ValueKind.DURATION
        ),
    ] = 15 * MINUTE
    outage_grace: Annotated[
        int,
        Meaning(
            "How long, while the database of the catalog cannot be reached, those who were signed in before go on "
            "pulling what they may and what is named by its digest; 0: not at all.",
            ValueKind.DURATION,
        ),
    ] = 5 * MINUTE
    password_length: Annotated[
        int, Meaning("Characters that a password has at least.", ValueKind.COUNT, minimum=_LEAST)
    ] = 12


def check_auth(auth: Auth) -> None:
    """Raises ConfigurationInvalid for settings that cannot be used."""
    if auth.url and not _is_base(auth.url):
        raise ConfigurationInvalid(f"auth.url: {auth.url!r} is not a URL such as https://registry.example.org")
    if not _SERVICE.fullmatch(auth.service):
        raise ConfigurationInvalid(f"auth.service: {auth.service!r} is not letters, digits and any of . _ : / -")


def _is_base(text: str) -> bool:
    try:
        url = urlsplit(text)
        fits = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    extra = url.query or url.fragment or url.username is not None or url.password is not None
    return fits and not extra and text.isascii() and text.isprintable() and not set(text) & set(' "\\<>')


def networks(text: str, key: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks with commas between them, as the setting `key` has them. Raises ConfigurationInvalid."""
    try:
        return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError as cause:
        raise ConfigurationInvalid(f"{key}: {cause}; write networks like 10.0.0.0/8") from cause
