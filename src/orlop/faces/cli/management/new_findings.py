"""`orlop search new-findings`: which images advisories that came or changed hit."""

from typing import Any

import cyclopts

from orlop.faces.cli import shown
from orlop.faces.cli.clearing import clearing_words
from orlop.faces.cli.management import inside_searches
from orlop.faces.cli.management.inside_searches import At, Most
from orlop.faces.cli.management.typed import HERE, Flag, here, work
from orlop.faces.cli.moments import moment, now, rfc3339
from orlop.faces.cli.running import UsageError, tell
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer

_HITS: dict[str, Any] = {
    "IMAGE": lambda row: inside_searches.image_words(row),
    "PLATFORM": lambda row: row["platform"] or "-",
    "SEVERITY": lambda row: row["package"]["severity"],
    "ID": lambda row: row["package"]["id"],
    "PACKAGE": lambda row: row["package"]["purl"].partition("?")[0] + (" (?)" if row["package"]["possible"] else ""),
    "FIXED IN": lambda row: ", ".join(row["package"]["fixed"]) or "-",
    "CLEARED BY": lambda row: clearing_words(row["package"]),
}


def register(group: cyclopts.App, servers: Servers) -> None:
    """Add the command to `orlop search`."""

    @group.command(name="new-findings")
    def new_findings(
        *,
        since: str = "1d",
        at: At = "",
        images_only: Flag = False,
        n: Most = 100,
        json: Flag = False,
        server: ServerChoice = HERE,
    ) -> int:
        """List the images that advisories which came or changed hit, as far as you may read what was found in them.

        Parameters
        ----------
        since
            What advisories brought since this time, or so long ago: 2026-11-25T17:00:00Z, 2h [default: 1d].
        at
            Only images of this namespace (team/) or repository [default: all].
        images_only
            Print which images these are, one a line, and nothing of what hits them.
        n
            How many images at most [default: 100].
        json
            Print a JSON object.
        """

        async def do(asked: ManagementServer) -> None:
            begin = moment(since, now())
            if not begin:
                raise UsageError("say since when, as --since 2h")
            query = {"since": rfc3339(begin), "at": here(at).strip("/"), "packages": "" if not images_only else "false"}
            found = await inside_searches.pages(asked, "/new-findings", query, n, 10_000 if images_only else 1_000)
            if json:
                shown.print_json(found)
                return
            if images_only:
                for one in found["images"]:
                    print(f"{one['repository']}@{one['digest']}")
            inside_searches.tell_images(found, _HITS, n)
            for one in found["images"]:
                if one["more"]:
                    tell(f"{inside_searches.image_words(one)} has {one['more']} more")
            if not found["images"]:
                where = f" in {at}" if at.strip("/") else ""
                tell(f"advisories brought nothing new since {rfc3339(begin)}{where} in images that you may see")

        return work(servers, server, do)
