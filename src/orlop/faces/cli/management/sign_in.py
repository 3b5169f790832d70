"""orlop login, orlop logout: sign in at a server for the commands that manage it."""

import asyncio
import socket
import sys
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from orlop.domain.access.spellings import sign_in_name
from orlop.faces.cli.management.typed import Flag, password, until
from orlop.faces.cli.running import UsageError, run, tell
from orlop.faces.cli.servers import ServerChoice, Servers, kept, url_of
from orlop.faces.cli.sign_in import login_oidc
from orlop.faces.cli.sign_in.ambient import LoginTools, Looking
from orlop.ports.management import DeviceCode, DeviceServer, DeviceToken, RequestRefused, SavedSignIn

_LOOKING = Looking()

#: How the secrets of Orlop begin: what begins so is kept as it is.
_SECRETS = ("orlop_pat_", "orlop_rbt_")


def register(app: cyclopts.App, servers: Servers, tools: LoginTools) -> None:
    """Add the commands to `app`."""

    @app.command
    def login(
        server: str,
        /,
        *,
        user: Annotated[str, Parameter(name=["--user", "-u"])] = "",
        password_stdin: Flag = False,
        expires: str = "90d",
        device: Flag = False,
        oidc: Flag = False,
        audience: str = "",
        looking: Looking = _LOOKING,
        plain_http: Flag = False,
        insecure: Flag = False,
        ca: str = "",
    ) -> int:
        """Sign in at a server. A token is made and kept, not the password; a token that is given is kept itself.

        Parameters
        ----------
        server
            HOST:PORT or URL.
        user
            The name to sign in with a password or token [default: at a terminal, a browser confirms who signs in].
        password_stdin
            Read the password or token from standard input.
        expires
            When the token ends: 12h, 90d, 4w, a date, or never [default: 90d]; in a browser, its page says it.
        device
            Sign in by a browser, on this or another machine: it needs no password here, and works with single sign-on.
        oidc
            Sign in with the identity of this CI job, pod or machine, for docker too; nothing has to be known or stored.
        audience
            Whom the token of this place is to be made for [default: HOST:PORT of SERVER].
        plain_http
            Talk to it over http rather than https, as is always done on this machine.
        insecure
            Do not check its TLS certificate; on this machine, use TLS at all.
        ca
            PEM file with the authorities to trust, rather than those of the machine; on this machine, use TLS at all.
        """
        choice = ServerChoice(server, plain_http=plain_http, insecure=insecure, ca=ca)
        if device and (oidc or user or password_stdin):
            return run(_two_ways)
        if device or not (oidc or user or password_stdin or not sys.stdin.isatty()):
            return run(lambda: _by_browser(servers, choice, user, expires, wanted=device))
        if oidc:
            return run(lambda: login_oidc.sign_in(tools, servers.saved(), choice, looking, audience))
        return run(lambda: _login(servers, choice, user, expires, from_stdin=password_stdin))

    @app.command
    def logout(server: str = "", /, *, plain_http: Flag = False, insecure: Flag = False, ca: str = "") -> int:
        """Sign out: the token that login made is revoked, and what is kept of it removed.

        Parameters
        ----------
        server
            HOST:PORT or URL [default: where orlop login was last].
        plain_http
            Talk to it over http rather than https.
        insecure
            Do not check its TLS certificate; on this machine, use TLS at all.
        ca
            PEM file with the authorities to trust, rather than those of the machine; on this machine, use TLS at all.
        """
        return run(lambda: _logout(servers, ServerChoice(server, plain_http=plain_http, insecure=insecure, ca=ca)))


async def _two_ways() -> None:
    raise UsageError("--device asks a browser who signs in; leave --user, --password-stdin and --oidc out")


async def _by_browser(servers: Servers, choice: ServerChoice, user: str, expires: str, *, wanted: bool) -> None:
    """Sign in by the device flow; by a password where the server has none, unless it is `wanted`."""
    url = url_of(choice)
    async with servers.device(url, choice) as server:
        try:
            code = await server.begin(f"orlop login on {socket.gethostname()[:80]}")
        except RequestRefused as refusal:
            if refusal.status not in {404, 405} or wanted:
                raise
        else:
            _tell_code(code)
            token = await _confirmed(server, code)
            servers.saved().save(SavedSignIn(url, token.account, token.access_token, token.id))
            print(f"signed in at {url} as {token.account}")
            return
    await _login(servers, choice, user, expires, from_stdin=False)


def _tell_code(code: DeviceCode) -> None:
    page, shown = (
        "".join(letter for letter in text if letter.isprintable()) for text in (code.verification_uri, code.user_code)
    )
    tell(f"open {page}")
    tell(f"and type the code {shown} there; this waits for {code.expires_in // 60} minutes")


async def _confirmed(server: DeviceServer, code: DeviceCode) -> DeviceToken:
    """The token, once somebody confirmed. Raises RequestRefused where they refuse, or nobody does in time."""
    interval = max(1, min(code.interval, 60))
    waited = 0
    while waited <= min(code.expires_in, 3600):
        await asyncio.sleep(interval)
        waited += interval
        try:
            return await server.redeem(code.device_code)
        except RequestRefused as refusal:
            # "the interval MUST be increased by 5 seconds for this and all subsequent requests" (RFC 8628, section 3.5)
            interval += 5 if refusal.refusal == "slow_down" else 0
            if refusal.refusal not in {"slow_down", "authorization_pending", "temporarily_unavailable"}:
                raise
    raise RequestRefused("nobody confirmed the code in time; run orlop login again", status=400, code="expired_token")


async def _login(servers: Servers, choice: ServerChoice, user: str, expires: str, *, from_stdin: bool) -> None:
    url, ends = url_of(choice), until(expires)
    if not user:
        if from_stdin:
            raise UsageError("say who signs in: --user NAME")
        user = input("User: ")  # noqa: ASYNC250 - nothing else goes on
    user = sign_in_name(user)
    secret = password("Password or token", from_stdin=from_stdin)
    if not secret.startswith(_SECRETS):
        secret = await _changed_first(servers, url, user, secret, choice, asking=not from_stdin)
    async with servers.open(url, user, secret, choice) as server:
        me = (await server.ask("GET", "/me")).value
        saved = SavedSignIn(url, user, secret)
        if not secret.startswith(_SECRETS):
            body = {"name": f"orlop login on {socket.gethostname()[:100]}", "expires_at": ends}
            made = (await server.ask("POST", "/tokens", body=body)).value
            saved = SavedSignIn(url, user, made["secret"], made["kept"]["id"])
    servers.saved().save(saved)
    print(f"signed in at {url} as {me['account']['name']}")


async def _changed_first(
    servers: Servers, url: str, user: str, secret: str, choice: ServerChoice, *, asking: bool
) -> str:
    """The password to sign in with: a new one, where the server wants one to be chosen first."""
    async with servers.open(url, user, secret, choice) as server:
        try:
            await server.ask("GET", "/me")
            return secret
        except RequestRefused as refusal:
            if refusal.status != 401 or "another password" not in refusal.message:
                raise
            if not asking:
                raise UsageError(
                    f"{user} has to choose another password first: in a browser at {url}/login, or with orlop login"
                    " without --password-stdin, which asks for it"
                ) from refusal
        tell("the password has to be changed first")
        new = password("New password", from_stdin=False, twice=True)
        await server.ask("PUT", "/me/password", body={"password": new})
        return new


async def own_password(servers: Servers, choice: ServerChoice) -> None:
    """Change the password of whoever is signed in, who has to know the one of now."""
    saved = kept(servers, choice)
    if saved is None:
        raise UsageError("nobody is signed in there; run orlop login")
    current = password(f"Password of {saved.name}", from_stdin=False)
    new = password("New password", from_stdin=False, twice=True)
    async with servers.open(saved.server, saved.name, current, choice) as server:
        await server.ask("PUT", "/me/password", body={"password": new})
    print("the password is changed")


async def _logout(servers: Servers, choice: ServerChoice) -> None:
    saved = kept(servers, choice)
    if saved is None:
        raise UsageError("nobody is signed in there")
    if saved.token:
        async with servers.open(saved.server, saved.name, saved.secret, choice) as server:
            try:
                await server.ask("DELETE", f"/tokens/{saved.token}")
            except RequestRefused as refusal:
                if refusal.status not in (401, 404):  # then it is good for nothing any more
                    raise
    servers.saved().forget(saved.server)
    print(f"signed out at {saved.server}")
