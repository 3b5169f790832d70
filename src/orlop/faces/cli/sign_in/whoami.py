"""`orlop whoami`: who commands are at a registry, what on this machine says so, and whether it still holds."""

import msgspec

from orlop.faces.cli.content.stores import Connecting, ContentStores, KnownAs
from orlop.faces.cli.locations import parse_registry_location
from orlop.faces.cli.running import UsageError, argument
from orlop.faces.cli.servers import ServerChoice, Servers


async def whoami(stores: ContentStores, servers: Servers, registry: str, connecting: Connecting, *, json: bool) -> None:
    """Say who. Raises UsageError, and Unauthorized for what holds no more."""
    if not registry:
        where, known = await _last(servers, connecting)
    else:
        where, known = await _at(stores, registry, connecting)
    if json:
        print(msgspec.json.encode({"registry": where, "name": known.name, "keptBy": known.kept_by}).decode())
    else:
        print(f"{known.name or 'somebody with an identity token'} at {where}, kept by {known.kept_by}")


async def _last(servers: Servers, connecting: Connecting) -> tuple[str, KnownAs]:
    """Who the commands are that manage a server, where none is named."""
    last = servers.saved().find("")
    if last is None:
        raise UsageError("nobody is signed in by orlop login; run orlop login HOST:PORT, or name a registry")
    choice = ServerChoice(insecure=connecting.insecure, ca=connecting.ca)
    async with servers.open(last.server, last.name, last.secret, choice) as server:
        me = (await server.ask("GET", "/me")).value
    return last.server.partition("://")[2], KnownAs(str(me["account"]["name"]), "orlop login")


async def _at(stores: ContentStores, registry: str, connecting: Connecting) -> tuple[str, KnownAs]:
    """Who the commands about content are at a registry."""
    named: str | None = argument(parse_registry_location, registry)
    if named is None:
        raise UsageError(f"{registry[:160]!r} is no registry: write HOST:PORT")
    known = await stores.known_as(named, connecting)
    if known is None:
        raise UsageError(f"nobody is signed in at {named}; run orlop login {named}")
    async with stores.registry(named, connecting) as opened:
        await opened.ping()
    return named, known
