"""Reads settings: flags over ORLOP_* variables over a TOML file over defaults."""

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec

from orlop.config import units
from orlop.config.errors import ConfigurationInvalid
from orlop.config.settings import Meaning, Settings, ValueKind, check, default_workers
from orlop.domain.backup import Sealing

PREFIX = "ORLOP_"
#: Names the TOML file where no --config does.
FILE_VARIABLE = "ORLOP_CONFIG"
#: The password of the first account. No setting: it is used once, and shown nowhere.
ADMIN_PASSWORD_VARIABLE = "ORLOP_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable
#: Variables with this prefix are settings of the place to move to, and none of this one.
TARGET_PREFIX = "ORLOP_TO_"
#: Variables with this prefix say how to reach a bucket with backups, for commands that read no settings, too.
BACKUP_PREFIX = "ORLOP_BACKUP_"
#: Variables with this prefix are for the tests of Orlop and no settings.
TEST_PREFIX = "ORLOP_TEST_"

#: Variables with this prefix hold secrets that documents name (`secrets.prefix`), and are no settings.
SECRET_PREFIX = "ORLOP_SECRET_"  # noqa: S105 - the beginning of names

#: At the end of a variable that names the file in which the value of the variable without it stands.
FILE_SUFFIX = "_FILE"
_SECRET_BYTES = 64 * 1024

#: The rest of the names of variables that say for whom backups are encrypted.
OF_SEALING = frozenset({"ENCRYPT_TO", "IDENTITY", "PASSPHRASE"})

_NO_SETTINGS = (FILE_VARIABLE, ADMIN_PASSWORD_VARIABLE)
_NO_SETTINGS_BEGIN = (TEST_PREFIX, TARGET_PREFIX, SECRET_PREFIX, BACKUP_PREFIX)


class Setting(msgspec.Struct, frozen=True):
    """One setting: its key with dots, its meaning, the type's default and the text of its group."""

    key: str
    meaning: Meaning
    default: Any
    group: str

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.key.replace(".", "_").upper()


class Loaded(msgspec.Struct, frozen=True):
    """Settings, and for every key where its value came from: `default`, a file, a variable or a flag."""

    settings: Settings
    sources: dict[str, str]


@cache
def all_settings() -> dict[str, Setting]:
    """Every setting by its key, in the order of the reference."""
    return {setting.key: setting for setting in _walk(Settings, "")}


def load(
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    file: Path | None = None,
    *,
    terminal: bool = False,
) -> Loaded:
    """Read all sources. `flags` maps keys to values that were given; `terminal`: standard error is one.

    Raises ConfigurationInvalid.
    """
    values: dict[str, Any] = {}
    sources = dict.fromkeys(all_settings(), "default")
    environment = with_files(environment)
    if file is None and environment.get(FILE_VARIABLE):
        file = Path(environment[FILE_VARIABLE])
    for origin, given in (
        (str(file), _from_file(file) if file else {}),
        ("", _from_environment(environment)),
        ("", {key: (f"--{key.replace('.', '-')}", value) for key, value in flags.items() if value is not None}),
    ):
        for key, (name, value) in given.items():
            values[key] = _checked(all_settings()[key], value, name)
            sources[key] = origin or name
    if "workers" not in values and "memory" not in (values.get("catalog.url"), values.get("blobs.url")):
        values["workers"] = default_workers()
    if "log.format" not in values and terminal:
        values["log.format"] = "console"
    settings = _build(Settings, values, "")
    check(settings)
    return Loaded(settings, sources)


def with_files(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Variables, with the content of a file in place of each whose name ends with `_FILE`, as secrets of containers are
    given: `ORLOP_CATALOG_URL_FILE` names the file with `ORLOP_CATALOG_URL`. A line break at its end is left out.

    Raises ConfigurationInvalid: a file cannot be read, has more than 64 KiB, or the variable is given as well.
    """
    takers = {setting.variable for setting in all_settings().values()} | {ADMIN_PASSWORD_VARIABLE}
    read = dict(environment)
    for name, path in environment.items():
        taker = name.removesuffix(FILE_SUFFIX)
        if taker == name or taker not in takers:
            continue
        if taker in environment:
            raise ConfigurationInvalid(f"{taker} and {name} are both given; leave one out")
        del read[name]
        read[taker] = _secret(Path(path), name)
    return read


def load_target(file: Path, environment: Mapping[str, str]) -> Loaded:
    """Read the settings of a place to move to: ORLOP_TO_* variables over a file over defaults.

    The settings of the place where the registry is now have no part in it. Raises ConfigurationInvalid.
    """
    own = {
        PREFIX + name.removeprefix(TARGET_PREFIX): value
        for name, value in environment.items()
        if name.startswith(TARGET_PREFIX)
    }
    return load({}, own, file)


def value_text(setting: Setting, value: Any) -> str:
    """A value as it is written in a file or variable, without passwords; of a secret only whether there is one."""
    match setting.meaning.kind:
        case ValueKind.DURATION:
            return units.duration_text(value)
        case ValueKind.SIZE:
            return units.size_text(value)
        case ValueKind.SWITCH:
            return "true" if value else "false"
        case ValueKind.URL if value is not None:
            return units.without_password(value)
        case ValueKind.SECRET:
            return "(set)" if value else ""
    return "" if value is None else str(value)


def value_of(settings: Settings, key: str) -> Any:
    """The value of a setting by its key."""
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _walk(struct: type[msgspec.Struct], prefix: str) -> Iterator[Setting]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        if get_origin(hint) is Annotated:
            meaning = get_args(hint)[1]
            yield Setting(prefix + field.name, meaning, field.default, struct.__doc__ or "")
        else:
            yield from _walk(hint, f"{prefix}{field.name}.")


def _build(struct: type[Any], values: Mapping[str, Any], prefix: str) -> Any:
    hints = get_type_hints(struct, include_extras=True)
    given: dict[str, Any] = {}
    for name, hint in hints.items():
        if get_origin(hint) is not Annotated:
            given[name] = _build(hint, values, f"{prefix}{name}.")
        elif prefix + name in values:
            given[name] = values[prefix + name]
    return struct(**given)


def _from_file(file: Path) -> dict[str, tuple[str, Any]]:
    try:
        with file.open("rb") as stream:
            document = tomllib.load(stream)
    except OSError as error:
        raise ConfigurationInvalid(f"the configuration file {file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(f"the configuration file {file} is not valid TOML: {error}") from error
    flat: dict[str, tuple[str, Any]] = {}
    groups = {key.rpartition(".")[0] for key in all_settings()} - {""}

    def take(table: Mapping[str, Any], prefix: str) -> None:
        for name, value in table.items():
            key = prefix + name
            if isinstance(value, dict) and key in groups:
                take(value, f"{key}.")
            elif key in all_settings():
                flat[key] = (f"{key} in {file}", value)
            else:
                raise ConfigurationInvalid(
                    f"{file} has an unknown key {key}{_nearest(key, (*all_settings(), *groups))}"
                )

    take(document, "")
    return flat


def _secret(path: Path, name: str) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(_SECRET_BYTES + 1)
        if len(content) > _SECRET_BYTES:
            raise ConfigurationInvalid(f"{name}: {path} is larger than 64 KiB")
        return content.decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigurationInvalid(f"{name}: {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid(f"{name}: {path} is not text") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    known = {setting.variable: setting.key for setting in all_settings().values()}
    given: dict[str, tuple[str, Any]] = {}
    for name, value in environment.items():
        if not name.startswith(PREFIX) or name in _NO_SETTINGS:
            continue
        if name.startswith(_NO_SETTINGS_BEGIN) and name not in known:
            continue
        if name not in known:
            raise ConfigurationInvalid(f"unknown variable {name}{_nearest(name, (*known, *_NO_SETTINGS))}")
        given[known[name]] = (name, value)
    return given


def _nearest(name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.0)
    return f"; the nearest known one is {near[0]}"


def _checked(setting: Setting, value: Any, name: str) -> Any:
    """The value in its type. Text is read; what a TOML file or a flag gave typed must have the right type."""
    try:
        parsed = _parsed(setting.meaning, value)
    except ConfigurationInvalid as error:
        raise ConfigurationInvalid(f"{name}: {error}") from error
    choices, schemes = setting.meaning.choices, setting.meaning.schemes
    is_url = setting.meaning.kind is ValueKind.URL and parsed.startswith(schemes)
    if (choices or schemes) and parsed not in choices and not is_url:
        raise ConfigurationInvalid(
            f"{name}: {value_text(setting, parsed)!r} is not {' or '.join((*choices, *schemes))}"
        )
    if isinstance(parsed, int) and parsed < setting.meaning.minimum:
        least = value_text(setting, setting.meaning.minimum)
        raise ConfigurationInvalid(f"{name}: {value_text(setting, parsed)} is less than {least}")
    return parsed


def _parsed(meaning: Meaning, value: Any) -> Any:
    text = str(value) if isinstance(value, str | Path) else None
    match meaning.kind:
        case ValueKind.SWITCH if isinstance(value, bool):
            return value
        case ValueKind.SWITCH if text in {"true", "false"}:
            return text == "true"
        case ValueKind.COUNT | ValueKind.SIZE if isinstance(value, int) and not isinstance(value, bool):
            return value
        case ValueKind.DURATION if value == 0 and isinstance(value, int):
            return 0
        case ValueKind.COUNT if text is not None and text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
        case ValueKind.SIZE if text is not None:
            return units.size(text)
        case ValueKind.DURATION if text is not None:
            return units.duration(text)
        case ValueKind.PATH if text:
            return Path(text)
        case ValueKind.ADDRESS if text is not None:
            units.address(text)
            return text
        case ValueKind.TEXT | ValueKind.URL | ValueKind.SECRET if text is not None:
            return text
    shown = "the value" if meaning.kind is ValueKind.SECRET else repr(value)
    raise ConfigurationInvalid(f"{shown} is not a {meaning.kind.value}")


def sealing_of(environment: Mapping[str, str]) -> Sealing:
    """For whom backups are encrypted, and what opens them, as variables say: ORLOP_BACKUP_PASSPHRASE and so on."""
    own = {
        name: value
        for name, value in environment.items()
        if name.removeprefix(BACKUP_PREFIX).removesuffix(FILE_SUFFIX) in OF_SEALING and name.startswith(BACKUP_PREFIX)
    }
    return load({}, own).settings.backup.sealing
