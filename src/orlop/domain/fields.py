"""Fields that nobody knows, named with the nearest that is known; for whatever people write by hand."""

from difflib import get_close_matches
from typing import Any

from msgspec import inspect

from orlop.domain.errors import RequestInvalid


def nearest(name: str, known: tuple[str, ...]) -> str:
    """The end of a sentence that says that a name is not known."""
    near = get_close_matches(name, known, n=1, cutoff=0.0)
    return f"; the nearest known one is {near[0]}" if near else ""


def refuse_unknown(kind: type[Any], value: Any, where: str = "") -> None:
    """Raises RequestInvalid for a field at any depth of `value` that `kind` does not have. Its types are not looked at.

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
    for option in _options(kind):
        if isinstance(value, list) and isinstance(option, inspect.CollectionType):
            for item in value:
                _walk(option.item_type, item, where)
        elif isinstance(value, dict) and isinstance(option, inspect.DictType):
            for key, item in value.items():
                _walk(option.value_type, item, f"{where}{str(key)[:64]}.")


def _options(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    if isinstance(kind, inspect.Metadata):
        return _options(kind.type)
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)
