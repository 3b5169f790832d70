"""orlop rules: what holds at a place, in sentences for people."""

from typing import Any

import cyclopts

from orlop.faces.cli import shown
from orlop.faces.cli.management.typed import HERE, Flag, here, tell_narrow, work
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer

#: A sentence may name many patterns.
_WIDEST = 20_000


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`."""
    rules = cyclopts.App(name="rules", help="What rules and grants say of a place, in plain sentences.")
    app.command(rules)

    @rules.command
    def show(place: str, /, *, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Say how repositories and tags are named and kept at a place, and who may push and retag there.

        Parameters
        ----------
        place
            A namespace (team/), a repository (team/app), or / for the registry.
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            here(place)
            await tell_narrow(server, place)
            query = {"path": place.strip("/")} if place.endswith("/") else {"repository": place}
            found = (await server.ask("GET", "/rules", query=query)).value
            if json:
                shown.print_json(found)
                return
            _part("Names of repositories", found["repositories"], "no rule says how they are named")
            _part("Tags", found["tags"], "no rule says more than rights do")
            _part("How long images stay", found["retention"], "for ever: no rule deletes any")
            _part("What is deleted", found["trash"], "it can be restored for 7d, as no rule says otherwise")
            if found["people"] is None:
                _part(
                    "Who may push and retag", [], "whoever administers it sees that; of yourself, orlop access explain"
                )
            else:
                _part("Who may push and retag, where no rule for tags forbids it", found["people"], "nobody by a grant")
            if not found["complete"]:
                print("there are more grants or members than were looked at")

        return work(servers, at, do)


def _part(heading: str, sentences: list[dict[str, Any]], without: str) -> None:
    """Sentences, each with what makes it so; the one that stands where there are none."""
    print(f"{heading}:")
    for said in sentences:
        print(f"  {shown.cell(said['text'], widest=_WIDEST)}  ({said['kind']} {said['name']} of {said['place']})")
    if not sentences:
        print(f"  {without}")
