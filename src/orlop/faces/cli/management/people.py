"""orlop user, robot, token, group."""

from datetime import datetime
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli import shown
from orlop.faces.cli.management import typed
from orlop.faces.cli.management.sign_in import own_password
from orlop.faces.cli.management.typed import HERE, Flag, Json, Texts, work
from orlop.faces.cli.running import run
from orlop.faces.cli.servers import ServerChoice, Servers, everything, kept, part
from orlop.ports.management import ManagementServer, SavedSignIn

_User = Annotated[str, Parameter(help="The user.")]
_Robot = Annotated[str, Parameter(help="The robot, with or without robot+ in front.")]
_Group = Annotated[str, Parameter(help="The group.")]
_Purpose = Annotated[str, Parameter(help="What it is for.")]
_SecretNumber = Annotated[int, Parameter(help="The number of the secret, as orlop robot show lists it.")]
_TokenNumber = Annotated[int, Parameter(help="The number of the token, as orlop token ls lists it.")]

_USERS = {
    "NAME": "name",
    "DISPLAY": "display",
    "SOURCE": "source",
    "DISABLED": "disabled",
    "EXPIRES": "expires_at",
    "LAST USED": "used_at",
}
_ROBOTS = {
    "NAME": "name",
    "NAMESPACE": "namespace",
    "DISABLED": "disabled",
    "EXPIRES": "expires_at",
    "LAST USED": "used_at",
}
_SECRETS: dict[str, Any] = {
    "ID": "id",
    "NAME": "name",
    "LIMITS": lambda secret: "; ".join(
        f"{','.join(limit['actions'])} on {shown.place_text(limit['place'])}" for limit in secret["limits"] or ()
    ),
    "EXPIRES": "expires_at",
    "LAST USED": "used_at",
    "FROM": "used_from",
}
_GROUPS = {"NAME": "name", "SOURCE": "source", "MEMBERS": "members", "DESCRIPTION": "description"}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`."""
    _users(app, servers)
    _robots(app, servers)
    _tokens(app, servers)
    _groups(app, servers)


def _users(app: cyclopts.App, servers: Servers) -> None:
    user = cyclopts.App(name="user", help="Users of a registry.")
    app.command(user)

    @user.command
    def ls(*, begins: str = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """List users.

        Parameters
        ----------
        begins
            Only those whose names begin so.
        json
            Print a JSON array.
        """

        async def do(server: ManagementServer) -> None:
            shown.rows(await everything(server, "/users", begins=begins), _USERS, json=json)

        return work(servers, at, do)

    @user.command
    def show(name: _User, /, *, json: Json = False, at: ServerChoice = HERE) -> int:
        """Show a user."""
        return typed.show(servers, at, f"/users/{part(name)}", json=json)

    @user.command
    def add(
        name: str,
        /,
        *,
        display: str = "",
        email: str = "",
        expires: str = "never",
        no_password: Flag = False,
        password_stdin: Flag = False,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Make a user, who has to choose another password at the first sign-in.

        Parameters
        ----------
        name
            Lower-case letters, digits and . _ @ -.
        display
            What people call them.
        email
            Their address.
        expires
            When the account ends: 12h, 90d, 4w, a date, or never [default: never].
        no_password
            Give them none; set one later with orlop user passwd.
        password_stdin
            Read the password from standard input.
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            secret = None if no_password else typed.password("Password", from_stdin=password_stdin, twice=True)
            body = {"name": name, "display": display, "email": email, "expires_at": typed.until(expires)}
            if secret is not None:
                body["password"] = secret
            shown.fields((await server.ask("POST", "/users", body=body)).value, json=json)

        return work(servers, at, do)

    @user.command
    def disable(name: str, /, *, reason: str = "disabled", at: ServerChoice = HERE) -> int:
        """Shut a user out, from the next request on.

        Parameters
        ----------
        name
            The user.
        reason
            Why; they are told.
        """
        return typed.change(servers, at, f"/users/{part(name)}", {"disabled": reason}, f"{name} is disabled")

    @user.command
    def enable(name: _User, /, *, at: ServerChoice = HERE) -> int:
        """Let a user in again."""
        return typed.change(servers, at, f"/users/{part(name)}", {"disabled": None}, f"{name} is enabled")

    @user.command
    def rm(name: _User, /, *, at: ServerChoice = HERE) -> int:
        """Remove a user with their tokens, grants and sessions."""
        return typed.remove(servers, at, f"/users/{part(name)}", f"{name} is removed")

    @user.command
    def passwd(name: str = "", /, *, keep: Flag = False, password_stdin: Flag = False, at: ServerChoice = HERE) -> int:
        """Give a user another password. Read from the terminal, or from standard input.

        Parameters
        ----------
        name
            The user [default: yourself, with your password of now].
        keep
            They need not choose another at the next sign-in.
        password_stdin
            Read the password from standard input.
        """

        async def do(server: ManagementServer) -> None:
            secret = typed.password("New password", from_stdin=password_stdin, twice=True)
            body = {"password": secret, "must_change": not keep}
            await server.ask("PUT", f"/users/{part(name)}/password", body=body)
            print(f"the password of {name} is set")

        return work(servers, at, do) if name else run(lambda: own_password(servers, at))


def _robots(app: cyclopts.App, servers: Servers) -> None:
    robot = cyclopts.App(name="robot", help="Robots: accounts for programs.")
    app.command(robot)

    @robot.command
    def ls(*, namespace: str = "", begins: str = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """List robots.

        Parameters
        ----------
        namespace
            Only those of exactly this one.
        begins
            Only those whose names begin so.
        json
            Print a JSON array.
        """

        async def do(server: ManagementServer) -> None:
            query = {"namespace": namespace.strip("/"), "begins": begins}
            shown.rows(await everything(server, "/robots", **query), _ROBOTS, json=json)

        return work(servers, at, do)

    @robot.command
    def show(name: _Robot, /, *, json: Json = False, at: ServerChoice = HERE) -> int:
        """Show a robot, and its secrets without what is secret of them."""

        async def do(server: ManagementServer) -> None:
            path = f"/robots/{part(typed.robot(name))}"
            account = (await server.ask("GET", path)).value
            secrets = (await server.ask("GET", f"{path}/secrets")).value
            if json:
                shown.fields({**account, "secrets": secrets}, json=True)
                return
            shown.fields(account, json=False)
            print()
            shown.rows(secrets, _SECRETS, json=False)

        return work(servers, at, do)

    @robot.command
    def add(
        name: str,
        /,
        *,
        namespace: str = "",
        display: str = "",
        expires: str = "never",
        action: Texts = (),
        on: Texts = (),
        secret_expires: str = "never",  # noqa: S107 - a time
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Make a robot with a secret, which is printed once. What it may do, grants say: orlop grant add.

        Parameters
        ----------
        name
            Its name, with or without robot+ in front.
        namespace
            Whose administrators manage it [default: the registry's].
        display
            What people call it.
        expires
            When the robot ends: 12h, 90d, 4w, a date, or never [default: never].
        action
            Limit the secret to this action; may be given more than once.
        on
            Limit the secret to this place: / or team/ or a pattern; may be given more than once.
        secret_expires
            When the secret ends [default: never].
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            full = typed.robot(name)
            limits, ends = typed.limits(action, on), typed.until(secret_expires)
            body = {
                "name": full,
                "namespace": namespace.strip("/") or None,
                "display": display,
                "expires_at": typed.until(expires),
            }
            await server.ask("POST", "/robots", body=body)
            wanted = {"limits": limits, "expires_at": ends}
            issued = (await server.ask("POST", f"/robots/{part(full)}/secrets", body=wanted)).value
            _tell_secret(full, issued, json=json)
            for place in on:
                await typed.tell_narrow(server, place)

        return work(servers, at, do)

    @robot.command
    def rotate(name: str, /, *, expires: str | None = None, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Make a new secret, printed once. The one before stays good until the next rotation.

        Parameters
        ----------
        name
            The robot.
        expires
            When the new secret ends [default: it lives as long as the one before was made for].
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            full = typed.robot(name)
            body = {} if expires is None else {"expires_at": typed.until(expires)}
            issued = (await server.ask("POST", f"/robots/{part(full)}/rotate", body=body)).value
            _tell_secret(full, issued, json=json)

        return work(servers, at, do)

    @robot.command
    def revoke(name: _Robot, id: _SecretNumber, /, *, at: ServerChoice = HERE) -> int:  # noqa: A002
        """End one secret of a robot at once."""
        full = typed.robot(name)
        return typed.remove(servers, at, f"/robots/{part(full)}/secrets/{id}", f"secret {id} of {full} is revoked")

    @robot.command
    def rm(name: _Robot, /, *, at: ServerChoice = HERE) -> int:
        """Remove a robot with its secrets and grants."""
        full = typed.robot(name)
        return typed.remove(servers, at, f"/robots/{part(full)}", f"{full} is removed")


def _tokens(app: cyclopts.App, servers: Servers) -> None:
    token = cyclopts.App(name="token", help="Your own personal access tokens.")
    app.command(token)

    @token.command
    def ls(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """List your tokens, without what is secret of them."""

        async def do(server: ManagementServer) -> None:
            shown.rows(await everything(server, "/tokens"), _SECRETS, json=json)

        return work(servers, at, do)

    @token.command
    def create(
        name: str = "",
        /,
        *,
        action: Texts = (),
        on: Texts = (),
        expires: str = "",
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Make a token, which is printed once.

        Parameters
        ----------
        name
            What you call it.
        action
            Limit it to this action (pull, push-new, …); may be given more than once.
        on
            Limit it to this place: / or team/ or a pattern; may be given more than once.
        expires
            When it ends: 12h, 90d, 4w, a date, or never [default: 90d, or when that of orlop login does].
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            ends = typed.until(expires) if expires else await _soonest(server, kept(servers, at))
            body = {"name": name, "limits": typed.limits(action, on), "expires_at": ends}
            issued = (await server.ask("POST", "/tokens", body=body)).value
            if json:
                shown.fields(issued, json=True)
            else:
                print(issued["secret"])
            for place in on:
                await typed.tell_narrow(server, place)

        return work(servers, at, do)

    @token.command
    def rm(id: _TokenNumber, /, *, at: ServerChoice = HERE) -> int:  # noqa: A002
        """End one of your tokens at once."""
        return typed.remove(servers, at, f"/tokens/{id}", f"token {id} is revoked")


async def _soonest(server: ManagementServer, signed_in: SavedSignIn | None) -> str | None:
    """In 90 days, or when the token ends with which one is signed in: what it makes cannot outlive it."""
    ends = typed.until("90d")
    number = signed_in.token if signed_in is not None else 0
    tokens = await everything(server, "/tokens") if number else []
    own = [str(token["expires_at"]) for token in tokens if token["id"] == number and token["expires_at"]]
    return min((*own, ends or ""), key=datetime.fromisoformat)


def _groups(app: cyclopts.App, servers: Servers) -> None:
    group = cyclopts.App(name="group", help="Groups of users and robots.")
    app.command(group)

    @group.command
    def ls(*, begins: str = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """List groups.

        Parameters
        ----------
        begins
            Only those whose names begin so.
        json
            Print a JSON array.
        """

        async def do(server: ManagementServer) -> None:
            shown.rows(await everything(server, "/groups", begins=begins), _GROUPS, json=json)

        return work(servers, at, do)

    @group.command
    def add(name: _Group, /, *, description: _Purpose = "", json: Json = False, at: ServerChoice = HERE) -> int:
        """Make a group."""

        async def do(server: ManagementServer) -> None:
            body = {"name": name, "description": description}
            shown.fields((await server.ask("POST", "/groups", body=body)).value, json=json)

        return work(servers, at, do)

    @group.command
    def rm(name: _Group, /, *, at: ServerChoice = HERE) -> int:
        """Remove a group with its grants."""
        return typed.remove(servers, at, f"/groups/{part(name)}", f"the group {name} is removed")

    @group.command
    def members(
        name: str, /, *, add: Texts = (), remove: Texts = (), json: Flag = False, at: ServerChoice = HERE
    ) -> int:
        """List who is in a group, after those named were put into it or taken out of it.

        Parameters
        ----------
        name
            The group.
        add
            An account to put into it; may be given more than once.
        remove
            An account to take out of it; may be given more than once.
        json
            Print a JSON array.
        """

        async def do(server: ManagementServer) -> None:
            path = f"/groups/{part(name)}/members"
            for account in add:
                await server.ask("PUT", f"{path}/{part(account)}")
            for account in remove:
                await server.ask("DELETE", f"{path}/{part(account)}")
            names = await everything(server, path)
            if json:
                shown.print_json(names)
            else:
                shown.rows([{"name": account} for account in names], {"MEMBER": "name"}, json=False)

        return work(servers, at, do)


def _tell_secret(name: str, issued: dict[str, Any], *, json: bool) -> None:
    if json:
        shown.fields({"name": name, **issued}, json=True)
    else:
        print(f"{name} {issued['secret']}")
