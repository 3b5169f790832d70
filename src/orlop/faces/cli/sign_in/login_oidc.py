"""`orlop login --oidc`: signs in with the identity of the place where this runs, and no secret of one's own."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.servers import ServerChoice, url_of
from orlop.faces.cli.sign_in.ambient import USER, LoginTools, Looking
from orlop.ports.ambient import AmbientUnusable
from orlop.ports.logins import Login
from orlop.ports.management import SavedSignIn, SavedSignIns


async def sign_in(
    tools: LoginTools, saved: SavedSignIns, choice: ServerChoice, looking: Looking, audience: str = ""
) -> None:
    """Find the token of this place, try it, and keep it where docker looks, and where our own commands do.

    It is kept until it expires, which is soon. Raises UsageError, AmbientUnusable, Unauthorized.
    """
    url = url_of(choice)
    registry = urlsplit(url).netloc
    found = await tools.identity().find(audience or registry, looking.search)
    if found is None:
        raise AmbientUnusable(
            "nothing here says who this is: no CI system, cluster or cloud that gives tokens; name one with --from,"
            " --token-env or --token-file"
        )
    login = Login(USER, found.text)
    connecting = Connecting(plain_http=url.startswith("http://"), insecure=choice.insecure, ca=choice.ca)
    await tools.sign_in(registry, login, connecting)
    await tools.docker().keep(registry, login)
    saved.save(SavedSignIn(url, USER, found.text))
    until = datetime.fromtimestamp(found.expires_at, UTC).isoformat().replace("+00:00", "Z")
    print(f"signed in to {registry} with the identity of this place ({found.where.value}) until {until}")
