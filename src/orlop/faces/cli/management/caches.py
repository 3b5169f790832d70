"""orlop upstream clear, beside what every kind of settings has."""

import cyclopts

from orlop.domain.job_kinds import CACHE_CLEARING
from orlop.domain.settings import place_words
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.faces.cli import shown
from orlop.faces.cli.jobs import work as jobs
from orlop.faces.cli.management.settings import SettingName, Where
from orlop.faces.cli.management.typed import HERE, Flag, here, work
from orlop.faces.cli.running import DONE
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the command to `app`, which has the group of upstreams already."""
    group = app[UPSTREAMS.kind]

    @group.command
    def clear(
        name: SettingName,
        /,
        *,
        place: Where = "",
        follow: Flag = False,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Remove all that is cached of an upstream, also of one that was removed; what is locked stays.

        Parameters
        ----------
        follow
            Show how far it comes until it ends; the exit code says whether it ended well.
        json
            Print a JSON object.
        """
        path = here(place).strip("/")

        async def do(server: ManagementServer) -> int:
            body = {"kind": CACHE_CLEARING.kind, "arguments": {"upstream": name}, "place": path}
            job = (await server.ask("POST", "/jobs", body=body)).value
            if follow:
                return await jobs.show(server, job["id"], follow=True, json=json)
            if json:
                shown.print_json(job)
            else:
                print(
                    f"job {job['id']} removes what is cached at {place_words(path)};"
                    f" orlop jobs show {job['id']} --follow shows how far it is"
                )
            return DONE

        return work(servers, at, do)
