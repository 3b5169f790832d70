"""orlop grant, namespace, provider adopt, session, key."""

from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli import shown
from orlop.faces.cli.management import typed
from orlop.faces.cli.management.typed import HERE, Flag, Json, Texts, work
from orlop.faces.cli.running import UsageError
from orlop.faces.cli.servers import ServerChoice, Servers, everything, part, path_of
from orlop.ports.management import ManagementServer

_GrantNumber = Annotated[int, Parameter(help="The number of the grant, as orlop grant ls lists it.")]
_Below = Annotated[str, Parameter(help="The namespace that they lie below [default: the whole tree].")]
_Namespace = Annotated[str, Parameter(help="The namespace.")]

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
    _grants(app, servers)
    _namespaces(app, servers)
    _adoption(app["provider"], servers)
    _sessions(app, servers)
    _keys(app, servers)


def _list(
    servers: Servers, at: ServerChoice, where: str, columns: dict[str, Any], /, *, json: bool, **query: str
) -> int:
    async def do(server: ManagementServer) -> None:
        shown.rows(await everything(server, where, **query), columns, json=json)

    return work(servers, at, do)


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
    def rm(id: _GrantNumber, /, *, at: ServerChoice = HERE) -> int:  # noqa: A002
        """Take a grant away, from the next request on."""
        return typed.remove(servers, at, f"/grants/{id}", f"grant {id} is removed")


def _namespaces(app: cyclopts.App, servers: Servers) -> None:
    namespace = cyclopts.App(name="namespace", help="Namespaces: the tree above repositories.")
    app.command(namespace)

    @namespace.command
    def ls(below: _Below = "", /, *, json: Json = False, at: ServerChoice = HERE) -> int:
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
    def rm(path: _Namespace, /, *, at: ServerChoice = HERE) -> int:
        """Remove a namespace with the grants on it; nothing may lie below it."""
        return typed.remove(servers, at, f"/namespaces/{path_of(path)}", f"the namespace {path} is removed")


def _adoption(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def adopt(name: str, /, *accounts: str, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Let a provider whose issuer or base changed vouch for the accounts that it vouched for before.

        Parameters
        ----------
        name
            The provider.
        accounts
            Whom to carry over [default: everybody].
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            body = {"accounts": list(accounts)}
            shown.fields((await server.ask("POST", f"/providers/{part(name)}/adopt", body=body)).value, json=json)

        return work(servers, at, do)

    @group.command
    def test(
        name: Annotated[str, Parameter(help="The provider.")], /, *, json: Json = False, at: ServerChoice = HERE
    ) -> int:
        """Try a provider out: whether it answers, and says of itself what is needed. Fails where it does not."""

        async def do(server: ManagementServer) -> int:
            tested = (await server.ask("POST", f"/providers/{part(name)}/test")).value
            if json:
                shown.fields(tested, json=True)
            else:
                for sentence in tested["found"]:
                    print(f"works: {sentence}")
                if tested["failure"]:
                    print(f"fails: {tested['failure']}")
            return 0 if tested["works"] else 1

        return work(servers, at, do)


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
            One of yours, as orlop session ls lists them.
        user
            All of this user's.
        """

        async def do(server: ManagementServer) -> None:
            if bool(id) == bool(user):
                raise UsageError("name either a session of yours, as orlop session ls lists them, or --user NAME")
            await server.ask("DELETE", f"/sessions/{part(id)}" if id else f"/users/{part(user)}/sessions")
            print("the session has ended" if id else f"all sessions of {user} have ended")

        return work(servers, at, do)


def _keys(app: cyclopts.App, servers: Servers) -> None:
    key = cyclopts.App(name="key", help="The keys that sign tokens.")
    app.command(key)

    @key.command
    def ls(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """List the keys, oldest first."""
        return _list(servers, at, "/keys", _KEYS, json=json)

    @key.command
    def rotate(*, at: ServerChoice = HERE) -> int:
        """Make a new key that signs from now on; tokens that others signed hold until they expire."""

        async def do(server: ManagementServer) -> None:
            await server.ask("POST", "/keys/rotate")
            print("there is a new key")

        return work(servers, at, do)
