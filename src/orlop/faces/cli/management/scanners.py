"""orlop scanner check, beside what every kind of settings has."""

import cyclopts

from orlop.domain.scanning.scanner import SCANNERS
from orlop.faces.cli import shown
from orlop.faces.cli.management import faring
from orlop.faces.cli.management.settings import SettingName, Where
from orlop.faces.cli.management.typed import HERE, Flag, here, work
from orlop.faces.cli.running import DONE
from orlop.faces.cli.servers import ServerChoice, Servers, setting_at
from orlop.ports.management import ManagementServer


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`, which has the group of scanners already."""
    group = app[SCANNERS.kind]

    @group.command
    def check(name: SettingName, /, *, place: Where = "", json: Flag = False, at: ServerChoice = HERE) -> int:
        """Ask a scanner what it is and what it can do, now. Exits with 1 where it does not answer.

        Parameters
        ----------
        json
            Print a JSON object.
        """
        path = here(place).strip("/")

        async def do(server: ManagementServer) -> int:
            found = (await server.ask("POST", setting_at(SCANNERS.plural, name, path, "/checks"))).value
            if json:
                shown.print_json(found)
            else:
                faring.print_scanner(found)
            return DONE if found["state"] == "healthy" else 1

        return work(servers, at, do)
