"""What is typed in several commands: places, times, limits, passwords."""

import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from orlop.domain.access import Place
from orlop.faces.cli import shown
from orlop.faces.cli.running import UsageError, run, tell
from orlop.faces.cli.servers import ServerChoice, Servers, path_of, signed_in
from orlop.ports.management import ManagementServer, Reply, RequestRefused

Flag = Annotated[bool, Parameter(negative="")]
Json = Annotated[bool, Parameter(negative="", help="Print JSON.")]
Texts = Annotated[tuple[str, ...], Parameter(negative="")]
HERE = ServerChoice()

_DURATION = re.compile(r"([1-9][0-9]{0,4})([hdw])", re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 168}


def work(servers: Servers, choice: ServerChoice, do: Callable[[ManagementServer], Awaitable[int | None]]) -> int:
    """Do something at the server that was named, as whoever is signed in there; the exit code, as of `run`."""

    async def signed() -> int | None:
        async with signed_in(servers, choice) as server:
            return await do(server)

    return run(signed)


def here(text: str) -> str:
    """A place as it is typed. Raises UsageError where it names a registry or a tag, which no place does."""
    if ":" in text:
        raise UsageError(
            f"{text[:160]!r} is no place: write team/ or team/app, without a registry, which --server names, or a tag"
        )
    return text


def place(text: str) -> dict[str, str]:
    """A place: `/` is the registry, `team/` all below a namespace, anything else a pattern of repositories.

    Raises UsageError.
    """
    found = Place.typed(here(text))
    return {"kind": found.kind.value, "path": found.path}


async def tell_narrow(server: ManagementServer, text: str) -> None:
    """Say of a place that it is one repository alone, where there is none of that name: namespaces end with a slash."""
    if text == "/" or text.endswith("/") or "*" in text:
        return
    try:
        await server.ask("GET", f"/repositories/{path_of(text)}")
    except RequestRefused as refusal:
        if refusal.status in (404, 405):
            tell(f"{text} is the repository of that name alone; all below the namespace is written {text}/")


def until(text: str) -> str | None:
    """When something ends, for the API: a duration such as `90d`, a date, a time, or `never`. Raises UsageError."""
    if text in ("", "never"):
        return None
    found = _DURATION.fullmatch(text)
    if found:
        return (datetime.now(UTC) + timedelta(hours=int(found[1]) * _HOURS[found[2]])).isoformat()
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text[:64]!r} is no end: write 12h, 90d, 4w, a date such as 2030-01-31, or never") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def limits(actions: tuple[str, ...], on: tuple[str, ...]) -> list[dict[str, Any]] | None:
    """What a token may be used for: these actions on these places; neither: everything. Raises UsageError."""
    if not actions and not on:
        return None
    if not actions or not on:
        raise UsageError("--action and --on go together: what, and where")
    return [{"actions": list(actions), "place": place(where)} for where in on]


def password(prompt: str, *, from_stdin: bool, twice: bool = False) -> str:
    """A password from the terminal, or the first line of standard input; never from the command line.

    Raises UsageError when there is none to be had.
    """
    if from_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
        if not text:
            raise UsageError("standard input has no password")
        return text
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the password; give it with --password-stdin")
    import getpass

    text = getpass.getpass(f"{prompt}: ")
    if twice and getpass.getpass(f"{prompt}, again: ") != text:
        raise UsageError("the two are not the same")
    return text


def robot(name: str) -> str:
    """A robot's name, with its `robot+` in front."""
    return name if name.startswith("robot+") else f"robot+{name}"


def show(servers: Servers, at: ServerChoice, path: str, *, json: bool) -> int:
    """Show one thing; the exit code."""

    async def do(server: ManagementServer) -> None:
        shown.fields((await server.ask("GET", path)).value, json=json)

    return work(servers, at, do)


def change(servers: Servers, at: ServerChoice, path: str, body: dict[str, Any], done: str) -> int:
    """Change one thing; the exit code."""

    async def do(server: ManagementServer) -> None:
        await server.ask("PATCH", path, body=body)
        print(done)

    return work(servers, at, do)


def remove(servers: Servers, at: ServerChoice, path: str, done: str) -> int:
    """Remove one thing; the exit code."""

    async def do(server: ManagementServer) -> None:
        await server.ask("DELETE", path)
        print(done)

    return work(servers, at, do)


async def find(server: ManagementServer, path: str) -> Reply | None:
    """One thing; None when there is none."""
    try:
        return await server.ask("GET", path)
    except RequestRefused as refusal:
        if refusal.status != 404:
            raise
        return None


async def put(server: ManagementServer, path: str, body: dict[str, Any]) -> Reply:
    """Make it, or replace what there is, as it was a moment ago."""
    there = await find(server, path)
    return await server.ask("PUT", path, body=body, match=there.version if there else "", create=there is None)


def body_of(kind: str, name: str, read: Any, file: Path) -> dict[str, Any]:
    """The body that a file gives a document of a kind: all of it, or the `body` of a document as orlop apply takes it.

    Raises UsageError for what is neither, or is about another one.
    """
    if not isinstance(read, dict):
        raise UsageError(f"{file} is no mapping")
    if read.get("kind") != kind or "body" not in read:
        return read
    if not isinstance(read["body"], dict):
        raise UsageError(f"{file}: its body is no mapping")
    if read.get("name", name) != name:
        raise UsageError(f"{file} describes the {kind} {str(read['name'])[:64]}, not {name}")
    return dict(read["body"])


def text_of(file: Path) -> str:
    """What a file holds, without its last line break; `-` is standard input. Raises UsageError."""
    return _read(file).removesuffix("\n").removesuffix("\r")


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise unreadable(file, cause) from cause


def unreadable(file: Path, cause: OSError | UnicodeDecodeError) -> UsageError:
    """That a file which was named cannot be read, and why."""
    return UsageError(f"{file} cannot be read: {getattr(cause, 'strerror', None) or 'it is no text in UTF-8'}")


def document(file: Path) -> Any:
    """What a YAML or JSON file says; `-` is standard input. Raises UsageError."""
    import yaml

    try:
        return yaml.safe_load(_read(file))
    except yaml.YAMLError as error:
        raise UsageError(f"{file} is not valid YAML: {' '.join(str(error).split())[:300]}") from error
