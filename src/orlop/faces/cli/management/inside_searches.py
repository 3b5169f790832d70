"""`orlop search package`, `cve` and `licence`: which images hold a package, or packages under a licence, and which a
vulnerability hits."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from orlop.domain.counts import counted
from orlop.faces.cli import shown
from orlop.faces.cli.clearing import clearing_words
from orlop.faces.cli.management.typed import HERE, Flag, here, work
from orlop.faces.cli.running import tell
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.management import ManagementServer

_PAGE = 1_000
#: What is shown is shown whole, so that it can be pasted.
_WIDEST = 400

#: How many images at most, and at which place.
Most = Annotated[int, Parameter(name="--n", validator=cyclopts.validators.Number(gte=1))]
At = Annotated[str, Parameter(name="--at")]

_IMAGES: dict[str, Any] = {
    "IMAGE": lambda row: image_words(row),
    "PLATFORM": lambda row: row["platform"] or "-",
    "PACKAGE": lambda row: row["package"]["purl"].partition("?")[0] + (" (?)" if row["package"]["possible"] else ""),
}
_LICENSED: dict[str, Any] = {
    "IMAGE": lambda row: image_words(row),
    "PLATFORM": lambda row: row["platform"] or "-",
    "LICENCE": lambda row: ", ".join(row["package"]["licences"]),
    "PACKAGE": lambda row: row["package"]["purl"].partition("?")[0],
}
_HITS: dict[str, Any] = {
    "IMAGE": lambda row: image_words(row),
    "PLATFORM": lambda row: row["platform"] or "-",
    "SEVERITY": lambda row: row["package"]["severity"],
    "PACKAGE": lambda row: row["package"]["purl"].partition("?")[0] + (" (?)" if row["package"]["possible"] else ""),
    "FIXED IN": lambda row: ", ".join(row["package"]["fixed"]) or "-",
    "CLEARED BY": lambda row: clearing_words(row["package"]),
}


def register(group: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `orlop search`."""

    @group.command
    def package(
        wanted: str,
        /,
        *,
        at: At = "",
        n: Most = 100,
        json: Flag = False,
        server: ServerChoice = HERE,
    ) -> int:
        """List the images that hold a package, as far as you may read what was found in them.

        Parameters
        ----------
        wanted
            A package URL, whose version may be a range: 'pkg:npm/lodash@>=4,<4.17.21'; or a name of any type.
        at
            Only images of this namespace (team/) or repository [default: all].
        n
            How many images at most [default: 100].
        json
            Print a JSON object.
        """

        async def do(asked: ManagementServer) -> None:
            found = await pages(asked, "/package-search", {"package": wanted, "at": here(at).strip("/")}, n)
            if json:
                shown.print_json(found)
                return
            tell_images(found, _IMAGES, n)
            if not found["images"]:
                tell(f"no image that you may see holds {wanted}{_where(at)}, of those that were read")
            for remark in found["remarks"]:
                tell(remark)

        return work(servers, server, do)

    @group.command
    def licence(
        name: str,
        /,
        *,
        at: At = "",
        n: Most = 100,
        json: Flag = False,
        server: ServerChoice = HERE,
    ) -> int:
        """List the images that hold packages under a licence, as far as you may read what was found in them.

        Parameters
        ----------
        name
            A licence as SPDX names it, or in the words of packages; * is anything: 'GPL-3.0*'.
        at
            Only images of this namespace (team/) or repository [default: all].
        n
            How many images at most [default: 100].
        json
            Print a JSON object.
        """

        async def do(asked: ManagementServer) -> None:
            found = await pages(asked, "/licence-search", {"licence": name, "at": here(at).strip("/")}, n)
            if json:
                shown.print_json(found)
                return
            tell_images(found, _LICENSED, n)
            for one in found["images"]:
                if one["more"]:
                    tell(f"{image_words(one)} holds {one['more']} more")
            if not found["images"]:
                tell(f"no image that you may see holds a package under {name}{_where(at)}, of those that were read")
            for remark in found["remarks"]:
                tell(remark)

        return work(servers, server, do)

    @group.command
    def cve(
        id_: str,
        /,
        *,
        at: At = "",
        n: Most = 100,
        json: Flag = False,
        server: ServerChoice = HERE,
    ) -> int:
        """List the images that a vulnerability hits, as far as you may read what was found in them.

        Parameters
        ----------
        id_
            A CVE, or another name of it, such as GHSA-… or DSA-….
        at
            Only images of this namespace (team/) or repository [default: all].
        n
            How many images at most [default: 100].
        json
            Print a JSON object.
        """

        async def do(asked: ManagementServer) -> int:
            found = await pages(asked, "/vulnerability-search", {"id": id_, "at": here(at).strip("/")}, n)
            if json:
                shown.print_json(found)
                return 0 if found["known"] else 1
            if not found["known"]:
                sources = ", ".join(found["sources"])
                tell(
                    f"no advisory is known as {id_}, so which images it hits is not known, either;"
                    f" there are {counted(found['all_advisories'], 'advisory')}{f' from {sources}' if sources else ''}"
                )
                return 1
            tell_images(found, _HITS, n)
            if not found["images"]:
                tell(
                    f"no image that you may see is known to be hit{_where(at)}, of those that were read;"
                    f" {', '.join(found['advisories'][:12])} would say so"
                )
            return 0

        return work(servers, server, do)


async def pages(
    server: ManagementServer, path: str, query: Mapping[str, str], most: int, page: int = _PAGE
) -> dict[str, Any]:
    """So many images at most. An answer may end early where much was looked at: the next goes on from there."""
    asked = {**{name: value for name, value in query.items() if value}, "n": str(min(most, page))}
    found: dict[str, Any] = (await server.ask("GET", path, query=asked)).value
    while found["last"] and len(found["images"]) < most:
        more = (await server.ask("GET", path, query={**asked, "last": found["last"]})).value
        found["images"] += more["images"]
        found["last"] = more["last"]
    if len(found["images"]) > most:
        found["images"] = found["images"][:most]
        found["last"] = "{repository} {digest}".format(**found["images"][-1])
    return found


def tell_images(found: Mapping[str, Any], columns: Mapping[str, Any], most: int) -> None:
    """A line for each package of each image, and whether there are more images."""
    rows = [row for image in found["images"] for row in _rows(image)]
    if rows:
        shown.rows(rows, columns, json=False, widest=_WIDEST)
    if found["last"]:
        tell(f"there are more; --n {most * 10} shows further ones")


def _rows(image: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One for each package."""
    for package in image["packages"]:
        yield {**image, "package": package}


def image_words(row: Mapping[str, Any]) -> str:
    """As it can be pasted: by its first tag, or by its digest."""
    tags = row["tags"]
    if not tags:
        return f"{row['repository']}@{row['digest']}"
    more = f" and {len(tags) - 1} more" if len(tags) > 1 else ""
    return f"{row['repository']}:{tags[0]}{more}"


def _where(at: str) -> str:
    return f" in {at}" if at.strip("/") else ""
