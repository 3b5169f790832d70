"""An upstream as a setting: which registry a namespace shows, how it is reached, and how its content is treated."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.patterns import is_pattern
from orlop.domain.durations import span
from orlop.domain.identity.providers import is_loopback_host
from orlop.domain.names import is_repository_name
from orlop.domain.settings import SettingKind, nobody
from orlop.domain.sizes import size_of
from orlop.domain.upstreams.certificates import check_pem
from orlop.domain.upstreams.sign_in import SignIn, Signing, check_sign_in, is_kept

Patterns = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...], Meta(max_length=64)]
Hosts = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=261)], ...], Meta(max_length=32)]
Text = Annotated[str, Meta(max_length=65_536)]
Span = Annotated[str, Meta(max_length=16)]
Size = Annotated[str, Meta(max_length=32)]

#: A file with certificates or keys, which commands read: its type is told to them as to everybody.
PEM = {"contentMediaType": "application/x-pem-file"}

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[a-z0-9._/-]*)?)",
    re.ASCII,
)
_PROXY = re.compile(
    r"(?:http|socks5h?)://(?:[^/?@\s]*@)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?/?", re.ASCII
)
_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,39}\])(?::[0-9]{1,5})?", re.ASCII)

#: The registry behind `docker.io`, where names of one component are those of `library/`.
DOCKER_HUB = "registry-1.docker.io"


class Credential(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Another account at the same registry; requests are spread over all of them by what each has left."""

    user: Annotated[str, Meta(min_length=1, max_length=255)]
    password: Annotated[Text, Meta(min_length=1)]


class Upstream(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Another registry that a namespace shows. The upstream of the nearest namespace that has any counts."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1024,
            description="Where it is, as a URL, such as that of `registry-1.docker.io`. A path is what its repositories"
            " begin with.",
        ),
    ]
    serves: Annotated[
        Hosts,
        Meta(description="Names of registries, such as `docker.io`, that mirrors' clients ask for with `?ns=`."),
    ] = ()
    user: Annotated[str, Meta(max_length=255, description="Whom to sign in as; empty: nobody.")] = ""
    password: Annotated[Text, Meta(description="The password or token of that account; or where it is kept.")] = ""
    credentials: Annotated[
        Annotated[tuple[Credential, ...], Meta(max_length=16)],
        Meta(description="More accounts, each with `user` and `password`, to spread requests over."),
    ] = ()
    sign_in: Annotated[SignIn, Meta(description="How it wants to be signed in to. [registry]")] = SignIn.REGISTRY
    session_token: Annotated[
        Text, Meta(description="`ecr`: the session token of an access key that ends; or where it is kept.")
    ] = ""
    region: Annotated[
        str, Meta(max_length=64, description="`ecr`: the region, where the host does not say it: `eu-central-1`.")
    ] = ""
    tenant: Annotated[
        str, Meta(max_length=253, description="`azure`: the directory that the service principal is of.")
    ] = ""
    sign_in_url: Annotated[
        str,
        Meta(
            max_length=1024,
            description="Where `ecr`, `google` and `azure` have their tokens, if not where their cloud gives them out."
            " Its host is that of the registry, or one of `trust_realms`.",
        ),
    ] = ""
    trust_realms: Annotated[
        Hosts, Meta(description="Hosts of token servers that may see the credentials wherever they stand.")
    ] = ()
    ca_certificate: Annotated[
        Text,
        Meta(
            description="PEM: the authorities that its certificate may come from. [the machine's]",
            extra_json_schema=PEM,
        ),
    ] = ""
    client_certificate: Annotated[
        Text, Meta(description="PEM: the certificate to show to it.", extra_json_schema=PEM)
    ] = ""
    client_key: Annotated[
        Text, Meta(description="PEM: its private key, without a password; or where it is kept.", extra_json_schema=PEM)
    ] = ""
    proxy: Annotated[
        Text, Meta(description="The HTTP or SOCKS5 proxy to reach it through, as a URL; a secret if it has a password.")
    ] = ""
    allow: Annotated[
        Patterns,
        Meta(description="Patterns of its repositories that are shown; `*` crosses no slash and `**` any. [all]"),
    ] = ("**",)
    deny: Annotated[Patterns, Meta(description="Patterns of those that are not, whatever `allow` says.")] = ()
    fresh: Annotated[Span, Meta(description="How long what it said of a tag holds before it is asked again. [15m]")] = (
        "15m"
    )
    fresh_tags: Annotated[
        Annotated[tuple[Annotated[str, Meta(min_length=3, max_length=275)], ...], Meta(max_length=32)],
        Meta(description="The same for some tags, as `PATTERN=TIME`, such as `latest=1m`; the first that fits counts."),
    ] = ()
    offline: Annotated[bool, Meta(description="It is not asked for anything: what is cached is served.")] = False
    cool_down: Annotated[
        Span,
        Meta(description="A tag that moved there less long ago leads to what it was before. Empty: it moves at once."),
    ] = ""
    keep_vanished: Annotated[
        Span, Meta(description="How long a tag is still served that is gone there. Empty: not at all. [30d]")
    ] = "30d"
    cache_bytes: Annotated[
        Size,
        Meta(description="As in `500GiB`: what is cached beyond it goes, the longest unused first. Empty: all stays."),
    ] = ""
    unused: Annotated[Span, Meta(description="What nobody pulled for so long goes. Empty: nothing goes by that.")] = ""

    def __post_init__(self) -> None:
        _check_url(self.url)
        for text in (*self.allow, *self.deny, *(tags for tags, _ in self.held)):
            if not is_pattern(text):
                raise ValueError(f"{text!r} is no pattern: letters, digits, . _ - / and the wildcards * and **")
        for host in (*self.serves, *self.trust_realms):
            if not _HOST.fullmatch(host):
                raise ValueError(f"{host!r} is no name of a registry such as docker.io or registry.example.org:5000")
        for field, text in (
            ("fresh", self.fresh),
            ("cool_down", self.cool_down),
            ("keep_vanished", self.keep_vanished),
            ("unused", self.unused),
            *(("fresh_tags", holds) for _, holds in self.held),
        ):
            _check_span(field, text, empty=field not in {"fresh", "fresh_tags"})
        try:
            if self.cache_bytes and not size_of(self.cache_bytes):
                raise ValueError("nothing could be cached; leave it out for any number")
        except ValueError as error:
            raise ValueError(f"cache_bytes: {error}") from error
        self._check_sign_in()
        if self.proxy and not is_kept(self.proxy):
            check_proxy(self.proxy)

    def _check_sign_in(self) -> None:
        if bool(self.client_certificate) != bool(self.client_key):
            raise ValueError("client_certificate and client_key go together")
        check_pem(self.ca_certificate, self.client_certificate, self.client_key)
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password go together")
        check_sign_in(
            Signing(
                host=self.host,
                sign_in=self.sign_in,
                user=self.user,
                passwords=self.passwords,
                session_token=self.session_token,
                region=self.region,
                tenant=self.tenant,
                sign_in_url=self.sign_in_url,
                trust_realms=self.trust_realms,
            )
        )
        if self.credentials and not self.user:
            raise ValueError("credentials are accounts beside user and password: give these first")
        if not self.url.startswith("https:"):
            if self.ca_certificate or self.client_certificate:
                raise ValueError("certificates are for https")
            if self.password and not is_loopback_host(self.host):
                raise ValueError("credentials are sent over https alone, or to this machine")

    @property
    def accounts(self) -> tuple[str, ...]:
        """The users to be there, in the order in which they are numbered; `` for nobody, and for this machine."""
        return (self.user, *(each.user for each in self.credentials))

    @property
    def passwords(self) -> tuple[str, ...]:
        """Of the accounts that have one, as they stand here."""
        return tuple(each for each in (self.password, *(each.password for each in self.credentials)) if each)

    @property
    def held(self) -> tuple[tuple[str, str], ...]:
        """`fresh_tags` as patterns, and for how long what was said holds of the tags that fit."""
        return tuple((tags, holds) for tags, _, holds in (each.rpartition("=") for each in self.fresh_tags))

    @property
    def host(self) -> str:
        """Its host, without a port."""
        found = _URL.fullmatch(self.url)
        return found["host"].strip("[]") if found else ""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"

    @property
    def beginning(self) -> str:
        """What the names of its repositories begin with, without slashes at its ends; empty for nothing."""
        return self.url.partition("://")[2].partition("/")[2].strip("/")

    @property
    def is_docker_hub(self) -> bool:
        """Whether names of one component are those of `library/`."""
        return self.host == DOCKER_HUB


def check_proxy(text: str) -> None:
    """Raises ValueError, which does not repeat a text that may have a password in it."""
    found = _PROXY.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) < 65_536:
        raise ValueError("proxy: write it as http://proxy.example.org:3128 or socks5://proxy.example.org:1080")


def _check_url(text: str) -> None:
    """Raises ValueError."""
    found = _URL.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) < 65_536:
        raise ValueError(
            "url: write where the registry is, such as https://registry-1.docker.io; without names and passwords"
        )
    path = found["path"].strip("/")
    if path and not is_repository_name(path):
        raise ValueError(f"url: {path!r} is nothing that names of repositories begin with")


def _check_span(field: str, text: str, *, empty: bool) -> None:
    if not text and empty:
        return
    try:
        span(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error


#: Upstreams as settings. What one has cached is read by those who may pull there.
UPSTREAMS = SettingKind(
    kind="upstream",
    plural="upstreams",
    text="Upstreams: other registries that a namespace shows, and whose content it caches.",
    body=Upstream,
    speaks_for=nobody,
    most=1,
    fares=True,
    # It sends the registry to an address, and `serves` is about everybody's names.
    change=Action.SYSTEM,
    secrets=frozenset({"password", "client_key", "proxy", "session_token"}),
    destination=lambda upstream: (
        upstream.url,
        upstream.proxy,
        upstream.trust_realms,
        upstream.sign_in,
        upstream.sign_in_url,
        upstream.region,
        upstream.tenant,
    ),
)
