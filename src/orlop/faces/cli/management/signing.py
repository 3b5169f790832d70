"""orlop signing: the keys that sign what the registry attests."""

from collections.abc import Mapping
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli import shown
from orlop.faces.cli.management.typed import HERE, Json, work
from orlop.faces.cli.running import FAILED, tell
from orlop.faces.cli.servers import ServerChoice, Servers, everything
from orlop.ports.management import ManagementServer

_KEYS: dict[str, Any] = {
    "ID": "id",
    "SIGNS FROM": "created_at",
    "UNTIL": lambda key: key["retired_at"] or "it signs now",
}
_Id = Annotated[str, Parameter(help="The key, as orlop signing ls lists it [default: the one that signs].")]


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`."""
    signing = cyclopts.App(name="signing", help="The keys that sign what the registry attests.")
    app.command(signing)

    @signing.command
    def init(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """Have the registry sign what it attests, with a new key or with that of signing.command; where one signs, that
        stays."""
        return _made(servers, at, "init", json=json)

    @signing.command
    def rotate(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """Have a new key sign from now on; what the one before signed holds."""
        return _made(servers, at, "rotate", json=json)

    @signing.command
    def stop(*, at: ServerChoice = HERE) -> int:
        """Have the registry sign nothing any more; what was signed holds."""

        async def do(server: ManagementServer) -> None:
            await server.ask("POST", "/signing/stop")
            print("nothing is signed any more")

        return work(servers, at, do)

    @signing.command
    def status(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """Tell which key signs, and how much waits for it."""

        async def do(server: ManagementServer) -> None:
            said = (await server.ask("GET", "/signing/status")).value
            if json:
                shown.print_json(said)
            else:
                print(_status(said))

        return work(servers, at, do)

    @signing.command
    def ls(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """List the keys that sign or signed, newest first."""

        async def do(server: ManagementServer) -> None:
            shown.rows(await everything(server, "/signing/keys"), _KEYS, json=json)

        return work(servers, at, do)

    @signing.command
    def key(id: _Id = "", /, *, json: Json = False, at: ServerChoice = HERE) -> int:  # noqa: A002
        """Print the public key that signs, in PEM, as cosign takes it. Exits with 1 where there is none."""

        async def do(server: ManagementServer) -> int | None:
            keys = await everything(server, "/signing/keys")
            found = next((one for one in keys if (one["id"] == id if id else not one["retired_at"])), None)
            if found is None:
                tell(f"there is no key {id}" if id else "no key signs; orlop signing init makes one")
                return FAILED
            _print(found, json=json)
            return None

        return work(servers, at, do)


def _made(servers: Servers, at: ServerChoice, what: str, *, json: bool) -> int:
    async def do(server: ManagementServer) -> None:
        made = (await server.ask("POST", f"/signing/{what}")).value
        if json:
            shown.print_json(made)
        else:
            print(f"{made['id']} signs since {made['created_at']}")

    return work(servers, at, do)


def _status(said: Mapping[str, Any]) -> str:
    key, waiting = said["key"], said["waiting"]
    lines = [f"{key['id']} signs since {key['created_at']}" if key else "no key signs; orlop signing init makes one"]
    if waiting:
        noun = "statement waits" if waiting == 1 else "statements wait"
        lines.append(f"{waiting} {noun} to be signed, since {said['oldest_at']}")
        lines += [f"the first one is not attached yet: {said['error']}"] if said["error"] else []
    else:
        lines.append("nothing waits to be signed")
    return "\n".join(lines)


def _print(key: Mapping[str, Any], *, json: bool) -> None:
    if json:
        shown.print_json(key)
    else:
        print(key["public"], end="")
