"""A webhook as a setting: where events of a place are sent, which of them, and how they are written and signed."""

import re
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.patterns import is_pattern, pattern
from orlop.domain.events import OF_CONTENT, EventKind
from orlop.domain.fields import nearest
from orlop.domain.identity.providers import is_loopback_host
from orlop.domain.settings import Holds, SettingKind, nobody
from orlop.domain.webhooks.signature import check_secret

Patterns = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...], Meta(max_length=64)]
Lines = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=2048)], ...], Meta(max_length=32)]
Text = Annotated[str, Meta(max_length=65_536)]

#: A file with certificates or keys, which commands read: its type is told to them as to everybody.
PEM = {"contentMediaType": "application/x-pem-file"}

#: RFC 3986 in printable ASCII, without a fragment, which is never sent.
_URL = re.compile(
    r"https?://(?:(?P<user>[^/?@\s]*)@)?(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:[/?][!$-;=?-Z_a-z~%\[\]]*)?",
    re.ASCII,
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
#: Headers that the sender writes itself, and those whose values are secrets.
_OURS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent", "expect", "te"}
)
_SECRETS = frozenset({"authorization", "proxy-authorization", "cookie"})


class Format(StrEnum):
    """How an event is written."""

    CLOUDEVENTS = "cloudevents"
    """CloudEvents 1.0, structured: all of it is the body."""
    CLOUDEVENTS_BINARY = "cloudevents-binary"
    """CloudEvents 1.0, binary: the attributes are headers, the body is the data."""
    DISTRIBUTION = "distribution"
    """The envelope of the notifications of distribution (CNCF), which other registries speak as well."""
    HARBOR = "harbor"
    """The payload of Harbor's webhooks."""
    SLACK = "slack"
    """A sentence, for Slack and what is compatible with it."""


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events are sent. The webhooks of a place and of all above it hold together."""

    url: Annotated[str, Meta(min_length=1, max_length=2048, description="Where events are posted to: https or http.")]
    events: Annotated[
        Patterns, Meta(description="Patterns of kinds of events, such as `tag.*`; `*` is any characters.")
    ]
    repositories: Annotated[
        Patterns,
        Meta(description="Patterns of repositories below the place; `*` crosses no slash and `**` any. [all]"),
    ] = ("**",)
    tags: Annotated[Patterns, Meta(description="Patterns of tags; then nothing without a tag is sent. [all]")] = ()
    format: Annotated[Format, Meta(description="How events are written. [cloudevents]")] = Format.CLOUDEVENTS
    secret: Annotated[
        Text, Meta(description="Signs what is sent: `whsec_` and base64, or any text; or where it is kept.")
    ] = ""
    second_secret: Annotated[Text, Meta(description="Signs beside the first, while one takes the other's place.")] = ""
    authorization: Annotated[
        Text, Meta(description="The header Authorization, such as `Bearer TOKEN`; or where it is kept.")
    ] = ""
    headers: Annotated[Lines, Meta(description="More headers, each as `NAME: VALUE`; no secrets.")] = ()
    ca_certificate: Annotated[
        Text,
        Meta(
            description="PEM: the authorities that the receiver's certificate may come from. [the machine's]",
            extra_json_schema=PEM,
        ),
    ] = ""
    client_certificate: Annotated[
        Text, Meta(description="PEM: the certificate to show to the receiver.", extra_json_schema=PEM)
    ] = ""
    client_key: Annotated[
        Text, Meta(description="PEM: its private key, without a password; or where it is kept.", extra_json_schema=PEM)
    ] = ""
    parallel: Annotated[
        int,
        Meta(
            ge=1,
            le=16,
            description="How many repositories' events are sent at once; those of one come in order. [1]",
        ),
    ] = 1
    disabled: Annotated[bool, Meta(description="Nothing is sent, and what happens meanwhile waits for a day.")] = False

    def __post_init__(self) -> None:
        _check_url(self.url)
        if not self.events:
            raise ValueError("events: name at least one pattern, such as tag.*")
        for text in self.events:
            _check_events(text)
        for text in (*self.repositories, *self.tags):
            if not is_pattern(text):
                raise ValueError(f"{text!r} is no pattern: letters, digits, . _ - / and the wildcards * and **")
        for line in self.headers:
            _check_header(line)
        for secret in (self.secret, self.second_secret):
            check_secret(secret)
        if self.second_secret and not self.secret:
            raise ValueError("second_secret signs beside secret: give both")
        if bool(self.client_certificate) != bool(self.client_key):
            raise ValueError("client_certificate and client_key go together")
        if not self.url.startswith("https:"):
            if self.ca_certificate or self.client_certificate:
                raise ValueError("certificates are for https")
            if self.authorization and not is_loopback_host(_host_of(self.url)):
                raise ValueError("authorization is sent over https alone, or to this machine")

    @property
    def host(self) -> str:
        """Whom it is sent to, for people: the rest of a URL may be a secret."""
        return _host_of(self.url)


def _check_url(text: str) -> None:
    """Raises ValueError, which does not repeat the URL: it may hold a secret."""
    found = _URL.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) < 65_536:
        raise ValueError("url: write where events are posted to, such as https://hooks.example.org/x")
    if found["user"] is not None:
        raise ValueError("url: names and passwords are not sent that way; use authorization")


def _host_of(url: str) -> str:
    found = _URL.fullmatch(url)
    return found["host"].strip("[]") if found else ""


def _check_events(text: str) -> None:
    if not is_pattern(text) or not any(pattern(text).matches(kind) for kind in EventKind):
        known = tuple(kind.value for kind in EventKind)
        raise ValueError(f"events: {text!r} is no kind of event, nor a pattern of any{nearest(text, known)}")


def _check_header(line: str) -> None:
    name, colon, value = line.partition(":")
    if not colon or not _NAME.fullmatch(name) or not value.strip() or not value.isascii() or not value.isprintable():
        raise ValueError("headers: each is NAME: VALUE, in printable ASCII")
    if name.lower() in _OURS or name.lower().startswith(("webhook-", "ce-")):
        raise ValueError(f"headers: {name} is written by the registry itself")
    if name.lower() in _SECRETS:
        raise ValueError(f"headers: {name} is a secret, and these are shown; use authorization")


def _tells(path: str, before: Webhook | None, after: Webhook) -> frozenset[Action]:
    """A receiver of events learns what those may who pull; of what is no content, what those may who read the audit
    log."""
    if after.disabled or (before is not None and not before.disabled and _told(before) == _told(after)):
        return frozenset()
    kinds = {kind for kind in EventKind if any(pattern(each).matches(kind) for each in after.events)}
    learnt = frozenset({Action.LIST, Action.PULL})
    return learnt if kinds <= OF_CONTENT else learnt | {Action.ADMIN if path else Action.AUDIT_READ}


def _told(hook: Webhook) -> tuple[object, ...]:
    """Who is told what."""
    return hook.url, hook.events, hook.repositories, hook.tags


#: Webhooks as settings. An address may itself be a secret, so only those who may change a hook see it.
WEBHOOKS = SettingKind(
    kind="webhook",
    plural="webhooks",
    text="Webhooks: events that are sent elsewhere.",
    body=Webhook,
    speaks_for=nobody,
    tells=_tells,
    holds=Holds.ALL,
    # Every event of the node is matched with each of them.
    most=50,
    secrets=frozenset({"secret", "second_secret", "authorization", "client_key"}),
    destination=lambda hook: hook.url,
)
