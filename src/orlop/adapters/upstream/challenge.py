"""WWW-Authenticate read into challenges, and the rule which token servers may see credentials. Sends nothing."""

import re
from collections.abc import Iterable, Mapping

import msgspec
from yarl import URL

from orlop.adapters.upstream.transport import Site, site
from orlop.ports.upstream import UpstreamError

#: Longer headers are not read further: no registry needs them.
_MAX = 8_192

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}|[^\s,"]+))\s*(?:,|$)', re.ASCII)
_SCHEME = re.compile(rf"[\s,]*({_WORD})(?:\s+|\s*$|\s*,)", re.ASCII)

#: Realms that live elsewhere than beside their registry.
_KNOWN_REALMS: Mapping[str, frozenset[str]] = {"registry-1.docker.io": frozenset({"auth.docker.io"})}


class Challenge(msgspec.Struct, frozen=True):
    """One way to sign in; scheme and parameter names are in lower case (RFC 9110, section 11.3)."""

    scheme: str
    parameters: Mapping[str, str] = {}


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Every challenge of all WWW-Authenticate headers, in their order; what cannot be read is left out."""
    return [challenge for header in headers for challenge in _parse(header[:_MAX])]


def _parse(header: str) -> Iterable[Challenge]:
    position = 0
    while position < len(header):
        scheme = _SCHEME.match(header, position)
        if scheme is None:
            return
        position = scheme.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(header, position):
            name, quoted, bare = parameter.groups()
            parameters.setdefault(name.lower(), bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
            position = parameter.end()
        yield Challenge(scheme[1].lower(), parameters)


def realm_url(challenge: Challenge, registry: Site) -> URL:
    """The token server of a Bearer challenge.

    Raises UpstreamError unless it is http or https, and https where the registry is.
    """
    text = challenge.parameters.get("realm", "")
    try:
        url = URL(text)
        valid = url.scheme in ("http", "https") and bool(url.raw_host) and url.raw_user is None and bool(url.port)
    except ValueError:
        valid = False
    if not valid or not text.isprintable():
        raise UpstreamError(f"{registry.authority} names a token server that is not an http or https URL")
    if registry.scheme == "https" and url.scheme != "https":
        raise UpstreamError(
            f"{registry.authority} is on https, but its token server {url.authority} on plain http; refused"
        )
    return url.with_fragment(None)


def may_see_credentials(realm: URL, registry: Site, trusted: frozenset[str]) -> bool:
    """Whether the token server at `realm` may be told the credentials kept for `registry`.

    A registry that was tricked, or whose answers were, can name any server (CVE-2020-15157, CVE-2026-33540). So the
    realm must stand on the registry's own host, in the same domain beside or above it (`gitlab.example.org` for
    `registry.example.org`), be known, or be named by the user.
    """
    server = site(realm)
    if (
        server.host == registry.host
        or {server.host, server.authority} & trusted
        or server.host in _KNOWN_REALMS.get(registry.host, ())
    ):
        return True
    domain = _shared_domain(registry.host)
    return domain is not None and (server.host == domain or server.host.endswith(f".{domain}"))


def _shared_domain(host: str) -> str | None:
    """The domain above a host, where it is long enough to belong to one owner; None for addresses and short names."""
    labels = host.split(".")
    if ":" in host or labels[-1].isdecimal() or len(labels) < 3:
        return None
    above = labels[1:]
    # Under a country, second-level names such as co.uk and com.au belong to everybody.
    if len(above) == 2 and len(above[1]) == 2 and len(above[0]) <= 3:
        return None
    return ".".join(above)
