"""orlop upstream prefetch, beside what every kind of settings has."""

import cyclopts

from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.faces.cli import shown
from orlop.faces.cli.jobs import work as jobs
from orlop.faces.cli.management.settings import SettingName, Where
from orlop.faces.cli.management.typed import HERE, Flag, Texts, here, work
from orlop.faces.cli.running import DONE, UsageError
from orlop.faces.cli.servers import ServerChoice, Servers, setting_at
from orlop.ports.management import ManagementServer


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`, which has the group of upstreams already."""
    group = app[UPSTREAMS.kind]

    @group.command
    def prefetch(
        name: SettingName,
        /,
        *images: str,
        place: Where = "",
        platform: Texts = (),
        referrers: Flag = False,
        follow: Flag = False,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Have images fetched that nobody pulled yet. What its budget does not let through is fetched later.

        Parameters
        ----------
        images
            As below the place, such as library/debian:12, or with a pattern of tags, library/debian:*-slim.
        platform
            Only these of an index, as linux/amd64; may be given more than once.
        referrers
            Also what refers to them, such as signatures.
        follow
            Wait for its end, and show how far it is.
        json
            Print a JSON object.
        """
        if not images:
            raise UsageError("name at least one image, such as library/debian:12, or 'library/debian:*-slim'")
        path = here(place).strip("/")

        async def do(server: ManagementServer) -> int:
            body = {"images": list(images), "platforms": list(platform), "referrers": referrers}
            address = setting_at(UPSTREAMS.plural, name, path, "/prefetches")
            job = (await server.ask("POST", address, body=body)).value
            if follow:
                one = setting_at(UPSTREAMS.plural, name, path, f"/prefetches/{job['id']}")
                return await jobs.to_the_end(server, one, job, json=json, briefly=True)
            if json:
                shown.print_json(job)
            else:
                print(f"job {job['id']} fetches them; orlop jobs show {job['id']} --follow shows how far it is")
            return DONE

        return work(servers, at, do)
