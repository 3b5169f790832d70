"""orlop browse, tags, search: what lies at a place, the tags of a repository, and what a line of words finds."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import cyclopts
from cyclopts import Parameter

from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.search import HitKind
from orlop.domain.settings import place_words
from orlop.domain.sizes import size_words
from orlop.domain.tag_lists import TagOrder
from orlop.faces.cli import shown
from orlop.faces.cli.clearing import cleared_counts
from orlop.faces.cli.management import inside_searches, new_findings
from orlop.faces.cli.management.typed import HERE, Flag, here, work
from orlop.faces.cli.moments import seconds
from orlop.faces.cli.running import UsageError, tell
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.ports.browse import RepositoryOrder
from orlop.ports.management import ManagementServer

#: Entries of one page of a list, and hits of each kind in one answer, at most.
_PAGE, _HITS = 1_000, 100
#: Platforms of an index that are shown.
_PLATFORMS = 3
#: Names, tags and digests are shown whole, so that they can be pasted.
_WIDEST = 400

_Most = Annotated[int, Parameter(name="--n", validator=cyclopts.validators.Number(gte=1))]

_CHILDREN: dict[str, Any] = {
    "PATH": "path",
    "TAGS": "tags",
    "SIZE": lambda child: _size(child["size"]),
    "PUSHED": lambda child: seconds(child["pushed_at"]),
    "PULLED": lambda child: seconds(child["pulled_at"]),
    "VISIBILITY": "visibility",
    "DESCRIPTION": "description",
}
_CHILDREN_FINDINGS: dict[str, Any] = {
    **{name: _CHILDREN[name] for name in ("PATH", "TAGS", "PUSHED")},
    "FINDINGS": lambda child: "-" if child["path"].endswith("/") else findings_text(child["findings"]),
}
_TAGS: dict[str, Any] = {
    "TAG": "name",
    "WHAT": lambda tag: _what(tag),
    "SIZE": lambda tag: _size(tag["size"]),
    "PUSHED": lambda tag: seconds(tag["pushed_at"]),
    "BY": "pushed_by",
    "PULLED": lambda tag: seconds(tag["pulled_at"]),
    "KEPT": lambda tag: "locked" if tag["locked"] is not None else "immutable" if tag["immutable"] else "-",
    "DIGEST": "digest",
}
_TAGS_FINDINGS: dict[str, Any] = {
    **{name: _TAGS[name] for name in ("TAG", "WHAT", "PUSHED")},
    "FINDINGS": lambda tag: findings_text(tag["findings"]),
    "DIGEST": "digest",
}
_FOUND: dict[str, Any] = {"KIND": "kind", "FOUND": lambda hit: _found(hit), "WHAT": "content"}


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add the commands to `app`."""
    _browse(app, servers)
    _tags(app, servers)
    _search(app, servers)


def _browse(app: cyclopts.App, servers: Servers) -> None:
    @app.command
    def browse(
        place: str = "/",
        /,
        *,
        sort: RepositoryOrder = RepositoryOrder.NAME,
        findings: Flag = False,
        n: _Most = 100,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """List what lies directly in a namespace, as far as you may see it: namespaces by name, then repositories.

        Parameters
        ----------
        place
            A namespace (team/), or / for the registry.
        sort
            The order of repositories, newest by the last push [default: name].
        findings
            Tell how much is known to be wrong with the tag of each repository that was set last, too.
        n
            How many lines at most [default: 100].
        json
            Print a JSON array.
        """
        path = here(place).strip("/")

        async def do(server: ManagementServer) -> None:
            query = {"path": path, "sort": sort.value, **({"findings": "true"} if findings else {})}
            nothing = f"{place_words(path)} has nothing that you may see"
            columns = _CHILDREN_FINDINGS if findings else _CHILDREN
            await _list(server, "/browse", query, n, columns, nothing, json=json)

        return work(servers, at, do)


def _tags(app: cyclopts.App, servers: Servers) -> None:
    @app.command
    def tags(
        repository: str,
        /,
        *,
        sort: TagOrder = TagOrder.NEWEST,
        filter_: Annotated[str, Parameter(name="--filter")] = "",
        only: Literal["releases", "others"] | None = None,
        type_: Annotated[str, Parameter(name="--type")] = "",
        platform: str = "",
        findings: Flag = False,
        n: _Most = 100,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """List the tags of a repository, with what they point at, who pushed them and what keeps them.

        Parameters
        ----------
        repository
            The repository, as team/app.
        sort
            newest and pulled (the last first), name, version or largest (the greatest first) [default: newest].
        filter_
            Only tags of this pattern, in which * is any characters: '1.*'.
        only
            releases: versions that are no pre-releases; others: everything else.
        type_
            A kind, as image, index, chart, signature, sbom or other; or a media type or artifact type.
        platform
            Only indexes that have it, as linux/arm64.
        findings
            Tell how much is known to be wrong with each, too.
        n
            How many lines at most [default: 100].
        json
            Print a JSON array.
        """
        name = here(repository)
        if not name.strip("/") or name.endswith("/"):
            raise UsageError(
                f"{place_words(name.strip('/'))} is a namespace, and a repository has the tags: write team/app;"
                f" orlop browse {place_words(name.strip('/'))} lists what lies there"
            )
        narrowed = {"name": filter_, "only": only or "", "type": type_, "platform": platform}

        async def do(server: ManagementServer) -> None:
            wanted = {key: value for key, value in narrowed.items() if value}
            nothing = f"no tag of {name} fits" if wanted else f"{name} has no tags"
            query = {"repository": name, "sort": sort.value, **wanted, **({"findings": "true"} if findings else {})}
            columns = _TAGS_FINDINGS if findings else _TAGS
            await _list(server, "/tags", query, n, columns, nothing, json=json)

        return work(servers, at, do)


def _search(app: cyclopts.App, servers: Servers) -> None:
    group = cyclopts.App(
        name="search",
        help="Find repositories, tags, digests, labels, annotations and accounts; packages and vulnerabilities, too.",
    )
    app.command(group)
    inside_searches.register(group, servers)
    new_findings.register(group, servers)

    @group.default
    def search(
        line: str,
        /,
        *words: str,
        kind: HitKind | None = None,
        n: _Most = 10,
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Find repositories, tags, digests, labels, annotations and accounts, as far as you may see them.

        What begins with the name of a command of this group is found behind --, as in orlop search -- package.

        Parameters
        ----------
        line
            A part of a repository's name, how a tag, digest or account begins, KEY=VALUE, or a filter as type:chart.
        words
            More of them.
        kind
            Only hits of this kind.
        n
            How many of each kind at most [default: 10].
        json
            Print a JSON array.
        """
        asked = " ".join((line, *words)).strip()
        if not asked:
            raise UsageError("say what to search for, as app, team/app:1.4, stage=prod or type:chart")

        async def do(server: ManagementServer) -> None:
            hits, more = await _hits(server, asked, kind, n)
            if hits or json:
                shown.rows(hits, _FOUND, json=json, widest=_WIDEST)
            else:
                tell("nothing that you may see fits")
            if more:
                tell(f"there is more of the kind {', '.join(more)}; --n {n * 10} shows further ones")

        return work(servers, at, do)


async def _list(
    server: ManagementServer,
    path: str,
    query: Mapping[str, str],
    most: int,
    columns: Mapping[str, Any],
    nothing: str,
    *,
    json: bool,
) -> None:
    """Print pages of a list, so many entries at most."""
    reply = await server.ask("GET", path, query={**query, "n": str(min(most, _PAGE))})
    found = list(reply.value)
    while reply.next and len(found) < most:
        reply = await server.ask("GET", reply.next)
        found += reply.value
    if found or json:
        shown.rows(found[:most], columns, json=json, widest=_WIDEST)
    else:
        tell(nothing)
    if reply.next or len(found) > most:
        tell(f"there are more; --n {most * 10} shows further ones")


async def _hits(
    server: ManagementServer, line: str, kind: HitKind | None, most: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """So many of each kind at most, in the order of kinds, and the kinds of which there are more."""
    query = {"q": line, "n": str(min(most, _HITS))}
    first = (await server.ask("GET", "/search", query={**query, **({"kind": kind.value} if kind else {})})).value
    found = {each.value: [hit for hit in first["hits"] if hit["kind"] == each] for each in HitKind}
    left: list[str] = []
    for more in first["more"]:
        of, last = more["kind"], more["last"]
        # An answer may end early where much was looked at: the next goes on from there.
        while last and len(found[of]) < most:
            reply = (await server.ask("GET", "/search", query={**query, "kind": of, "last": last})).value
            found[of] += reply["hits"]
            last = next((one["last"] for one in reply["more"]), "")
        if last or len(found[of]) > most:
            left.append(of)
    return [hit for hits in found.values() for hit in hits[:most]], left


def findings_text(found: Mapping[str, Any] | None) -> str:
    """Such as `1 critical, 2 high; 1 accepted`; of what was not read, that."""
    if found is None:
        return "not known"
    if found["state"] != "read":
        return "could not be read" if found["state"] == "unread" else "not read yet"
    words = ", ".join(f"{found[word]} {word}" for word in SEVERITIES if found[word])
    return (words or "nothing known") + cleared_counts(found)


def _size(size: int | None) -> str:
    return "-" if size is None else size_words(size)


def _what(tag: Mapping[str, Any]) -> str:
    """Its platforms, or else its kind."""
    platforms = tag["platforms"]
    if not platforms:
        return str(tag["kind"])
    more = len(platforms) - _PLATFORMS
    return ", ".join(platforms[:_PLATFORMS]) + (f" and {more} more" if more > 0 else "")


def _found(hit: Mapping[str, Any]) -> str:
    """As it can be pasted."""
    if hit["account"]:
        return str(hit["account"])
    reference = hit["reference"]
    if not reference:
        return str(hit["repository"])
    return f"{hit['repository']}{'@' if ':' in reference else ':'}{reference}"
