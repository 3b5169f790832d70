"""The fields of forms that describe a setting: how what they hold becomes its body, and how a body fills them."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from orlop.domain.access import Action
from orlop.domain.custom_roles import RoleBody
from orlop.domain.errors import RequestInvalid
from orlop.domain.identity.certificates import CERTIFICATE_RULES, CertificateRule
from orlop.domain.identity.directories import LdapProvider
from orlop.domain.identity.providers import ALGORITHMS, PROVIDER, OidcProvider
from orlop.domain.identity.trusts.trust import ALGORITHMS as TRUSTED_ALGORITHMS
from orlop.domain.identity.trusts.trust import KIND as TRUST
from orlop.domain.identity.trusts.trust import AwsTrust, OidcTrust
from orlop.ports.settings import ROLE


class Sort(StrEnum):
    """What a field holds, and so how it is typed."""

    TEXT = "text"
    BLOCK = "block"
    """Text of several lines, such as certificates."""
    NUMBER = "number"
    LINES = "lines"
    """Texts, one a line."""
    PAIRS = "pairs"
    """Texts by texts, `name = value` a line; the value has no `=`."""
    CLAIMS = "claims"
    """What claims have to be, `claim = value` a line; a claim that comes again may have either value."""
    JSON = "json"
    TICK = "tick"
    TICKS = "ticks"
    """Some of several, each with a box of its own: `NAME-CHOICE`."""
    CHOICE = "choice"
    SECRET = "secret"  # noqa: S105 - what a field is for
    """Never filled in; left empty, the one that is there stays, unless the box `NAME-none` is ticked."""


class FormField(msgspec.Struct, frozen=True):
    """A field of a body by its name, with a dot before what lies in an object."""

    name: str
    sort: Sort = Sort.TEXT
    choices: tuple[str, ...] = ()


class Shape(msgspec.Struct, frozen=True):
    """One of the shapes that bodies of a kind have, and its form. `tag`: what tells it apart; empty: it is the one."""

    body: Callable[..., Any]
    fields: tuple[FormField, ...]
    tag: str = ""
    tag_field: str = ""

    def values(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What each field holds, by its name: what the body says, else the default."""
        whole = _whole(self.body, body)
        return {field.name: _value(field, _found(whole, field.name)) for field in self.fields}

    def secrets(self, body: Mapping[str, Any]) -> dict[str, str]:
        """Of each secret that is kept where it is, or that it is there."""
        return {field.name: _found(body, field.name) or "" for field in self.fields if field.sort is Sort.SECRET}

    def usual(self) -> dict[str, Any]:
        """What the fields of a new one hold: its defaults."""
        return self.values({})

    def sent(self, form: Mapping[str, str]) -> dict[str, Any]:
        """What the fields of a form held that was sent, to be shown again; of secrets nothing."""
        return {field.name: _again(field, form) for field in self.fields}

    def read(self, form: Mapping[str, str], kept: Mapping[str, Any]) -> dict[str, Any]:
        """The body that a form describes. `kept`: the one that it changes, as it is shown. What the form has no field
        for stays as it is. Raises RequestInvalid."""
        known = {field.name.partition(".")[0] for field in self.fields} | {self.tag_field}
        body: dict[str, Any] = {self.tag_field: self.tag} if self.tag else {}
        body |= {name: value for name, value in kept.items() if name not in known}
        whole = _whole(self.body, kept)
        for field in self.fields:
            value = _read(field, form, _found(whole, field.name))
            if value is not None:
                _put(body, field.name, value)
        return body

    def tells(self, body: Mapping[str, Any]) -> bool:
        """Whether the form can say all that a body says, so that to save it as it is changes nothing."""
        whole = _whole(self.body, body)
        filled = {
            key: text for field in self.fields for key, text in _as_form(field, _found(whole, field.name)).items()
        }
        try:
            return bool(msgspec.convert(self.read(filled, body), self.body) == msgspec.convert(body, self.body))
        except (RequestInvalid, msgspec.ValidationError):
            return False


def _shape(body: Any, *fields: FormField) -> Shape:
    return Shape(body, fields, body.__struct_config__.tag or "", body.__struct_config__.tag_field or "")


def _texts(*names: str) -> tuple[FormField, ...]:
    return tuple(FormField(name) for name in names)


_TRUST = (FormField("robot"), FormField("audience"), FormField("minutes", Sort.NUMBER), FormField("description"))

#: Kind → its shapes; the first is what a new one is unless another is chosen.
SHAPES: Mapping[str, tuple[Shape, ...]] = {
    ROLE: (
        _shape(
            RoleBody,
            FormField("description"),
            FormField("actions", Sort.TICKS, tuple(action.value for action in Action if action is not Action.PING)),
        ),
    ),
    TRUST: (
        _shape(
            OidcTrust,
            *_TRUST,
            FormField("preset", Sort.CHOICE, ("", "github", "gitlab", "kubernetes", "google")),
            FormField("issuer"),
            FormField("claims", Sort.CLAIMS),
            FormField("algorithms", Sort.TICKS, tuple(sorted(TRUSTED_ALGORITHMS))),
            FormField("jwks", Sort.JSON),
            FormField("ca", Sort.BLOCK),
            FormField("addresses", Sort.LINES),
        ),
        _shape(AwsTrust, *_TRUST, FormField("principal")),
    ),
    CERTIFICATE_RULES.kind: (_shape(CertificateRule, *_texts("match", "account", "issuer", "description")),),
    PROVIDER: (
        _shape(
            OidcProvider,
            *_texts("issuer", "client_id"),
            FormField("client_secret", Sort.SECRET),
            FormField("text"),
            FormField("scopes", Sort.LINES),
            FormField("prompt", Sort.CHOICE, ("", "login", "consent", "select_account")),
            FormField("user_name.claim"),
            FormField("user_name.strip_domain", Sort.TICK),
            *_texts("user_name.prefix", "display_claim", "email_claim"),
            FormField("trust_email", Sort.TICK),
            FormField("groups_claim"),
            FormField("groups", Sort.PAIRS),
            FormField("allowed_domains", Sort.LINES),
            FormField("allowed_groups", Sort.LINES),
            FormField("algorithms", Sort.TICKS, ALGORITHMS),
            FormField("ca"),
            FormField("check_every", Sort.NUMBER),
        ),
        _shape(
            LdapProvider,
            FormField("servers", Sort.LINES),
            FormField("start_tls", Sort.TICK),
            *_texts("ca", "bind_dn"),
            FormField("bind_password", Sort.SECRET),
            *_texts("user_base", "user_filter", "user_id", "user_name", "user_display", "user_email"),
            *_texts("group_base", "group_filter", "group_name", "group_member"),
            FormField("groups", Sort.PAIRS),
            FormField("timeout", Sort.NUMBER),
        ),
    ),
}


def shape_of(kind: str, body: Mapping[str, Any]) -> Shape:
    """The shape of a body; the first of its kind where it does not say."""
    shapes = SHAPES[kind]
    return next((shape for shape in shapes if shape.tag and body.get(shape.tag_field) == shape.tag), shapes[0])


def _whole(shape: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    """A body with the defaults of what it does not say."""
    found = dict(body)
    for field in msgspec.structs.fields(shape):
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        elif field.default is not msgspec.NODEFAULT:
            default = msgspec.to_builtins(field.default)
        else:
            continue
        kept = found.get(field.encode_name, default)
        both = isinstance(default, dict) and isinstance(kept, dict)
        found[field.encode_name] = default | kept if both else kept
    return found


def _found(body: Any, name: str) -> Any:
    for part in name.split("."):
        body = body.get(part) if isinstance(body, Mapping) else None
    return body


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    outer, _, inner = name.rpartition(".")
    (body.setdefault(outer, {}) if outer else body)[inner] = value


def _value(field: FormField, value: Any) -> Any:
    """What a field shows of a value of a body, whatever another release kept there."""
    match field.sort:
        case Sort.TICK:
            return value is True
        case Sort.TICKS:
            return frozenset(str(each) for each in value or ())
        case Sort.LINES:
            return "\n".join(str(each) for each in value or ())
        case Sort.PAIRS:
            return "\n".join(f"{name} = {each}" for name, each in (value or {}).items())
        case Sort.CLAIMS:
            return "\n".join(
                f"{name} = {each}"
                for name, wanted in (value or {}).items()
                for each in ([wanted] if isinstance(wanted, str) else wanted)
            )
        case Sort.JSON:
            return msgspec.json.format(msgspec.json.encode(value)).decode() if value is not None else ""
        case _:
            return "" if value is None else str(value)


def _again(field: FormField, form: Mapping[str, str]) -> Any:
    if field.sort is Sort.TICK:
        return bool(form.get(field.name))
    if field.sort is Sort.TICKS:
        return frozenset(choice for choice in field.choices if form.get(f"{field.name}-{choice}"))
    return "" if field.sort is Sort.SECRET else form.get(field.name, "")


def _as_form(field: FormField, value: Any) -> dict[str, str]:
    """What a browser sends of a field that nobody touched."""
    shown = _value(field, value)
    if field.sort is Sort.TICK:
        return {field.name: "yes"} if shown else {}
    if field.sort is Sort.TICKS:
        return {f"{field.name}-{choice}": "yes" for choice in field.choices if choice in shown}
    return {} if field.sort is Sort.SECRET else {field.name: shown}


def _read(field: FormField, form: Mapping[str, str], kept: Any) -> Any:
    """The value that a field says; None for none, which leaves the default."""
    text = form.get(field.name, "").strip()
    match field.sort:
        case Sort.TICK:
            return bool(text)
        case Sort.TICKS:
            chosen = [choice for choice in field.choices if form.get(f"{field.name}-{choice}")]
            return [each for each in kept or () if each in chosen] + [
                each for each in chosen if each not in (kept or ())
            ]
        case Sort.CHOICE:
            return text
        case Sort.SECRET:
            return text or (None if form.get(f"{field.name}-none") else kept)
        case Sort.NUMBER:
            return _number(field, text) if text else None
        case Sort.LINES:
            return _lines(text) or None
        case Sort.PAIRS:
            return dict(_pairs(field, text, last=True)) or None
        case Sort.CLAIMS:
            return _claims(field, text)
        case Sort.JSON:
            return _json(field, text) if text else None
        case _:
            return text or None


def _lines(text: str) -> list[str]:
    return [line for each in text.splitlines() if (line := each.strip())]


def _number(field: FormField, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise RequestInvalid(f"{field.name}: {text[:40]!r} is not a number")
    return int(text)


def _pairs(field: FormField, text: str, *, last: bool) -> list[tuple[str, str]]:
    """`last`: the last `=` of a line parts it, for names of groups may have some."""
    found = []
    for line in _lines(text):
        name, equals, value = line.rpartition("=") if last else line.partition("=")
        if not equals:
            raise RequestInvalid(f"{field.name}: {line[:80]!r} is not of the form `name = value`")
        found.append((name.strip(), value.strip()))
    return found


def _claims(field: FormField, text: str) -> dict[str, Any]:
    wanted: dict[str, list[str]] = {}
    for name, value in _pairs(field, text, last=False):
        wanted.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in wanted.items()}


def _json(field: FormField, text: str) -> Any:
    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise RequestInvalid(f"{field.name}: that is not JSON: {error}") from error
