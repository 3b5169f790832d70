"""`orlop advisories`: what a server knows of vulnerabilities, taken in from files."""

from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Annotated, Any

import cyclopts
import msgspec
from cyclopts import Parameter

from orlop.domain.job_kinds import ADVISORY_UPDATE
from orlop.faces.cli import shown
from orlop.faces.cli.jobs import work as jobs
from orlop.faces.cli.management.typed import HERE, Flag, work
from orlop.faces.cli.moments import seconds
from orlop.faces.cli.running import UsageError, tell
from orlop.faces.cli.servers import ServerChoice, Servers, part
from orlop.ports.advisories import AdvisoryReader
from orlop.ports.management import ManagementServer

#: Reasons that are told.
_TOLD = 20
_PAGE = 1_000
_Most = Annotated[int, Parameter(name="--n", validator=cyclopts.validators.Number(gte=1))]

_SOURCES: dict[str, Any] = {
    "SOURCE": "name",
    "AGE": lambda source: _age(source["age"]) + (" (late)" if source["late"] else ""),
    "RECORDS": "records",
    "CHANGED": "changed",
    "REFUSED": "refused",
    "FROM": lambda source: source["url"] or "a file",
    "ERROR": lambda source: source["error"] or "-",
}
_ADVISORIES: dict[str, Any] = {
    "ID": "id",
    "SEVERITY": "severity",
    "MODIFIED": lambda one: seconds(one["modified_at"]),
    "SOURCE": "source",
    "SUMMARY": lambda one: ("withdrawn: " if one["withdrawn"] else "") + one["summary"],
}


def register(app: cyclopts.App, servers: Servers, reader: AdvisoryReader) -> None:
    """Add the group to `app`; `reader` reads files."""
    group = cyclopts.App(name="advisories", help="Advisories: what a server knows of vulnerabilities.")
    app.command(group)
    _import(group, servers, reader)
    _look(group, servers)
    _update(group, servers)


def _update(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def update(*sources: str, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Have advisories fetched from their sources now, and wait for the end.

        Parameters
        ----------
        sources
            Names of sources [default: all of them].
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> int:
            body = {"kind": ADVISORY_UPDATE.kind, "arguments": {"sources": list(sources), "all": not sources}}
            job = (await server.ask("POST", "/jobs", body=body)).value
            return await jobs.to_the_end(server, f"/jobs/{job['id']}", job, json=json, briefly=True)

        return work(servers, at, do)


def _age(age: int | None) -> str:
    """Such as `3h`."""
    if age is None:
        return "never"
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if age >= length:
            return f"{age // length}{unit}"
    return f"{age}s"


def _import(group: cyclopts.App, servers: Servers, reader: AdvisoryReader) -> None:
    @group.command(name="import")
    def import_(
        files: Annotated[tuple[Path, ...], Parameter(negative="")],
        /,
        *,
        source: str = "",
        json: Flag = False,
        at: ServerChoice = HERE,
    ) -> int:
        """Take in advisories out of files: OSV records, the KEV catalogue, or EPSS scores.

        Parameters
        ----------
        files
            A zip archive of records, lines of JSON, one record, a list of them, KEV's JSON, EPSS' CSV, each also
            compressed by gzip; or a folder of records.
        source
            What to call where they come from [default: the name of the file].
        json
            Print a JSON array.
        """
        if not files:
            raise UsageError("name a file or folder with advisories")

        async def do(server: ManagementServer) -> int:
            found = [await _take(server, reader, path, source or _name(path)) for path in files]
            if json:
                shown.print_json(found)
            for one in () if json else found:
                print(
                    f"{one['source']}: {one['records']} records, {one['changed']} new or changed,"
                    f" {one['older']} older than what is there, {one['refused']} refused"
                )
                for refusal in one["refusals"][:_TOLD]:
                    tell(shown.cell(f"{refusal['where']}: {refusal['why']}", widest=600))
            return 0 if any(one["records"] for one in found) else 1

        return work(servers, at, do)


def _look(group: cyclopts.App, servers: Servers) -> None:
    @group.command
    def status(*, json: Flag = False, at: ServerChoice = HERE) -> int:
        """Say how many advisories there are, where they come from, and how the last import went.

        Parameters
        ----------
        json
            Print a JSON object.
        """

        async def do(server: ManagementServer) -> None:
            found = (await server.ask("GET", "/advisory-status")).value
            if json:
                shown.print_json(found)
                return
            print(
                f"{found['advisories']} advisories, {found['waiting']} of them not matched yet, {found['findings']}"
                f" findings; {found['exploited']} known to be exploited, {found['scores']} scores"
            )
            if found["sources"]:
                shown.rows(found["sources"], _SOURCES, json=False)

        return work(servers, at, do)

    @group.command
    def ls(*, source: str = "", n: _Most = 100, json: Flag = False, at: ServerChoice = HERE) -> int:
        """List advisories by their ids.

        Parameters
        ----------
        source
            Only those of this source.
        n
            How many lines at most [default: 100].
        json
            Print a JSON array.
        """

        async def do(server: ManagementServer) -> None:
            query = {"n": str(min(n, _PAGE)), **({"source": source} if source else {})}
            reply = await server.ask("GET", "/advisories", query=query)
            found = list(reply.value)
            while reply.next and len(found) < n:
                reply = await server.ask("GET", reply.next)
                found += reply.value
            if found or json:
                shown.rows(found[:n], _ADVISORIES, json=json)
            else:
                tell("no advisories are known")
            if reply.next or len(found) > n:
                tell(f"there are more; --n {n * 10} shows further ones")

        return work(servers, at, do)

    @group.command
    def show(id_: Annotated[str, Parameter(name="id")], /, *, at: ServerChoice = HERE) -> int:
        """Print advisories of an id as JSON, and those that have it as another name, as CVE-2021-44228.

        Parameters
        ----------
        id_
            The id.
        """

        async def do(server: ManagementServer) -> None:
            shown.print_json((await server.ask("GET", f"/advisories/{part(id_)}")).value)

        return work(servers, at, do)


async def _take(server: ManagementServer, reader: AdvisoryReader, path: Path, source: str) -> dict[str, Any]:
    done: dict[str, Any] = {"source": source, "records": 0, "changed": 0, "older": 0, "refused": 0, "refusals": []}
    is_under_way = False
    with _opened(path) as file:
        async with aclosing(reader.records(file)) as batches:
            async for batch in batches:
                known = msgspec.json.decode(batch.body, type=dict[str, msgspec.Raw])
                body = {**known, "source": source, "continues": is_under_way}
                is_under_way = True
                found = (await server.ask("POST", "/advisories", body=body)).value
                for name in ("records", "changed", "older", "refused", "refusals"):
                    done[name] += found[name]
    return done


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """A file, or the records of a folder as lines. Raises UsageError."""
    try:
        if not path.is_dir():
            with path.open("rb") as file:
                yield file
            return
        with TemporaryFile() as lines:
            for each in sorted(path.rglob("*.json")):
                lines.write(each.read_bytes().replace(b"\n", b" ") + b"\n")
            lines.seek(0)
            yield lines
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _name(path: Path) -> str:
    """The name of a source after its file."""
    name = path.resolve().name.lower().partition(".")[0]
    return (
        "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name).strip("-")[:63] or "file"
    )
