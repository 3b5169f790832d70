"""orlop access: why somebody may or may not do something, and who may."""

from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli import shown
from orlop.faces.cli.management.typed import HERE, Flag, Json, here, work
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer

_Repository = Annotated[str, Parameter(help="The repository.")]


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`."""
    access = cyclopts.App(name="access", help="Why somebody may or may not do something, and who may.")
    app.command(access)

    @access.command
    def explain(
        subject: str,
        action: str,
        where: str = "",
        /,
        *,
        address: str = "",
        credential: int = 0,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Say why somebody may or may not do something: every grant that was looked at, and what would change it.

        Parameters
        ----------
        subject
            An account, or anonymous.
        action
            What is to be done: list, pull, push-new, tag, overwrite, untag, delete, create, admin, …
        where
            REPOSITORY or REPOSITORY:TAG [default: the registry as a whole].
        address
            The address that they come from.
        credential
            The number of a token of theirs that they come with.
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            repository, _, tag = where.partition(":")
            if "/" in tag:
                here(where)
            query = {
                "subject": subject,
                "action": action,
                "repository": repository,
                "tag": tag,
                "address": address,
                "credential": str(credential) if credential else "",
            }
            found = (await server.ask("GET", "/access/explain", query=query)).value
            if json:
                shown.print_json(found)
            else:
                _explained(found, subject, action, where or "the registry")

        return work(servers, at, do)

    @access.command
    def who(repository: _Repository, /, *, json: Json = False, at: ServerChoice = HERE) -> int:
        """List who may do what to a repository, and by which grants."""

        async def do(server: ManagementServer) -> None:
            found = (await server.ask("GET", "/access/who", query={"repository": here(repository)})).value
            if json:
                shown.print_json(found)
                return
            columns: dict[str, Any] = {
                "WHO": "principal",
                "MAY": lambda able: ", ".join(able["actions"]) + (" (conditional)" if able["conditional"] else ""),
                "BY GRANTS": "grants",
            }
            shown.rows(found["able"], columns, json=False)
            print(f"{_place(found['namespace'])} is {found['visibility']}: {_OPENS[found['visibility']]}")
            if not found["complete"]:
                print("there are more grants or members than were looked at")

        return work(servers, at, do)


_OPENS = {
    "public": "anybody may pull, signed in or not",
    "internal": "anybody who is signed in may pull",
    "private": "nobody else may do anything",
}


def _place(namespace: str) -> str:
    return f"the namespace {namespace}" if namespace else "the registry"


def _explained(found: dict[str, Any], subject: str, action: str, where: str) -> None:
    verb = "may" if found["allowed"] else "may not"
    print(f"{subject} {verb} {action} on {where}: {found['rule']}")
    for considered in found["grants"]:
        grant, mark = considered["grant"], "applies" if considered["applies"] else "does not apply"
        place = shown.place_text(grant["place"])
        print(
            f"  grant {grant['id']} ({grant['effect']} {grant['principal']} {grant['role']} on {place}) {mark}: ",
            end="",
        )
        print(shown.cell(considered["reason"], widest=200))
    visibility = found["visibility"]
    opens = "that alone would allow it" if visibility["opens"] else "that allows nothing here"
    print(f"  visibility: {_place(visibility['namespace'])} is {visibility['visibility']}; {opens}")
    if found["limits"] is not None:
        within = "this lies within them" if found["within_limits"] else "this does not lie within them"
        print(f"  limits of the credential: {within}")
    if found["groups"]:
        print(f"  groups: {', '.join(found['groups'])}")
    for change in found["changes"]:
        print(f"  to change it: {shown.cell(change, widest=200)}")
