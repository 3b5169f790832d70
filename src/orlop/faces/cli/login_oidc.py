"""`orlop login --oidc`: signs in with the identity of the place where this runs, and no secret of one's own."""

from datetime import UTC, datetime
from typing import Annotated

import cyclopts
import msgspec
from cyclopts import Parameter

from orlop.faces.cli.ambient import USER, LoginTools, Looking, registry_of
from orlop.faces.cli.running import UsageError, argument, run
from orlop.faces.cli.stores import Connecting
from orlop.ports.ambient import AmbientUnusable
from orlop.ports.logins import Login

_Flag = Parameter(negative="")
_CONNECTING = Connecting()
_LOOKING = Looking()


def register(app: cyclopts.App, tools: LoginTools) -> None:
    """Add `orlop login` to `app`."""

    @app.command
    def login(
        server: str,
        /,
        *,
        oidc: Annotated[bool, _Flag] = False,
        audience: str = "",
        json: Annotated[bool, _Flag] = False,
        looking: Looking = _LOOKING,
        connecting: Connecting = _CONNECTING,
    ) -> int:
        """Sign in to a registry, for docker and others that read docker's file.

        Parameters
        ----------
        server
            The registry, as host or host:port.
        oidc
            With the identity of this CI job, pod or machine; nothing has to be known or stored.
        audience
            Whom the token is to be made for [default: SERVER].
        json
            Print a JSON object.
        """
        return run(lambda: sign_in(tools, server, connecting, looking, oidc=oidc, audience=audience, json=json))


async def sign_in(
    tools: LoginTools,
    server: str,
    connecting: Connecting,
    looking: Looking,
    *,
    oidc: bool,
    audience: str = "",
    json: bool = False,
) -> None:
    """Find the token of this place, try it, and keep it where docker looks. Raises UsageError, AmbientUnusable."""
    if not oidc:
        raise UsageError("say how to sign in: --oidc takes the identity of this CI job, pod or machine")
    registry = argument(registry_of, server)
    found = await tools.identity().find(audience or registry, looking.search)
    if found is None:
        raise AmbientUnusable(
            "nothing here says who this is: no CI system, cluster or cloud that gives tokens; name one with --from,"
            " --token-env or --token-file"
        )
    login = Login(USER, found.text)
    await tools.sign_in(registry, login, connecting)
    kept = await tools.docker().keep(registry, login)
    until = datetime.fromtimestamp(found.expires_at, UTC).isoformat().replace("+00:00", "Z")
    if json:
        fields = {"registry": registry, "from": found.where.value, "expiresAt": until, "keptIn": kept}
        print(msgspec.json.encode(fields).decode())
    else:
        print(f"signed in to {registry} with the identity of this place ({found.where.value}) until {until}")
