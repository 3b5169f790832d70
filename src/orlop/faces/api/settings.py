"""End points about settings: the same for every kind, made from what it declares."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from orlop.domain.settings import SettingKind
from orlop.faces.api import values
from orlop.faces.api.exchange import (
    PAGE,
    PREFIX,
    ApiRequest,
    Last,
    Match,
    NoneMatch,
    Size,
    caller_of,
    expected,
    listed,
    page_of,
    replacing,
    tagged,
)
from orlop.services.management.operations import Operation
from orlop.services.settings.kept import KeptSettings, Shown

_PATH, _COVERING = "path", "covering"

At = Annotated[
    str,
    QueryParameter(
        name=_PATH, max_length=255, description="The namespace or repository that it is about; empty: the registry."
    ),
]
Only = Annotated[
    str | None, QueryParameter(name=_PATH, max_length=255, description="Only those about exactly this place.")
]
Covering = Annotated[
    str | None,
    QueryParameter(
        name=_COVERING,
        max_length=255,
        description="Only those about this namespace or repository and all above it, from the root down; in one page, "
        "unless that would be too large.",
    ),
]


def settings(service: KeptSettings) -> list[HTTPRouteHandler]:
    """`/trusts`, `/providers`, `/tag-rules` and so on."""
    return [handler for kind in service.kinds.values() for handler in _settings(service, kind)]


def _settings(service: KeptSettings, declared: SettingKind) -> list[HTTPRouteHandler]:
    kind, plural, tags = declared.kind, declared.plural, [declared.plural]
    title, many = _joined(kind), _joined(plural)
    view: Callable[[Shown], Any] = values.flat_setting if declared.flat else values.SettingValue.of

    @get(f"/{plural}", operation_id=f"list{many}", tags=tags, operation=Operation.SETTING_READ)
    async def list_settings(
        request: ApiRequest, n: Size = PAGE, last: Last = "", path: Only = None, covering: Covering = None
    ) -> Response[list[values.SettingValue]]:
        """Those that the caller may see, by place and name, without secrets."""
        caller = caller_of(request)
        if covering is not None:
            page = await service.covering(caller, kind, covering, last)
        else:
            page = await service.page(caller, kind, page_of(n, last), path)
        return listed(request, page, view, lambda shown: f"{shown.path}:{shown.name}", n)

    @get(f"/{plural}/{{name:str}}", operation_id=f"show{title}", tags=tags, operation=Operation.SETTING_READ)
    async def show_setting(request: ApiRequest, name: FromPath[str], path: At = "") -> Response[values.SettingValue]:
        """One of them, without secrets."""
        found = await service.get(caller_of(request), kind, name, path)
        return tagged(view(found), found.version)

    @put(f"/{plural}/{{name:str}}", operation_id=f"put{title}", tags=tags, operation=Operation.SETTING_CHANGE)
    async def put_setting(
        request: ApiRequest,
        name: FromPath[str],
        data: JSONBody[dict[str, Any]],
        path: At = "",
        match: Match = None,
        none_match: NoneMatch = None,
    ) -> Response[values.SettingValue]:
        """Make or replace one. A secret that is `(set)` stays as it is."""
        made = await service.put(caller_of(request), kind, name, data, replacing(match, none_match), path)
        return tagged(view(made), made.version)

    @delete(f"/{plural}/{{name:str}}", operation_id=f"remove{title}", tags=tags, operation=Operation.SETTING_CHANGE)
    async def remove_setting(request: ApiRequest, name: FromPath[str], path: At = "", match: Match = None) -> None:
        """Remove one; it counts from the next request on."""
        await service.remove(caller_of(request), kind, name, expected(match), path)

    return [list_settings, show_setting, put_setting, remove_setting]


def describe(described: dict[str, Any], kinds: Mapping[str, SettingKind]) -> None:
    """Complete a description of the API: bodies in the types of their kinds, places only where a kind has them."""
    for kind in kinds.values():
        whole = described["paths"][f"{PREFIX}/{kind.plural}"]
        one = described["paths"][f"{PREFIX}/{kind.plural}/{{name}}"]
        (body,), components = msgspec.json.schema_components([kind.body], ref_template="#/components/schemas/{name}")
        described["components"]["schemas"] = components | described["components"]["schemas"]
        one["put"]["requestBody"]["content"]["application/json"]["schema"] = body
        if not kind.placed:
            for operation in (*whole.values(), *one.values()):
                kept = [each for each in operation["parameters"] if each["name"] not in (_PATH, _COVERING)]
                operation["parameters"] = kept
        if kind.flat:
            shape = {
                "properties": {
                    "name": {"type": "string"},
                    "builtin": {"type": "boolean"},
                    "version": {"type": "integer"},
                }
            }
            value = {"allOf": [body, {"type": "object", "required": list(shape["properties"])} | shape]}
            described["components"]["schemas"][f"{_joined(kind.kind)}Value"] = value
            shown = {"$ref": f"#/components/schemas/{_joined(kind.kind)}Value"}
            _answered(whole["get"])["schema"] = {"type": "array", "items": shown}
            _answered(one["get"])["schema"] = _answered(one["put"])["schema"] = shown


def _answered(operation: dict[str, Any]) -> dict[str, Any]:
    """What an operation answers with."""
    content: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]
    return content


def _joined(words: str) -> str:
    """`tag-rule` as `TagRule`."""
    return "".join(word.capitalize() for word in words.split("-"))
