"""orlop role, grant, namespace, trust, provider, session, key."""

from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli import shown
from orlop.faces.cli.management import typed
from orlop.faces.cli.management.typed import HERE, Flag, Texts, work
from orlop.faces.cli.running import UsageError
from orlop.faces.cli.servers import ServerChoice, Servers, everything, part, path_of
from orlop.ports.management import ManagementServer

_ROLES = {"NAME": "name", "BUILT IN": "builtin", "ACTIONS": "actions", "DESCRIPTION": "description"}
_GRANTS: dict[str, Any] = {
    "ID": "id",
    "EFFECT": "effect",
    "WHO": "principal",
    "ROLE": "role",
    "PLACE": "place",
    "TAGS": "tags",
    "CONDITIONS": lambda grant: ", ".join(name for name, value in grant["conditions"].items() if value),
    "EXPIRES": "expires_at",
}
_NAMESPACES: dict[str, Any] = {
    "PATH": lambda namespace: namespace["path"] or "/",
    "VISIBILITY": "visibility",
    "DESCRIPTION": "description",
}
_DOCUMENTS: dict[str, Any] = {
    "NAME": "name",
    "VERSION": "version",
    "CHANGED": "changed_at",
    "BY": "changed_by",
    "BODY": "body",
}
_SESSIONS = {
    "ID": "id",
    "PROVIDER": "provider",
    "ADDRESS": "address",
    "AGENT": "agent",
    "SINCE": "created_at",
    "UNTIL": "expires_at",
}
_KEYS = {
    "ID": "id",
    "ALGORITHM": "algorithm",
    "MADE": "created_at",
    "SIGNS FROM": "active_at",
    "VERIFIES UNTIL": "expires_at",
}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`."""
    _roles(app, servers)
    _grants(app, servers)
    _namespaces(app, servers)
    _documents(app, servers, "trust", "trusts", "Issuers whose tokens stand for robots, so that CI keeps no secret.")
    _documents(app, servers, "provider", "providers", "Sign-on providers: directories and OpenID providers.")
    _sessions(app, servers)
    _keys(app, servers)


def _list(
    servers: Servers, at: ServerChoice, where: str, columns: dict[str, Any], /, *, json: bool, **query: str
) -> int:
    async def do(server: ManagementServer) -> None:
        shown.rows(await everything(server, where, **query), columns, json=json)

    return work(servers, at, do)


def _put(servers: Servers, at: ServerChoice, path: str, body: dict[str, Any], *, json: bool) -> int:
    """Make it, or replace what there is, as it was a moment ago."""

    async def do(server: ManagementServer) -> None:
        shown.fields((await typed.put(server, path, body)).value, json=json)

    return work(servers, at, do)


def _roles(app: cyclopts.App, servers: Servers) -> None:
    role = cyclopts.App(name="role", help="Roles: sets of actions that grants name.")
    app.command(role)

    @role.command
    def ls(*, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List the roles, built-in ones first."""
        return _list(servers, at, "/roles", _ROLES, json=json)

    @role.command
    def set(  # noqa: A001
        name: str, /, *actions: str, description: str = "", json: Flag = False, at: ServerChoice = HERE
    ) -> int:
        """Make a role of these actions, or change what it means for everybody who was granted it."""
        body = {"actions": list(actions), "description": description}
        return _put(servers, at, f"/roles/{part(name)}", body, json=json)

    @role.command
    def rm(name: str, /, *, at: ServerChoice = HERE) -> int:
        """Remove a role that no grant names."""
        return typed.remove(servers, at, f"/roles/{part(name)}", f"the role {name} is removed")


def _grants(app: cyclopts.App, servers: Servers) -> None:
    grant = cyclopts.App(name="grant", help="Grants: who may, or may not, do what where.")
    app.command(grant)

    @grant.command
    def ls(*, principal: str = "", on: str = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """List grants: your own, and those on places that you administer.

        Parameters
        ----------
        principal
            Only those of this account, or group:NAME.
        on
            Only those on exactly this place: / or team/ or a pattern.
        json
            Print a JSON array.
        """
        where = typed.place(on) if on else {"kind": "", "path": ""}
        return _list(servers, at, "/grants", _GRANTS, json=json, principal=principal, **where)

    @grant.command
    def add(
        principal: str,
        role: str,
        place: str,
        /,
        *,
        deny: Flag = False,
        tags: str = "",
        network: Texts = (),
        only_by_digest: Flag = False,
        expires: str = "never",
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Give somebody a role somewhere, or deny it to them.

        Parameters
        ----------
        principal
            An account, or group:NAME.
        role
            A built-in role (reader, publisher, …) or one of your own.
        place
            / for the registry, team/ for all below a namespace, or a pattern of repositories such as team/*-dev.
        deny
            Deny it: that beats every grant that allows.
        tags
            A pattern of tags that narrows what is done to tags.
        network
            Only from this network (10.0.0.0/8); may be given more than once.
        only_by_digest
            Only for what is named by its digest.
        expires
            When it ends: 12h, 90d, 4w, a date, or never [default: never].
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            body = {
                "principal": principal,
                "role": role,
                "place": typed.place(place),
                "effect": "deny" if deny else "allow",
                "tags": tags,
                "conditions": {"networks": list(network), "only_by_digest": only_by_digest},
                "expires_at": typed.until(expires),
            }
            shown.fields((await server.ask("POST", "/grants", body=body)).value, json=json)
            await typed.tell_narrow(server, place)

        return work(servers, at, do)

    @grant.command
    def rm(id: int, /, *, at: ServerChoice = HERE) -> int:  # noqa: A002
        """Take a grant away, from the next request on."""
        return typed.remove(servers, at, f"/grants/{id}", f"grant {id} is removed")


def _namespaces(app: cyclopts.App, servers: Servers) -> None:
    namespace = cyclopts.App(name="namespace", help="Namespaces: the tree above repositories.")
    app.command(namespace)

    @namespace.command
    def ls(below: str = "", /, *, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List namespaces, of the whole tree or below one of them."""
        return _list(servers, at, "/namespaces", _NAMESPACES, json=json, below=below.strip("/"))

    @namespace.command
    def set(  # noqa: A001
        path: str,
        /,
        *,
        visibility: str | None = None,
        description: str | None = None,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Make a namespace, or say who may pull from it without a grant.

        Parameters
        ----------
        path
            The namespace; / is the root.
        visibility
            public, internal, private, or inherit [default: as it is].
        description
            What it is for [default: as it is].
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            where = f"/namespaces/{path_of(path)}"
            there = await typed.find(server, where)
            body = {"visibility": None, "description": ""}
            if there is not None:
                body = {"visibility": there.value["visibility"], "description": there.value["description"]}
            if visibility is not None:
                body["visibility"] = None if visibility == "inherit" else visibility
            if description is not None:
                body["description"] = description
            match = there.version if there is not None else ""
            made = await server.ask("PUT", where, body=body, match=match, create=there is None)
            shown.fields(made.value, json=json)

        return work(servers, at, do)

    @namespace.command
    def rm(path: str, /, *, at: ServerChoice = HERE) -> int:
        """Remove a namespace with the grants on it; nothing may lie below it."""
        return typed.remove(servers, at, f"/namespaces/{path_of(path)}", f"the namespace {path} is removed")


def _documents(app: cyclopts.App, servers: Servers, kind: str, plural: str, text: str) -> None:
    group = cyclopts.App(name=kind, help=text)
    app.command(group)

    @group.command
    def ls(*, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List all of them, without secrets."""
        return _list(servers, at, f"/{plural}", _DOCUMENTS, json=json)

    @group.command
    def show(name: str, /, *, at: ServerChoice = HERE) -> int:
        """Show one as a JSON object, without secrets: (set) stands for one, and leaves it as it is when given back."""

        async def do(server: ManagementServer) -> None:
            found = await server.ask("GET", f"/{plural}/{part(name)}")
            shown.fields(found.value["body"], json=True)

        return work(servers, at, do)

    @group.command
    def set(  # noqa: A001
        name: str,
        file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
        /,
        *,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Make or replace one from a YAML or JSON file: its body, or a document as orlop apply takes it.

        Parameters
        ----------
        name
            What it is called.
        file
            The file; - is standard input.
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            body = typed.body_of(kind, name, typed.document(file), file)
            shown.fields((await typed.put(server, f"/{plural}/{part(name)}", body)).value, json=json)

        return work(servers, at, do)

    @group.command
    def rm(name: str, /, *, at: ServerChoice = HERE) -> int:
        """Remove one."""
        return typed.remove(servers, at, f"/{plural}/{part(name)}", f"the {kind} {name} is removed")


def _sessions(app: cyclopts.App, servers: Servers) -> None:
    session = cyclopts.App(name="session", help="Browsers that are signed in.")
    app.command(session)

    @session.command
    def ls(*, user: str = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """List the browsers in which you, or a user, are signed in.

        Parameters
        ----------
        user
            Those of this user [default: your own].
        json
            Print a JSON array.
        """
        path = f"/users/{part(user)}/sessions" if user else "/sessions"
        return _list(servers, at, path, _SESSIONS, json=json)

    @session.command
    def end(id: str = "", /, *, user: str = "", at: ServerChoice = HERE) -> int:  # noqa: A002
        """End one session of yours, or all of a user's.

        Parameters
        ----------
        id
            One of yours.
        user
            All of this user's.
        """

        async def do(server: ManagementServer) -> None:
            if bool(id) == bool(user):
                raise UsageError("name either a session of yours, or --user")
            await server.ask("DELETE", f"/sessions/{part(id)}" if id else f"/users/{part(user)}/sessions")
            print("the session has ended" if id else f"all sessions of {user} have ended")

        return work(servers, at, do)


def _keys(app: cyclopts.App, servers: Servers) -> None:
    key = cyclopts.App(name="key", help="The keys that sign tokens.")
    app.command(key)

    @key.command
    def ls(*, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List the keys, oldest first."""
        return _list(servers, at, "/keys", _KEYS, json=json)

    @key.command
    def rotate(*, at: ServerChoice = HERE) -> int:
        """Make a new key that signs from now on; tokens that others signed hold until they expire."""

        async def do(server: ManagementServer) -> None:
            await server.ask("POST", "/keys/rotate")
            print("there is a new key")

        return work(servers, at, do)
