"""Bodies of settings as forms: which fields there are, built from their declarations, and how what was sent is read.

A field that is declared later stands in its form by itself, in the last group; a line of `_GROUPS` puts it elsewhere.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect as types

from orlop.domain.gates.gate import GATES, RATED
from orlop.domain.kinds import KINDS
from orlop.domain.promotion.pipeline import PIPELINES
from orlop.domain.quarantine.rules import QUARANTINE_RULES
from orlop.domain.trust.attested import PREDICATES
from orlop.domain.trust.signers import SIGNERS

#: A text that may be longer than this is not sent along with a page each time: it is kept where nothing is typed.
_LONG = 16_000
#: What begins each of several texts in PEM (RFC 7468, section 2).
_PEM = "-----BEGIN"

#: Kinds whose bodies have a form, with the words of its groups and the fields of each, in order; the last has all else.
_GROUPS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    GATES.kind: (
        ("When it is looked at, and what comes of it", ("on", "mode")),
        ("What is known to be wrong with it", ("deny_severity", "exploited", "fixable", "older_than")),
        ("Licences, SBOM and signatures", ("deny_licences", "require_sbom", "signed_by")),
        (
            "What the image says of itself",
            ("no_root", "labels", "platforms", "bases", "registries", "largest", "created_within"),
        ),
        ("What cannot be judged yet", ("wait", "unread")),
        ("Further conditions", ()),
    ),
    PIPELINES.kind: (
        ("Stages", ("stages",)),
        ("Approvals", ("approvals", "approvers", "expires")),
        ("When images enter", ("freeze", "schedule", "time_zone")),
        ("Further", ()),
    ),
    QUARANTINE_RULES.kind: (("What lets it out", ()),),
    SIGNERS.kind: (
        ("Keys", ("keys",)),
        ("Keyless identities", ("keyless_issuer", "identities", "trusted_root")),
        (
            "Certificates of Notation",
            ("subjects", "certificates", "timestamp_certificates", "revocation_lists", "level"),
        ),
        ("How many, and what they say", ("required", "predicate", "builder", "source", "branch")),
        ("Further conditions", ()),
    ),
}
#: Words that a field of text may be, where its type does not say so: one of these, or any text beside them.
_ONE_OF: Mapping[tuple[str, str], tuple[str, ...]] = {(GATES.kind, "deny_severity"): RATED}
_SUCH_AS: Mapping[tuple[str, str], tuple[str, ...]] = {(SIGNERS.kind, "predicate"): tuple(PREDICATES)}


class BodyField(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a form. `control`: check, choice, boxes (several words of a few), number, line, text, lines (a list,
    each on a line), blocks (a list of texts in PEM) or long (as `_LONG` says); `options`: the words there are, or that
    are suggested; `most`: of a number the largest, of a text its characters."""

    name: str
    words: str
    text: str
    control: str
    default: Any
    options: tuple[str, ...] = ()
    least: int = 0
    most: int = 0


class BodyGroup(msgspec.Struct, frozen=True):
    """Fields that belong together."""

    words: str
    fields: tuple[BodyField, ...]


@cache
def form_of(kind: str) -> tuple[BodyGroup, ...]:
    """The form of a kind; empty: its bodies are written as text."""
    if kind not in _GROUPS:
        return ()
    body = types.type_info(KINDS[kind].body)
    assert isinstance(body, types.StructType)
    left = {field.encode_name: _field(kind, field) for field in body.fields}
    groups = [
        BodyGroup(words, tuple(left.pop(name) for name in names if name in left)) for words, names in _GROUPS[kind]
    ]
    groups[-1] = BodyGroup(groups[-1].words, (*groups[-1].fields, *left.values()))
    return tuple(group for group in groups if group.fields)


def typed_of(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in each field for a body: a truth, a number, a text, or words; of a long text its characters."""
    return {field.name: _shown(field, body) for group in form_of(kind) for field in group.fields}


def body_from(kind: str, sent: Mapping[str, str], kept: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body that the fields of a form say, without what says nothing. `kept`: what there is, of which a long text
    stays that is neither typed anew nor taken out."""
    made: dict[str, Any] = {}
    for group in form_of(kind):
        for field in group.fields:
            value = _sent(field, sent)
            if field.control == "long" and not value and not sent.get(f"drop.{field.name}"):
                value = (kept or {}).get(field.name, "")
            if value or field.control in {"boxes", "choice", "number"}:
                made[field.name] = value
    return {name: value for name, value in made.items() if value != ""}


def _shown(field: BodyField, body: Mapping[str, Any]) -> Any:
    value = body.get(field.name, field.default)
    if field.control in {"lines", "blocks"}:
        return "\n".join(str(each).strip("\n") for each in value)
    return len(value) if field.control == "long" else value


def _sent(field: BodyField, sent: Mapping[str, str]) -> Any:
    text = sent.get(f"f.{field.name}", "").replace("\r\n", "\n")
    match field.control:
        case "check":
            return text == "yes"
        case "boxes":
            return [word for word in field.options if sent.get(f"f.{field.name}.{word}") == "yes"]
        case "number":
            number = text.strip()
            return int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else number
        case "lines":
            return [line.strip() for line in text.split("\n") if line.strip()]
        case "blocks":
            before, *blocks = text.split(_PEM)
            return [*filter(None, [before.strip()]), *(f"{_PEM}{block.rstrip()}\n" for block in blocks)]
        case "text" | "long":
            return text if text.strip() else ""
        case _:
            return text.strip()


def _field(kind: str, field: types.Field) -> BodyField:
    said, plain = _schema(field.type), _plain(field.type)
    default = () if field.default is msgspec.NODEFAULT else msgspec.to_builtins(field.default)
    control, options, least, most = _control(plain, in_lines=bool(said.get("contentMediaType")))
    key = kind, field.encode_name
    if key in _ONE_OF:
        control, options = "choice", ("", *_ONE_OF[key])
    return BodyField(
        name=field.encode_name,
        words=field.encode_name.replace("_", " ").replace("sbom", "SBOM"),
        text=str(said.get("description", "")),
        control=control,
        default=default,
        options=options or _SUCH_AS.get(key, ()),
        least=least,
        most=most,
    )


def _control(type_: types.Type, *, in_lines: bool) -> tuple[str, tuple[str, ...], int, int]:
    """How a value of a type is given: the control, its words, and its bounds."""
    if isinstance(type_, types.BoolType):
        return "check", (), 0, 0
    if isinstance(type_, types.EnumType):
        return "choice", tuple(str(word.value) for word in type_.cls), 0, 0
    if isinstance(type_, types.IntType):
        return "number", (), type_.ge or 0, type_.le or 0
    if isinstance(type_, types.VarTupleType):
        item = _plain(type_.item_type)
        if isinstance(item, types.EnumType):
            return "boxes", tuple(str(word.value) for word in item.cls), 0, 0
        return "blocks" if in_lines else "lines", (), 0, 0
    assert isinstance(type_, types.StrType), type_
    most = type_.max_length or 0
    if most >= _LONG:
        return "long", (), 0, most
    return "text" if in_lines or most > 1_000 else "line", (), 0, most


def _schema(type_: types.Type) -> Mapping[str, Any]:
    return (type_.extra_json_schema or {}) if isinstance(type_, types.Metadata) else {}


def _plain(type_: types.Type) -> types.Type:
    while isinstance(type_, types.Metadata):
        type_ = type_.type
    return type_


def said_of(kind: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """What a body says, field by field in words, but for what it says as long as nobody sets it."""
    said = []
    for field in (field for group in form_of(kind) for field in group.fields):
        value = body.get(field.name, field.default)
        if value == field.default or not value:
            continue
        match field.control:
            case "check" | "long":
                said.append(field.words)
            case "blocks":
                said.append(f"{len(value)} {field.words if len(value) > 1 else field.words.removesuffix('s')}")
            case "lines" | "boxes":
                said.append(f"{field.words}: {', '.join(map(str, value))}")
            case _:
                said.append(f"{field.words}: {value}")
    return tuple(said)
