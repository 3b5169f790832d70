"""Bodies of settings as text: how a page shows one, and how what somebody typed is read."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.kinds import KINDS

#: How deep a body may be, of how many values and brackets, and how much of one is said in a line, in characters.
_DEPTH, _PARTS, _LINE = 16, 5_000, 240


def text_of(body: Mapping[str, Any]) -> str:
    """As YAML."""
    import yaml

    return yaml.safe_dump(dict(body), sort_keys=False, allow_unicode=True) if body else ""


def body_of(text: str) -> dict[str, Any]:
    """What somebody typed, as YAML or JSON. Raises RequestInvalid.

    An alias would let a few lines say very much, and what is very deep would be more than a reader can follow: neither
    is needed.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for number, event in enumerate(yaml.parse(text, Loader=loader)):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEPTH or number > _PARTS:
                raise RequestInvalid(f"that is more than a rule can say: {_DEPTH} levels and {_PARTS:,} parts at most")
            if isinstance(event, yaml.AliasEvent):
                raise RequestInvalid("write out what is there twice: aliases (*name) are not read")
        body = yaml.load(text, Loader=loader)  # noqa: S506 - a safe one, see above
    except yaml.YAMLError as error:
        raise RequestInvalid(f"that is not valid YAML: {' '.join(str(error).split())[:300]}") from error
    except ValueError as error:  # of a date that is none
        raise RequestInvalid(f"that is not valid YAML: {error}") from error
    if body is None:
        return {}
    if not isinstance(body, dict) or not all(isinstance(key, str) for key in body):
        raise RequestInvalid("write one field a line, as in `immutable: true`")
    try:
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise RequestInvalid(f"that is nothing that a rule can say: {error}") from error
    return plain


def line_of(body: Mapping[str, Any]) -> str:
    """What it says in a line, as far as there is room; fields that say nothing are left out."""
    said = "; ".join(f"{field}: {_value(value)}" for field, value in body.items() if value not in ("", [], {}, None))
    return said if len(said) <= _LINE else f"{said[: _LINE - 1]}…"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    return msgspec.json.encode(value).decode()


class Field(msgspec.Struct, frozen=True):
    """A field of a body, as its declaration describes it."""

    name: str
    text: str
    is_needed: bool


@cache
def fields_of(kind: str) -> tuple[Field, ...]:
    """The fields of a kind's bodies; of bodies of several shapes those of all of them, each once."""
    (body,), components = msgspec.json.schema_components([KINDS[kind].body], ref_template="{name}")
    shapes = [components[each["$ref"]] for each in body.get("anyOf", [body]) if "$ref" in each]
    found: dict[str, Field] = {}
    for shape in shapes:
        needed = shape.get("required", ())
        for name, said in shape.get("properties", {}).items():
            found.setdefault(name, Field(name, said.get("description", ""), name in needed))
    return tuple(found.values())
