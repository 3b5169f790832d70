"""orlop webhook test, deliveries, redeliver, resume, beside what every kind of settings has; orlop followers."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import cyclopts

from orlop.domain.settings import place_words
from orlop.faces.cli import shown
from orlop.faces.cli.management.settings import SettingName, Where
from orlop.faces.cli.management.typed import HERE, Flag, Json, here, work
from orlop.faces.cli.running import DONE, FAILED, UsageError
from orlop.faces.cli.servers import ServerChoice, Servers, everything, part
from orlop.ports.management import ManagementServer

_DELIVERIES: dict[str, Any] = {
    "ID": "id",
    "EVENT": "kind",
    "REPOSITORY": "repository",
    "STATE": "state",
    "ATTEMPTS": "attempts",
    "STATUS": lambda delivery: str(delivery["status"] or "-"),
    "TRIED": "tried_at",
    "NEXT": "due_at",
    "ERROR": "error",
}
_ATTEMPTS: dict[str, Any] = {
    "ATTEMPT": "number",
    "AT": "at",
    "MS": "took",
    "STATUS": lambda attempt: str(attempt["status"] or "-"),
    "ERROR": "error",
    "ANSWER": lambda attempt: attempt["answer"].strip() or "-",
}
_FOLLOWERS: dict[str, Any] = {
    "NAME": "name",
    "FOLLOWS": "stream",
    "BEHIND": "behind",
    "OLDEST": "oldest_at",
    "FAILS AT": lambda follower: str((follower["trouble"] or {}).get("position", "-")),
    "FAILURES": lambda follower: str((follower["trouble"] or {}).get("failures", 0)),
    "ERROR": lambda follower: (follower["trouble"] or {}).get("error", "") or "-",
}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`, which has the group of webhooks already."""
    _webhooks(app["webhook"], servers)
    _followers(app, servers)


def _webhooks(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def test(name: SettingName, /, *, place: Where = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """Send a test event, and say what came back.

        Parameters
        ----------
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> int:
            tried = (await server.ask("POST", _address(name, "test", place))).value
            attempt = tried["attempts"][-1]
            if json:
                shown.print_json(tried)
            else:
                print(
                    f"the receiver answered {attempt['status']} in {attempt['took']:.0f} ms"
                    if attempt["status"]
                    else f"nothing came back: {attempt['error']}"
                )
                if attempt["answer"]:
                    print(shown.cell(attempt["answer"].strip(), widest=400))
            return DONE if tried["delivery"]["state"] == "delivered" else FAILED

        return work(servers, at, do)

    @group.command
    def deliveries(
        name: str,
        /,
        *,
        place: Where = "",
        limit: int = 50,
        dead: Flag = False,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """List what was sent and is to be sent, newest first; of one delivery by its number, every attempt.

        Parameters
        ----------
        name
            The webhook, or the number of a delivery.
        limit
            How many at most [default: 50].
        dead
            Only those that were given up.
        json
            Print a JSON array; of one delivery, an object.
        """

        async def do(server: ManagementServer) -> None:
            if name.isdecimal():
                _one((await server.ask("GET", f"/deliveries/{name}")).value, json=json)
                return
            query = {"n": str(max(1, min(limit, 1000)))} | ({"dead": "true"} if dead else {})
            found = (await server.ask("GET", _address(name, "deliveries", place, query))).value
            health = (await server.ask("GET", _address(name, "health", place))).value
            shown.rows(found[:limit], _DELIVERIES, json=json)
            if not json and (said := _said(name, place, health)):
                print(said)

        return work(servers, at, do)

    @group.command
    def redeliver(*ids: int, at: ServerChoice = HERE) -> int:
        """Have deliveries sent again, each with the id and content that it had.

        Parameters
        ----------
        ids
            Their numbers, as orlop webhook deliveries lists them.
        """
        if not ids:
            raise UsageError("name at least one delivery by its number, as orlop webhook deliveries lists them")

        async def do(server: ManagementServer) -> None:
            for number in ids:
                again = (await server.ask("POST", f"/deliveries/{number}/redeliver")).value
                print(f"{again['kind']} is sent to the webhook {again['webhook']} again")

        return work(servers, at, do)

    @group.command
    def resume(name: SettingName, /, *, place: Where = "", at: ServerChoice = HERE) -> int:
        """Resume a webhook that was paused because it failed for days."""

        async def do(server: ManagementServer) -> None:
            await server.ask("POST", _address(name, "resume", place))
            print(f"the webhook {name} goes on")

        return work(servers, at, do)


def _followers(app: cyclopts.App, servers: Servers) -> None:
    group = cyclopts.App(name="followers", help="What follows the changes of a registry, such as its audit log.")
    app.command(group)

    @group.command
    def ls(*, json: Json = False, at: ServerChoice = HERE) -> int:
        """List the followers, how far each is behind, and what it fails at."""

        async def do(server: ManagementServer) -> None:
            shown.rows(await everything(server, "/followers"), _FOLLOWERS, json=json)

        return work(servers, at, do)

    @group.command
    def skip(name: str, /, *, position: int, at: ServerChoice = HERE) -> int:
        """Have a follower leave out the event that it fails at, for good.

        Parameters
        ----------
        name
            The follower.
        position
            The number of the event that it fails at, as orlop followers ls tells it.
        """

        async def do(server: ManagementServer) -> None:
            await server.ask("POST", f"/followers/{part(name)}/skip", body={"position": position})
            print(f"{name} leaves out {position}")

        return work(servers, at, do)


def _one(delivered: Mapping[str, Any], *, json: bool) -> None:
    if json:
        shown.print_json(delivered)
        return
    shown.fields(delivered["delivery"], json=False)
    shown.rows(delivered["attempts"], _ATTEMPTS, json=False)


def _said(name: str, place: str, health: Mapping[str, Any]) -> str:
    """What there is to say of a hook that does not fare well; nothing of others."""
    if health["paused_at"]:
        where = f" --at {place_words(place.strip('/'))}" if place.strip("/") else ""
        return f"paused since {health['paused_at']}: {health['error']}; orlop webhook resume {name}{where} goes on"
    if health["failures"]:
        return f"{health['failures']} failures in a row since {health['failing_since']}: {health['error']}"
    return ""


def _address(name: str, what: str, place: str, query: Mapping[str, str] | None = None) -> str:
    path = here(place).strip("/")
    asked = urlencode({**({"path": path} if path else {}), **(query or {})})
    return f"/webhooks/{part(name)}/{what}" + (f"?{asked}" if asked else "")
