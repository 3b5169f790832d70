"""Looks at everything that a registry stands on, all at once, and says what each finding means."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from orlop.domain import checkup
from orlop.domain.checkup import Check, Verdict
from orlop.domain.errors import RegistryError
from orlop.ports.certificates import Certificates
from orlop.ports.checkup import BucketProbe, ChainProbe, DatabaseProbe, FolderProbe, ServerProbe
from orlop.ports.clock import Clock

#: What is said of a schema: how many migrations are due. Raises RegistryError.
Schema = Callable[[], Awaitable[int]]


class ProbedFolder(msgspec.Struct, frozen=True):
    """A folder by its name in sentences; `reserve`: bytes that uploads leave free there."""

    name: str
    probe: FolderProbe
    holds_catalog: bool
    reserve: int


class Grounds(msgspec.Struct, frozen=True):
    """What there is to be looked at. `connections`: to the database that one server may hold; `settled`: what the
    settings say already."""

    settled: Sequence[Check] = ()
    folders: Sequence[ProbedFolder] = ()
    schema: Schema | None = None
    database: DatabaseProbe | None = None
    connections: int = 0
    bucket: BucketProbe | None = None
    certificates: Certificates | None = None
    chain: ChainProbe | None = None
    servers: Sequence[ServerProbe] = ()


class Doctor:
    """Of one registry."""

    def __init__(self, grounds: Grounds, clock: Clock) -> None:
        self._grounds = grounds
        self._clock = clock

    async def checks(self) -> tuple[Check, ...]:
        """Every check, those of the settings first. Nothing is raised: what cannot be looked at fails."""
        grounds = self._grounds
        # One after the other: what is measured shall not be in the way of what else is.
        found = [*grounds.settled]
        for folder in grounds.folders:
            found += await self._folder(folder)
        if grounds.database is not None:
            found += await self._database(grounds.database)
        if grounds.schema is not None:
            found.append(await self._schema(grounds.schema))
        if grounds.bucket is not None:
            found += await self._bucket(grounds.bucket)
        if grounds.certificates is not None:
            now = self._clock.now()
            found += [checkup.certificate(one, now) for one in await grounds.certificates.standing()]
        if grounds.chain is not None:
            found.append(await self._chain(grounds.chain))
        for server in await asyncio.gather(*(each.look() for each in grounds.servers)):
            found += checkup.server(server, self._clock.now())
        return tuple(found)

    async def _folder(self, folder: ProbedFolder) -> Sequence[Check]:
        name = folder.name
        try:
            facts = await folder.probe.look()
        except RegistryError as failure:
            return (Check(name, Verdict.FAIL, failure.message, "let the server's user write there"),)
        return (
            checkup.file_system(name, facts, holds_catalog=folder.holds_catalog),
            checkup.room(name, facts, folder.reserve),
            checkup.durability(name, facts),
            checkup.disk_speed(name, facts),
            checkup.clock(f"the disk of {name}", facts.skew),
        )

    async def _database(self, probe: DatabaseProbe) -> Sequence[Check]:
        try:
            facts = await probe.look()
        except RegistryError as failure:
            return (Check("the database", Verdict.FAIL, failure.message, "look at catalog.url, and whether it runs"),)
        return checkup.database(facts, self._grounds.connections)

    async def _schema(self, schema: Schema) -> Check:
        try:
            due = await schema()
        except RegistryError as failure:
            return Check("schema", Verdict.FAIL, failure.message, "see orlop migrate status")
        if due:
            return Check("schema", Verdict.WARN, f"{due} migrations are due", "orlop migrate plan, orlop migrate run")
        return Check("schema", Verdict.OK, "it is that of this release")

    async def _bucket(self, probe: BucketProbe) -> Sequence[Check]:
        try:
            facts = await probe.look()
        except RegistryError as failure:
            return (Check("the bucket", Verdict.FAIL, failure.message, "look at blobs.url, its endpoint and its key"),)
        return checkup.bucket(facts)

    async def _chain(self, probe: ChainProbe) -> Check:
        try:
            return checkup.chain(await probe.look())
        except RegistryError as failure:
            return Check("TLS chain", Verdict.FAIL, failure.message, "name a pair that fits in tls.cert and tls.key")
