"""Sign-on providers as they are kept: documents of the kind `provider`. Those that speak OpenID Connect are described
here, directories in their own module."""

import re
from ipaddress import ip_address
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.subjects import is_user_name
from orlop.domain.identity.directories import LdapProvider
from orlop.domain.identity.secret_references import parse_secret
from orlop.domain.settings import NOBODY, SettingKind, SpeaksFor

#: The kind of these documents.
PROVIDER = "provider"

#: Signatures that ID tokens may have; those with a shared secret, and `none`, are never taken.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
_ISSUER = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*",
    re.ASCII,
)
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.ASCII)
#: "scope-token = 1*( %x21 / %x23-5B / %x5D-7E )" (RFC 6749, section 3.3)
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
_PROMPTS = frozenset({"", "login", "consent", "select_account"})
_MINUTE, _DAY = 60, 86_400
#: What a provider may say of people, look like and prove itself with without vouching for others than before.
_VOUCHES_NOTHING = frozenset(
    {"client_secret", "text", "display_claim", "email_claim", "check_every", "prompt"}
    | {"bind_password", "user_display", "user_email", "timeout"}
)

Texts = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...], Meta(max_length=256)]
Claim = Annotated[str, Meta(min_length=1, max_length=255)]


class UserNameRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the provider's name for somebody becomes a name here: in lower case, and with a dash for what no name has."""

    claim: Claim = "preferred_username"
    strip_domain: bool = False
    """Leave out `@` and what follows it. Needs `allowed_domains`, lest anybody become `admin` by their address."""
    prefix: Annotated[str, Meta(max_length=32)] = ""


class OidcProvider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="oidc"):
    """An OpenID provider. Every check of a value is made here, so that what decodes can be used."""

    issuer: Annotated[str, Meta(max_length=1024)]
    """`https://…`, exactly as its discovery document says; `http` only on a loopback address."""
    client_id: Annotated[str, Meta(min_length=1, max_length=255)]
    client_secret: str = ""
    """As it is, `env:NAME` or `file:/PATH`; empty for a public client, which proves itself by PKCE alone."""
    text: Annotated[str, Meta(max_length=64)] = ""
    """What the link on the login page says; by default the provider's name."""
    scopes: Texts = ("openid", "profile", "email")
    prompt: str = ""
    """Sent with every sign-in; some providers give a refresh token only with `consent`."""
    user_name: UserNameRule = UserNameRule()
    display_claim: Claim = "name"
    email_claim: Claim = "email"
    trust_email: bool = False
    """Take addresses of which the provider does not say whether they are verified."""
    groups_claim: Annotated[str, Meta(max_length=255)] = ""
    """Where the groups are; a path into objects has dots (`realm_access.roles`). Empty: it knows no groups."""
    groups: dict[Annotated[str, Meta(min_length=1, max_length=255)], str] = {}
    """The provider's group → the group here; `*` is everybody who signs in through it. Others are passed over."""
    allowed_domains: Texts = ()
    """Of verified addresses, exactly; empty: any."""
    allowed_groups: Texts = ()
    """The provider's groups of which one is needed to sign in at all; empty: none is."""
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
    ca: Annotated[str, Meta(max_length=4096)] = ""
    """PEM file with the authorities that its certificate may come from; empty: the machine's."""
    check_every: Annotated[int, Meta(ge=_MINUTE, le=30 * _DAY)] = 900
    """How often to ask whether somebody is still known there, in seconds, where it gave a refresh token."""

    def __repr__(self) -> str:
        return f"OidcProvider({self.issuer!r}, {self.client_id!r})"

    def __post_init__(self) -> None:
        check_issuer(self.issuer)
        if self.client_secret:
            _at("client_secret", parse_secret, self.client_secret)
        if "openid" not in self.scopes:
            raise ValueError("scopes: openid is missing, without which there is no ID token")
        for scope in self.scopes:
            _hold(_SCOPE.fullmatch(scope), f"scopes: {scope!r} is no scope")
        _hold(self.prompt in _PROMPTS, f"prompt: {self.prompt!r} is not login, consent or select_account")
        for algorithm in self.algorithms:
            _hold(algorithm in ALGORITHMS, f"algorithms: {algorithm!r} is not one of {', '.join(ALGORITHMS)}")
        _hold(self.algorithms, "algorithms: at least one is needed")
        for domain in self.allowed_domains:
            _hold(_DOMAIN.fullmatch(domain), f"allowed_domains: {domain!r} is no domain in lower case")
        for name in self.groups.values():
            _hold(is_user_name(name), f"groups: {name!r} cannot be a group's name")
        if (set(self.groups) - {"*"} or self.allowed_groups) and not self.groups_claim:
            raise ValueError("groups_claim: say which claim holds the groups that groups and allowed_groups are about")
        if self.user_name.strip_domain and not self.allowed_domains:
            raise ValueError("user_name.strip_domain: needs allowed_domains, lest a stranger's address give any name")
        prefix = self.user_name.prefix
        _hold(not prefix or is_user_name(f"{prefix}a"), f"user_name.prefix: no name begins with {prefix!r}")
        _hold(not self.ca or self.ca.startswith("/"), "ca: needs an absolute path")
        _hold(self.text.isprintable(), "text: has control characters")


def check_issuer(issuer: str) -> None:
    """Raises ValueError unless it is a URL that tokens and their keys may come from.

    "a case-sensitive URL using the https scheme that contains scheme, host, and optionally, port number and path
    components and no query or fragment components" (OpenID Connect Core 1.0, section 2).
    """
    found = _ISSUER.fullmatch(issuer)
    if not found or not 0 < int(found["port"] or 443) < 65_536:
        raise ValueError(f"issuer: {issuer!r} is not a URL such as https://login.example.org")
    if found["scheme"] == "http" and not is_loopback_host(found["host"].strip("[]").lower()):
        raise ValueError(f"issuer: {issuer!r} has to begin with https: tokens and keys come from there")


def is_loopback_host(host: str) -> bool:
    """Whether a host is this machine by its very name, whatever a resolver says."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def authority_of(provider: "Provider") -> str:
    """The identity of a provider, which is a part of that of everybody whom it vouches for: its issuer, or where the
    people of a directory begin. Under another one the same words may be about somebody else."""
    return provider.issuer if isinstance(provider, OidcProvider) else provider.user_base


def vouching(provider: "Provider") -> tuple[object, ...]:
    """What of a provider decides whom it vouches for; two with the same do so alike."""
    named = type(provider).__struct_fields__
    return type(provider), *(getattr(provider, name) for name in named if name not in _VOUCHES_NOTHING)


def destination_of(provider: "Provider") -> tuple[object, ...]:
    """Where the secrets of a provider are sent, and by which authorities that is recognised."""
    if isinstance(provider, OidcProvider):
        return provider.issuer, provider.ca
    return provider.servers, provider.start_tls, provider.ca


def check_provider_name(name: str) -> None:
    """Raises ValueError unless a provider may be called that: it stands in the addresses that people are sent to."""
    if not _NAME.fullmatch(name) or name == "local":
        raise ValueError(f"{name!r} cannot be a provider's name: use lower-case letters, digits, dashes; not local")


Provider = OidcProvider | LdapProvider
"""Whoever says who somebody is; the field `type` tells them apart."""


def decode_provider(body: bytes) -> Provider:
    """A provider from its document. Raises msgspec.ValidationError or DecodeError: what is wrong, and where."""
    return _DECODER.decode(body)


_DECODER: msgspec.json.Decoder[Provider] = msgspec.json.Decoder(Provider)


def _speaks_for(name: str, before: Provider | None, after: Provider) -> SpeaksFor:
    """Everybody whom the provider vouches for, unless it vouched for the same in the same way before."""
    if before is not None and vouching(before) == vouching(after):
        return NOBODY
    return SpeaksFor(source=name, authority=authority_of(after))


#: Providers as settings.
PROVIDERS = SettingKind(
    kind=PROVIDER,
    plural="providers",
    text="Sign-on providers: directories and OpenID providers.",
    body=Provider,
    speaks_for=_speaks_for,
    placed=False,
    read=Action.SYSTEM,
    change=Action.SYSTEM,
    rights=True,
    secrets=frozenset({"client_secret", "bind_password"}),
    destination=destination_of,
    check=lambda name, _: check_provider_name(name),
)


def _hold(holds: Any, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _at(field: str, check: Any, value: str) -> None:
    try:
        check(value)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
