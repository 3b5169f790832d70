"""Fields and words that nobody knows, named with those that are known; for whatever people write by hand."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from msgspec import inspect

from orlop.domain.errors import RequestInvalid


def nearest(name: str, known: tuple[str, ...]) -> str:
    """The end of a sentence that says that a name is not known."""
    near = get_close_matches(name, known, n=1, cutoff=0.0)
    return f"; the nearest known one is {near[0]}" if near else ""


def refuse_unknown(kind: type[Any], value: Any, where: str = "") -> None:
    """Raises RequestInvalid for a field at any depth of `value` that `kind` does not have, and for a text where only
    certain words may stand. Other types are not looked at.

    Lists and mappings are followed; where several structs are possible, a field that any of them has is known.
    """
    _walk(inspect.type_info(kind), value, where)


def _walk(kind: inspect.Type, value: Any, where: str) -> None:
    structs = [option for option in _options(kind) if isinstance(option, inspect.StructType)]
    if isinstance(value, dict) and structs:
        fields: dict[str, list[inspect.Type]] = {}
        for struct in structs:
            for field in struct.fields:
                fields.setdefault(field.encode_name, []).append(field.type)
        tags = {struct.cls.__struct_config__.tag_field for struct in structs} - {None}
        for key, item in value.items():
            if key in tags:
                continue
            if key not in fields:
                raise RequestInvalid(
                    f"there is no field {where}{str(key)[:64]}{nearest(str(key), tuple(fields))}",
                    {"field": f"{where}{str(key)[:64]}"},
                )
            for option in fields[key]:
                _walk(option, item, f"{where}{key}.")
        return
    if isinstance(value, str) and (known := _words(kind)) and value not in known:
        raise RequestInvalid(
            f"{where.rstrip('.')}: {unknown_word(value, known)}", {"field": where.rstrip("."), "value": value[:64]}
        )
    for option in _options(kind):
        if isinstance(value, list) and isinstance(option, inspect.CollectionType):
            for item in value:
                _walk(option.item_type, item, where)
        elif isinstance(value, dict) and isinstance(option, inspect.DictType):
            for key, item in value.items():
                _walk(option.value_type, item, f"{where}{str(key)[:64]}.")


def unknown_word(word: str, known: Sequence[str]) -> str:
    """A sentence for a word that is none of those that are known."""
    near = get_close_matches(word, known, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"{word[:64]!r} is none of {', '.join(known)}{meant}"


def words_of(kind: type[Any]) -> tuple[str, ...]:
    """The only texts that a type takes; nothing for a type that takes others."""
    return _words(inspect.type_info(kind))


def _words(kind: inspect.Type) -> tuple[str, ...]:
    found: list[str] = []
    for option in _options(kind):
        if isinstance(option, inspect.EnumType):
            found += [str(member.value) for member in option.cls]
        elif isinstance(option, inspect.LiteralType):
            found += [str(value) for value in option.values]
        elif not isinstance(option, inspect.NoneType):
            return ()
    return tuple(found)


def _options(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    if isinstance(kind, inspect.Metadata):
        return _options(kind.type)
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)
