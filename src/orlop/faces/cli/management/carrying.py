"""Reads who there is and who may do what from a server as documents, and makes a server what a plan says."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from orlop.domain.kinds import KINDS as SETTINGS
from orlop.domain.labels import version_of
from orlop.faces.cli.management.documents import (
    Document,
    Granted,
    Group,
    LabelSet,
    Placed,
    Robot,
    Space,
    Step,
    There,
    User,
    Verb,
    differences,
    kinds,
)
from orlop.faces.cli.servers import everything, part, path_of, setting_at
from orlop.ports.identity import LOCAL
from orlop.ports.management import ManagementServer, RequestRefused

#: Where each kind is.
_PATHS = {
    "user": "/users",
    "robot": "/robots",
    "group": "/groups",
    "namespace": "/namespaces",
    "grant": "/grants",
    "label-set": "/labelled-repositories",
}


def _paths() -> dict[str, str]:
    return _PATHS | {kind.kind: f"/{kind.plural}" for kind in SETTINGS.values()}


async def read(server: ManagementServer) -> list[There]:
    """Everything that the caller may see, as documents."""
    me = (await server.ask("GET", "/me")).value["account"]["name"]
    found: list[There] = []
    for kind, path in _paths().items():
        for entry in await _allowed(server, path):
            if kind == "group":
                entry["members"] = await _allowed(server, f"{path}/{part(entry['name'])}/members")
            there = _there(kind, entry, me)
            if there is not None:
                found.append(there)
    with suppress(RequestRefused):  # it is not for everybody to see
        root = (await server.ask("GET", "/namespaces/-")).value
        found.append(_made("namespace", {**root, "path": "/"}, kept=""))
    return found


async def _allowed(server: ManagementServer, path: str) -> list[Any]:
    """A list, which is empty for those who may not see it."""
    try:
        return await everything(server, path, n="1000")
    except RequestRefused as refusal:
        if refusal.status != 403:
            raise
        return []


async def carry_out(server: ManagementServer, steps: list[Step], done: Callable[[Step], None] = lambda _: None) -> None:
    """Do what a plan says, each step only if what it was planned for still holds. Raises RequestRefused."""
    for step in steps:
        if step.verb is Verb.DRIFT:
            continue
        match step.verb:
            case Verb.CREATE:
                assert step.wanted is not None
                await _create(server, step.wanted)
            case Verb.CHANGE:
                assert step.wanted is not None
                assert step.there is not None
                await _change(server, step.wanted, step.there)
            case Verb.DELETE:
                assert step.there is not None
                await _delete(server, step.kind, step.there)
        done(step)


async def _create(server: ManagementServer, wanted: Document) -> None:
    fields: dict[str, Any] = msgspec.to_builtins(wanted)
    match wanted:
        case User() | Robot():
            await server.ask("POST", _PATHS["user" if isinstance(wanted, User) else "robot"], body=fields)
        case Group():
            members = fields.pop("members", ())
            await server.ask("POST", "/groups", body=fields)
            for member in members:
                await server.ask("PUT", f"/groups/{part(wanted.name)}/members/{part(member)}")
        case Granted():
            await server.ask("POST", "/grants", body=fields)
        case _:
            path, body = _replaced(wanted)
            await server.ask("PUT", path, body=body, create=True)


async def _change(server: ManagementServer, wanted: Document, there: There) -> None:
    differing = differences(there.document, wanted)
    match wanted:
        case User() | Robot():
            body = msgspec.to_builtins({name: now for name, (_, now) in differing.items()})
            path = f"{_PATHS['user' if isinstance(wanted, User) else 'robot']}/{part(wanted.name)}"
            await server.ask("PATCH", path, body=body, match=there.version)
        case Group():
            was, now = (set(members) for members in differing["members"])
            for member in sorted(now - was):
                await server.ask("PUT", f"/groups/{part(wanted.name)}/members/{part(member)}")
            for member in sorted(was - now):
                await server.ask("DELETE", f"/groups/{part(wanted.name)}/members/{part(member)}")
        case _:
            path, body = _replaced(wanted)
            await server.ask("PUT", path, body=body, match=there.version)


async def _delete(server: ManagementServer, kind: str, there: There) -> None:
    if isinstance(there.document, Placed):
        await server.ask("DELETE", _address(there.document), match=there.version)
        return
    if isinstance(there.document, LabelSet):
        await server.ask("PUT", _labels(there.document), body={"labels": {}}, match=there.version)
        return
    key = there.document.key
    name = str(there.number) if kind == "grant" else path_of(key) if kind == "namespace" else part(key)
    await server.ask("DELETE", f"{_PATHS[kind]}/{name}", match=there.version if kind != "grant" else "")


def _labels(wanted: LabelSet) -> str:
    return f"/labels?repository={part(wanted.repository)}"


def _address(setting: Placed) -> str:
    return setting_at(SETTINGS[setting.kind].plural, setting.name, setting.path)


def _replaced(wanted: Document) -> tuple[str, dict[str, Any]]:
    """Where a whole document is put, and as what."""
    match wanted:
        case Space():
            body = {"visibility": wanted.visibility, "description": wanted.description}
            return f"/namespaces/{path_of(wanted.path)}", body
        case LabelSet():
            return _labels(wanted), {"labels": wanted.labels}
        case Placed():
            return _address(wanted), wanted.body
    raise AssertionError(wanted)


def _there(kind: str, entry: dict[str, Any], me: str) -> There | None:
    """What the server says of one thing, as a document; None for what is built in."""
    kept = ""
    if kind in SETTINGS and not entry["version"]:
        return None
    if kind in {"user", "group"} and entry["source"] != LOCAL:
        kept = f"it is kept by {entry['source']}"
    elif kind == "user" and entry["name"] == me:
        kept = "it is you"
    elif kind == "grant" and entry["principal"] == me:
        kept = "it is your own"
    return _made(kind, entry, kept=kept)


def _made(kind: str, entry: dict[str, Any], *, kept: str) -> There:
    struct = kinds()[kind]
    if struct is Placed:
        entry = SETTINGS[kind].nested(entry)
    fields = {name: entry[name] for name in struct.__struct_fields__ if name in entry}
    if struct is Placed:
        fields |= {"kind": kind, "at": entry.get("path", "")}
    if struct is LabelSet:
        entry = {**entry, "version": version_of(entry["labels"])}
    version = f'"{entry["version"]}"' if "version" in entry else ""
    return There(msgspec.convert(fields, struct), version, int(entry.get("id") or 0), kept)
