"""orlop provider, trust, tag-rule and so on: the same commands for every kind of settings."""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import cyclopts
from cyclopts import Parameter
from msgspec import inspect as types

from orlop.domain.counts import counted
from orlop.domain.durations import DAY
from orlop.domain.settings import Ends, SettingKind, endless, place_words
from orlop.faces.cli import moments, shown
from orlop.faces.cli.management import faring, typed
from orlop.faces.cli.management.typed import HERE, Flag, Json, work
from orlop.faces.cli.running import UsageError
from orlop.faces.cli.servers import ServerChoice, Servers, everything, setting_at
from orlop.ports.management import ManagementServer

SettingName = Annotated[str, Parameter(help="Its name.")]
Where = Annotated[
    str, Parameter(name="--at", help="The namespace (team/) or repository that it is about; / is the registry.")
]
File = Annotated[
    Path | None,
    Parameter(
        name=["--file", "-f"], negative="", help="A YAML or JSON file with the whole of it; - is standard input."
    ),
]

_COLUMNS: dict[str, Any] = {
    "NAME": "name",
    "VERSION": "version",
    "CHANGED": "changed_at",
    "BY": "changed_by",
    "BODY": "body",
}
_FLAT: dict[str, Any] = {"NAME": "name", "BUILT IN": "builtin"}
_PLACED = {"PLACE": lambda setting: place_words(setting["path"])} | _COLUMNS


#: Flags of lists that end like a plural and say what something does.
_NO_PLURALS = frozenset({"--serves"})


def register(app: cyclopts.App, servers: Servers, kinds: Iterable[SettingKind]) -> None:
    """Add a group of commands for each kind."""
    for kind in kinds:
        group = cyclopts.App(name=kind.kind, help=kind.text)
        app.command(group)
        _listing(group, servers, kind)
        _one(group, servers, kind)
        group.command(_setter(servers, kind), name="set")


def _listing(group: cyclopts.App, servers: Servers, kind: SettingKind) -> None:
    if not kind.placed:

        @group.command(name="ls")
        def whole(*, json: Json = False, at: ServerChoice = HERE) -> int:
            """List all settings, without secrets."""
            return _list(servers, kind, at, json=json)

        return

    @group.command
    def ls(*, place: Where = "", covering: str = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """List the settings that you may see, by place and name.

        Parameters
        ----------
        covering
            Those that are about this namespace or repository and all above it.
        json
            Print a JSON array.
        """
        query = {"path": _path(place)} if place else {}
        if covering:
            query = {"covering": _path(covering)}
        return _list(servers, kind, at, json=json, **query)


def _one(group: cyclopts.App, servers: Servers, kind: SettingKind) -> None:
    def show(name: SettingName, /, *, place: Where = "", at: ServerChoice = HERE) -> int:
        """Show a setting as JSON, without secrets: (set) stands for one, and leaves it as it is when given back."""

        async def do(server: ManagementServer) -> None:
            found = (await server.ask("GET", _address(kind, name, place))).value
            shown.fields(kind.nested(found)["body"], json=True)

        return work(servers, at, do)

    def rm(name: SettingName, /, *, place: Where = "", at: ServerChoice = HERE) -> int:
        """Remove a setting."""
        where = kind.where(_path(place))
        return typed.remove(servers, at, _address(kind, name, place), f"the {kind.kind} {name}{where} is removed")

    def show_faring(name: SettingName, /, *, place: Where = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """Show a setting without secrets, and how what it sets fares.

        Parameters
        ----------
        json
            Print a JSON object with both.
        """

        async def do(server: ManagementServer) -> None:
            found = kind.nested((await server.ask("GET", _address(kind, name, place))).value)["body"]
            status = (await server.ask("GET", _address(kind, name, place, "/status"))).value
            if json:
                shown.print_json({kind.kind: found, "status": status})
            else:
                shown.fields(found, json=False)
                print()
                faring.print_status(status)

        return work(servers, at, do)

    group.command(_placed(show_faring if kind.fares else show, kind), name="show")
    group.command(_placed(rm, kind))


def _setter(servers: Servers, kind: SettingKind) -> Callable[..., int]:
    """`set`, with a flag for each field of a body that can be typed."""
    flags = {name: flag for field in _fields(kind) for name, flag in (*_flag(field), *_file(kind, field))}
    texts = {field.name: _help(field) for field in _fields(kind)}
    words = {field.name for field in _fields(kind) if _is_words(field.type)}

    def set_(
        name: SettingName,
        /,
        *behind: str,
        file: File = None,
        place: Where = "",
        json: Json = False,
        at: ServerChoice = HERE,
        **given: Any,
    ) -> int:
        """Make or replace a setting from a file, or change fields of it by flags."""

        async def do(server: ManagementServer) -> None:
            named = {field: value for field, value in given.items() if value is not None}
            if behind:
                named[kind.behind] = behind
            body, where = {}, place
            if file is not None:
                read = typed.document(file)
                if isinstance(read, dict) and "kind" in read:
                    read = kind.nested(read)
                body, where = typed.body_of(kind.kind, name, read, file), _where(read, place, file)
            address = _address(kind, name, where)
            if named and file is None:
                there = await typed.find(server, address)
                body = kind.nested(there.value)["body"] if there is not None else {}
            if not named and file is None:
                raise UsageError("say what it is to be: with --file, or by flags")
            body |= {flags[field][0]: _typed(value, field in words) for field, value in named.items()}
            shown.fields((await typed.put(server, address, body)).value, json=json)

        return work(servers, at, do)

    signature = inspect.signature(set_)
    behind_it = Annotated[str, Parameter(help=texts.get(kind.behind, ""))]
    fixed = [
        one.replace(name=kind.behind, annotation=behind_it) if one.name == "behind" else one
        for one in signature.parameters.values()
        if one.kind is not inspect.Parameter.VAR_KEYWORD and (one.name != "behind" or kind.behind)
    ]
    added = [
        inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for field, (_, annotation) in flags.items()
        if field not in (kind.behind, f"{kind.behind}_")
    ]
    set_.__signature__ = signature.replace(parameters=[*fixed, *added])  # type: ignore[attr-defined]
    set_.__annotations__ |= {field: annotation for field, (_, annotation) in flags.items()}
    if kind.behind:
        set_.__annotations__.pop("behind")
        set_.__annotations__[kind.behind] = behind_it
    return _placed(set_, kind)


def _placed(command: Callable[..., int], kind: SettingKind) -> Callable[..., int]:
    """A command without `--at` for a kind that has no place."""
    if not kind.placed:
        signature = inspect.signature(command)
        kept = [one for one in signature.parameters.values() if one.name != "place"]
        command.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        command.__annotations__.pop("place")
    return command


def _fields(kind: SettingKind) -> tuple[types.Field, ...]:
    """The fields of a body that is one struct; of one that is several nothing can be typed."""
    body = types.type_info(kind.body)
    return body.fields if isinstance(body, types.StructType) else ()


def _flag(field: types.Field) -> Iterable[tuple[str, tuple[str, Any]]]:
    """The name of a parameter, what the body calls it, and how it is typed; nothing for what is no word or list."""
    kind, help_ = field.type, _help(field)
    kind = _plain(kind)
    made: Any = None
    if isinstance(kind, types.BoolType):
        made = Annotated[bool | None, Parameter(name=_option(field), help=help_)]
    elif isinstance(kind, types.StrType):
        made = Annotated[str | None, Parameter(name=_option(field), help=help_)]
    elif isinstance(kind, types.IntType):
        made = Annotated[int | None, Parameter(name=_option(field), help=help_)]
    elif isinstance(kind, types.EnumType):
        words = Literal[tuple(word.value for word in kind.cls)]  # type: ignore[valid-type]
        made = Annotated[words | None, Parameter(name=_option(field), help=help_)]
    elif isinstance(kind, types.VarTupleType) and isinstance(_plain(kind.item_type), types.StrType | types.EnumType):
        option = _option(field)
        shown_as = _singular(option)
        # What has many lines is not typed: each is what a file holds.
        each: Any = Path if _has_lines(field) else str
        made = Annotated[tuple[each, ...] | None, Parameter(name=shown_as, negative="", help=help_)]
        if shown_as != option:  # the field's own name is taken as well, and not listed a second time
            hidden = Annotated[tuple[each, ...] | None, Parameter(name=option, negative="", show=False)]
            yield f"{field.name}_", (field.encode_name, hidden)
    if made is not None:
        yield field.name, (field.encode_name, made)


def _plain(kind: types.Type) -> types.Type:
    """A type without what is said of it."""
    while isinstance(kind, types.Metadata):
        kind = kind.type
    return kind


def _help(field: types.Field) -> str:
    """What a field means."""
    schema = field.type.extra_json_schema if isinstance(field.type, types.Metadata) else None
    return str((schema or {}).get("description", ""))


def _file(kind: SettingKind, field: types.Field) -> Iterable[tuple[str, tuple[str, Any]]]:
    """A flag that names a file with what a field is to be: for secrets, which are not to be typed, and for what has
    many lines."""
    if field.encode_name in kind.secrets or (
        _has_lines(field) and not isinstance(_plain(field.type), types.VarTupleType)
    ):
        help_ = f"A file that holds it, rather than {_option(field)}."
        yield (
            f"{field.name}_file",
            (field.encode_name, Annotated[Path | None, Parameter(name=f"{_option(field)}-file", help=help_)]),
        )


def _is_words(type_: types.Type) -> bool:
    """Whether it is a list of words out of a few, which may be typed as one with commas."""
    plain = _plain(type_)
    return isinstance(plain, types.VarTupleType) and isinstance(_plain(plain.item_type), types.EnumType)


def _has_lines(field: types.Field) -> bool:
    """Whether what a field is to be stands in files."""
    schema = field.type.extra_json_schema if isinstance(field.type, types.Metadata) else None
    return bool((schema or {}).get("contentMediaType"))


def _typed(value: Any, words: bool = False) -> Any:
    """What a flag says; the content of a file, or of each of several, where it names them. `words`: with commas, too.
    Raises UsageError."""
    if words:
        return [word for text in value for word in text.split(",")]
    if isinstance(value, tuple):
        return [_typed(each) for each in value]
    return typed.text_of(value) if isinstance(value, Path) else value


def _singular(option: str) -> str:
    """`--event` for `--events`: each is typed with a flag of its own."""
    if option.endswith("ies"):
        return f"{option[:-3]}y"
    return option.removesuffix("s") if option not in _NO_PLURALS else option


def _option(field: types.Field) -> str:
    return f"--{field.encode_name.replace('_', '-')}"


def _list(servers: Servers, kind: SettingKind, at: ServerChoice, *, json: bool, **query: str) -> int:
    async def do(server: ManagementServer) -> None:
        found = await everything(server, f"/{kind.plural}", **query)
        columns = _PLACED if kind.placed else _COLUMNS
        if kind.ends is not endless:
            columns = _ending(kind)
        if kind.flat:
            columns = _FLAT | {field.name.upper(): field.encode_name for field in _fields(kind)}
        shown.rows(found, columns, json=json)

    return work(servers, at, do)


def _ending(kind: SettingKind) -> dict[str, Any]:
    """With the last day of each, and whether it still holds."""
    now = moments.now()

    def ends(setting: dict[str, Any]) -> Ends | None:
        return kind.ends(kind.parse(setting["name"], setting["body"]))

    def until(setting: dict[str, Any]) -> str:
        found = ends(setting)
        return moments.shown(found.ends_at - 1)[:10] if found is not None else "-"

    def state(setting: dict[str, Any]) -> str:
        found = ends(setting)
        if found is None or found.ends_at > now:
            days = 0 if found is None else -(-(found.ends_at - now) // DAY)
            soon = found is not None and 0 < found.remind_at <= now
            return f"ends in {counted(days, 'day')}" if soon else "holds"
        return "expired"

    placed = {"PLACE": _PLACED["PLACE"], "NAME": "name", "UNTIL": until, "STATE": state}
    return placed | {title: _PLACED[title] for title in ("CHANGED", "BY", "BODY")}


def _address(kind: SettingKind, name: str, place: str, what: str = "") -> str:
    return setting_at(kind.plural, name, _path(place), what)


def _where(read: Any, place: str, file: Path) -> str:
    """The place of a document in a file, which `--at` may repeat. Raises UsageError where it says another one."""
    written = str(read.get("at", "")) if "body" in read else ""
    if written and place and _path(written) != _path(place):
        raise UsageError(f"{file} is about {written}, and --at says {place}")
    return place or written


def _path(place: str) -> str:
    """`team/` and `team` are one node; `/` is the root. Raises UsageError."""
    return typed.here(place).strip("/")
