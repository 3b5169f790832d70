"""`orlop lock`: manifests that nothing deletes until somebody lifts that."""

from typing import Annotated
from urllib.parse import urlencode

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.locations import Location, parse_location
from orlop.faces.cli.running import UsageError, argument, run
from orlop.faces.cli.servers import Servers, everything

_Flag = Parameter(negative="")
_DEFAULTS = Connecting()


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the group to `app`."""
    group = cyclopts.App(name="lock", help="Manifests that nothing deletes, until somebody lifts that.")
    app.command(group)

    @group.command
    def ls(repository: str, /, *, json: Annotated[bool, _Flag] = False, connecting: Connecting = _DEFAULTS) -> int:
        """List the locks of a repository.

        Parameters
        ----------
        repository
            HOST:PORT/NAME, after orlop login.
        json
            Print a JSON array.
        """
        from orlop.faces.cli import shown
        from orlop.faces.cli.content.remove import managed, repository_argument

        async def work() -> None:
            location = repository_argument(repository)
            assert location.image is not None
            async with managed(servers, location, connecting) as server:
                found = await everything(server, "/locks", repository=str(location.image.repository), n="1000")
            if json:
                shown.print_json(found)
                return
            for lock in found:
                who = f"by {lock['actor']}: " if lock["actor"] else ""
                print(f"{lock['digest']}  {who}{shown.cell(lock['reason'], widest=600)}")

        return run(work)

    @group.command
    def add(ref: str, /, *, reason: str, connecting: Connecting = _DEFAULTS) -> int:
        """Lock a manifest: nothing deletes it, whoever asks, until the lock is lifted.

        Parameters
        ----------
        ref
            REPOSITORY@DIGEST, on Orlop, after orlop login.
        reason
            Why: whoever is refused reads it.
        """
        from orlop.faces.cli.content.remove import managed

        async def work() -> None:
            location = _digest_argument(ref)
            async with managed(servers, location, connecting) as server:
                await server.ask("POST", "/locks", body={**_query(location), "reason": reason})
            print(f"locked {location}")

        return run(work)

    @group.command
    def rm(ref: str, /, *, reason: str, connecting: Connecting = _DEFAULTS) -> int:
        """Lift a lock. It takes the right to administer the repository.

        Parameters
        ----------
        ref
            REPOSITORY@DIGEST, on Orlop, after orlop login.
        reason
            Why: the audit log keeps it.
        """
        from orlop.faces.cli.content.remove import managed

        async def work() -> None:
            location = _digest_argument(ref)
            async with managed(servers, location, connecting) as server:
                await server.ask("DELETE", f"/locks?{urlencode({**_query(location), 'reason': reason})}")
            print(f"unlocked {location}")

        return run(work)


def _digest_argument(ref: str) -> Location:
    """A manifest of a registry by its digest. Raises UsageError."""
    location: Location = argument(parse_location, ref)
    if location.image is None or location.image.digest is None or location.image.tag is not None:
        raise UsageError("a lock is on a digest of a registry: HOST:PORT/NAME@DIGEST; orlop digest tells that of a tag")
    return location


def _query(location: Location) -> dict[str, str]:
    assert location.image is not None
    return {"repository": str(location.image.repository), "digest": str(location.image.digest)}
