"""Issuers: how their URLs are written, which of them serve everybody, and what may be asked for them by address."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

#: Issuer of GitHub Actions ("About security hardening with OpenID Connect", GitHub Docs).
GITHUB = "https://token.actions.githubusercontent.com"
#: Issuer of GitLab.com ("OpenID Connect (OIDC) authentication using ID tokens", GitLab Docs).
GITLAB = "https://gitlab.com"
#: Issuer of Google ("Verify the Google ID token", Google Identity): service accounts and people alike.
GOOGLE = "https://accounts.google.com"

#: Issuers that sign for everybody, and the preset that knows how to tell their customers apart.
SHARED = {GITHUB: "github", GITLAB: "gitlab", GOOGLE: "google"}

_URL_MAX = 512
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~-]+)*/?)(?P<query>\?[A-Za-z0-9._~=&%-]*)?",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)

#: Wider networks than these name more than a cluster's or a company's own machines.
_WIDEST = {4: 8, 6: 32}
_LINK_LOCAL: dict[int, IPv4Network | IPv6Network] = {
    4: IPv4Network("169.254.0.0/16"),
    6: IPv6Network("fe80::/10"),
}


def check_url(text: str, what: str, *, query: bool = False) -> str:
    """The host of an absolute URL without odd spellings; without user, and without query but where allowed.

    Raises ValueError.

    Plain http is for this very machine: whoever can answer in the place of an issuer can be anybody.
    """
    match = _URL.fullmatch(text) if len(text) <= _URL_MAX else None
    if match is None or (match["query"] is not None and not query):
        raise ValueError(f"{what} {text[:100]!r} is not a URL such as https://issuer.example.com/path in lower case")
    if any(part in {".", ".."} for part in match["path"].split("/")) or int(match["port"] or 1) > 65535:
        raise ValueError(f"{what} {text[:100]!r} has a path or port that no issuer has")
    host = match["host"]
    if not _is_host(host):
        raise ValueError(f"{what} {text[:100]!r} has a host that is neither a name nor an address as it is written")
    if match["scheme"] == "http" and not _is_loopback(host):
        raise ValueError(f"{what} {text[:100]!r} is plain http, which anybody on the way can answer; use https")
    return host


def _is_host(host: str) -> bool:
    if literal(host) is not None:
        return True
    labels = host.split(".")
    # Resolvers take 2130706433, 0x7f.1 and 127.1 for addresses; no name ends in a number (RFC 3696, section 2).
    return len(host) <= 253 and all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host of a URL is, if it is one in its usual spelling."""
    bare = host[1:-1] if host.startswith("[") else host
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    usual = str(address) if address.version == 4 else f"[{address}]"
    return address if usual == host else None


def _is_loopback(host: str) -> bool:
    address = literal(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def check_network(text: str) -> None:
    """Raises ValueError unless it is an address or a network that an issuer of one's own may stand in."""
    try:
        network = ip_network(text)
    except ValueError as cause:
        raise ValueError(f"addresses: {text[:60]!r} is no address or network such as 10.96.0.0/12") from cause
    if network.prefixlen < _WIDEST[network.version]:
        raise ValueError(f"addresses: {text} is wider than /{_WIDEST[network.version]}; name the issuer's own network")
    if network.overlaps(_LINK_LOCAL[network.version]):
        raise ValueError(f"addresses: {text} is link-local, where clouds keep credentials and no issuer stands")


def shared_preset(issuer: str) -> str:
    """The preset for an issuer that signs for everybody; empty for any other.

    Enterprises may have `https://token.actions.githubusercontent.com/NAME` as theirs, whose tokens look the same.
    """
    bare = issuer.rstrip("/")
    return next((preset for known, preset in SHARED.items() if bare == known or bare.startswith(f"{known}/")), "")
