"""What the catalog keeps of advisories: records, the packages that they are about, where they come from, and findings.

Rows are made of records by `domain.inside.rows`. Times are in microseconds since 1970.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import IO, Protocol

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import RequestInvalid, Unavailable
from orlop.domain.inside.rows import AdvisoryRow, Exploited, ExploitScore, Refusal
from orlop.domain.inside.sources import AdvisoryFeed
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.ports.by import By
from orlop.ports.counting import Counting
from orlop.ports.finding_days import FindingDays
from orlop.ports.hits import Hits
from orlop.ports.holding import PackageHolders


class ImportRefused(RequestInvalid):
    """What was to be imported holds no advisories, or is beyond a bound; the message says which."""

    code = "IMPORT_REFUSED"


class ReadBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what is imported, which is taken as a whole or not at all: of a name that is in it, it has all rows."""

    rows: tuple[AdvisoryRow, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    exploited: tuple[Exploited, ...] = ()
    scores: tuple[ExploitScore, ...] = ()


class RecordsBatch(msgspec.Struct, frozen=True):
    """Some of what is imported, as a body of JSON for the API, and what was refused."""

    body: bytes
    refusals: tuple[Refusal, ...] = ()


class AdvisoryReader(Protocol):
    """Reads what strangers wrote, in bounds of memory, time and output."""

    def read(self, file: IO[bytes]) -> AsyncGenerator[ReadBatch, None]:
        """Everything in a file that can be sought in: a zip archive of records, lines or one of JSON, the catalogue of
        KEV, the list of EPSS; perhaps compressed by gzip. Raises ImportRefused."""
        ...

    def records(self, file: IO[bytes]) -> AsyncGenerator[RecordsBatch, None]:
        """The same as bodies for the API. Raises ImportRefused."""
        ...


class StoredBatch(msgspec.Struct, frozen=True):
    """What became of a batch: rows that are new, that took the place of others, that were there already, and that
    were older than what is there; names whose rows are all gone."""

    new: int = 0
    changed: int = 0
    same: int = 0
    older: int = 0
    others: int = 0
    """Of what is known to be exploited, and of scores: those that are new or others."""


class StoredAdvisory(msgspec.Struct, frozen=True):
    """A row. `body` is JSON, and empty in lists."""

    id: int
    name: str
    source: str
    modified: int
    withdrawn: bool
    severity: str
    summary: str
    aliases: tuple[str, ...] = ()
    body: bytes = b""


class AdvisoryCounts(msgspec.Struct, frozen=True):
    """How many there are of everything."""

    advisories: int
    waiting: int
    """Advisories that were not matched with packages by this release's matcher yet."""
    findings: int
    exploited: int
    scores: int


class Advisories(Protocol):
    """Records of advisories."""

    async def store(self, source: str, batch: ReadBatch) -> StoredBatch:
        """Take in a batch, in one transaction."""
        ...

    async def named(self, name: str) -> tuple[StoredAdvisory, ...]:
        """Those of a name, and those that have it as an alias; with their bodies."""
        ...

    async def page(self, page: PageRequest, source: str = "") -> Page[StoredAdvisory]:
        """By name."""
        ...

    async def counts(self) -> AdvisoryCounts:
        """Of everything."""
        ...

    async def names(self, source: str, after: str, limit: int) -> tuple[str, ...]:
        """Names of advisories of a source behind one, in order, each once."""
        ...

    async def forget(self, source: str, names: Sequence[str]) -> int:
        """Forget advisories of these names that are still of this source; how many rows that were."""
        ...


#: Reasons that are kept of one import.
REFUSALS_KEPT = 100


class AdvisorySource(msgspec.Struct, frozen=True, kw_only=True):
    """Where advisories come from. `origin`: what the last update was fetched from; empty: somebody gave it."""

    name: str
    origin: str = ""
    etag: str = ""
    tried_at: int = 0
    imported_at: int = 0
    records: int = 0
    changed: int = 0
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    error: str = ""

    def after(self, before: "AdvisorySource") -> "AdvisorySource":
        """As one import with what came before."""
        return msgspec.structs.replace(
            self,
            records=before.records + self.records,
            changed=before.changed + self.changed,
            refused=before.refused + self.refused,
            refusals=(*before.refusals, *self.refusals)[:REFUSALS_KEPT],
        )


class AdvisorySources(Protocol):
    """How imports went."""

    async def all(self) -> tuple[AdvisorySource, ...]:
        """Every source of which something was imported, or tried to, by name."""
        ...

    async def get(self, name: str) -> AdvisorySource | None:
        """One of them."""
        ...

    async def tell(self, source: AdvisorySource, by: By, *, continues: bool = False) -> None:
        """Write down how an import went, and an event of it; one that `continues` as one with what is written down of
        the source, whoever else writes at that moment."""
        ...


class Fetched(msgspec.Struct, frozen=True):
    """What a source has: files that can be sought in, and are gone with the block. `state`: what the source is told at
    the next time, so that it need not give what is known; the same as before: there is nothing new. `names`: of all
    records that it has, where it says so and gives no more than what changed; None: the files have all."""

    files: tuple[IO[bytes], ...]
    state: str
    names: frozenset[str] | None = None


class AdvisoryFetcher(Protocol):
    """Fetches what sources have, in bounds of size and time."""

    def fetch(
        self, feed: AdvisoryFeed, identity: str, state: str, told: Callable[[int], None]
    ) -> AbstractAsyncContextManager[Fetched]:
        """What a source has, unless it is as it was at `state` (empty: nothing is known). `identity` is that of its
        setting; `told` is told how many bytes came. Raises SourceFailed."""
        ...


#: Whether a signature (the last) over a payload is by a public key in PEM. May take a moment.
SignatureCheck = Callable[[str, bytes, bytes], bool]


class SourceFailed(Unavailable):
    """A source could not be reached, gave something else than it should, or is not signed as it has to be."""


class AffectedPackage(msgspec.Struct, frozen=True, gc=False):
    """A package that an advisory is about, by a version that it has there; `entry`: see domain.inside.rows."""

    advisory: int
    package: int
    ecosystem: str
    name: str
    version: str
    entry: bytes


class FindingRow(msgspec.Struct, frozen=True, gc=False):
    """A package that an advisory hits."""

    package: int
    advisory: int
    fixed: str
    severity: str
    source: str
    how: str


class Matches(Protocol):
    """What is matched: each side looks up the other after its own transaction, so that no pair is missed.

    `version`: that of all advisories when the question began; what is written is refused after a change of any.
    """

    async def version(self) -> int:
        """That of all advisories, which each change of one raises."""
        ...

    async def waiting_advisories(self, matcher: int, limit: int) -> tuple[int, ...]:
        """Advisories that were matched by none, or by an older matcher."""
        ...

    async def packages_of(
        self, advisories: Sequence[int], after: tuple[int, int], limit: int
    ) -> tuple[AffectedPackage, ...]:
        """Packages that advisories are about, by advisory and package, after a pair."""
        ...

    async def found_of_advisories(
        self, advisories: Sequence[int], found: Sequence[FindingRow], matcher: int, version: int, now: int = 0
    ) -> tuple[FindingRow, ...] | None:
        """Let these be all findings of these advisories; those that are new, which came at `now` and wait to be told
        of, 0: they are not to be. None: something changed meanwhile."""
        ...

    async def waiting_packages(self, matcher: int, limit: int) -> tuple[int, ...]:
        """Packages that were matched by none, or by an older matcher."""
        ...

    async def unmatched_of(self, packages: Sequence[int], matcher: int) -> tuple[int, ...]:
        """Those of these packages that were matched by none, or by an older matcher."""
        ...

    async def advisories_of(self, packages: Sequence[int]) -> tuple[AffectedPackage, ...]:
        """What advisories are about packages."""
        ...

    async def found_of_packages(
        self, packages: Sequence[int], found: Sequence[FindingRow], matcher: int, version: int
    ) -> bool:
        """Let these be all findings of these packages. False: something changed meanwhile."""
        ...


class EcosystemOfImage(msgspec.Struct, frozen=True):
    """An ecosystem by whose name advisories know packages of an image, and whether there are any about it."""

    ecosystem: str
    packages: int
    is_known: bool


class FoundInImage(msgspec.Struct, frozen=True, kw_only=True):
    """A package of an image that an advisory hits, and where it lies in it."""

    package: int
    type: str
    name: str
    version: str
    purl: str
    layer: int
    path: str
    advisory: int
    id: str
    summary: str
    fixed: str
    severity: str
    source: str
    how: str


class UntoldFinding(msgspec.Struct, frozen=True, gc=False):
    """A finding that no event told of yet: its package and advisory, their names, and how bad it is."""

    package: int
    advisory: int
    id: str
    name: str
    severity: str


class ToldImage(msgspec.Struct, frozen=True):
    """An image that advisories came to hit, and which, in words."""

    repository: RepositoryName
    digest: Digest
    words: str


class AffectedImage(msgspec.Struct, frozen=True):
    """An image in a repository, and a package of it."""

    repository: RepositoryName
    digest: Digest
    package: int


class Vulnerable(Protocol):
    """What is known of images."""

    async def packages(self, image: Digest) -> tuple[int, ...]:
        """Its packages."""
        ...

    async def ecosystems(self, image: Digest) -> tuple[EcosystemOfImage, ...]:
        """Those of its packages."""
        ...

    async def findings(self, image: Digest, limit: int) -> tuple[FoundInImage, ...]:
        """What hits it: a row for each place where a package lies."""
        ...

    async def aliases(self, advisories: Sequence[int]) -> Mapping[int, tuple[str, ...]]:
        """Other names of advisories."""
        ...

    async def exploited(self, cves: Sequence[str]) -> Mapping[str, Exploited]:
        """Those of them that are known to be exploited."""
        ...

    async def scores(self, cves: Sequence[str]) -> Mapping[str, ExploitScore]:
        """Their scores."""
        ...

    async def counts(self, digests: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """How many packages of each image are hit, by severity."""
        ...

    async def meaning(self, names: Sequence[str], limit: int) -> Mapping[int, str]:
        """Advisories of these names, or with one of them as another name."""
        ...

    async def holding(self, packages: Sequence[int], limit: int) -> tuple[AffectedImage, ...]:
        """Images that hold any of these, the newest first where there are more."""
        ...

    async def untold_ages(self) -> tuple[int, int] | None:
        """Since when the first and the last finding wait that no event told of yet; None: none does."""
        ...

    async def untold(self, limit: int) -> tuple[UntoldFinding, ...]:
        """The first of them."""
        ...

    async def pulled(self, repository: RepositoryName, images: Sequence[Digest]) -> Mapping[str, int]:
        """When images of a repository were pulled last; nothing of those that never were."""
        ...

    async def tell(self, told: Sequence[ToldImage], findings: Sequence[UntoldFinding], by: By) -> None:
        """Write an event for each of these images, and that these findings were told of, in one transaction."""
        ...


class AdvisoryStore(msgspec.Struct, frozen=True):
    """All of it."""

    advisories: Advisories
    sources: AdvisorySources
    matches: Matches
    vulnerable: Vulnerable
    holding: PackageHolders
    hits: Hits
    days: FindingDays
    counting: Counting
