"""A registry in memory that attests: the follower and the job, as the server puts them together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from orlop.adapters.attesting.command import SigningCommand
from orlop.adapters.attesting.signer import CatalogOrCommandSigner
from orlop.bootstrap.clocks import SystemClock
from orlop.domain.access.subjects import Caller, Subject
from orlop.domain.job_kinds import ATTESTING
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.queue import Job
from orlop.ports.attesting import StatementSigner
from orlop.services.attesting.attaching import AttestationAttaching
from orlop.services.attesting.attesting import Attesting
from orlop.services.attesting.intake import StatementIntake
from orlop.services.following import known
from orlop.services.jobs.work import Run
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams.shown import Upstreams
from tests.api.harness import KINDS, Api, registry
from tests.content import Pushable
from tests.contract.scene import Scene
from tests.desks import own_content

_FAR = 1 << 62


class Attests:
    """`api` has the people and the settings. `hold` is put around whatever the job uses: it may break any of it."""

    def __init__(self, api: Api, root: int) -> None:
        self._root = Caller(Subject("root", id=root))
        self.api, self.catalog = api, api.catalog.catalog
        self.clock = SystemClock()
        self.counted: list[str] = []
        in_force = SettingsInForce(api.identity.documents, api.catalog.settings_changes)
        kept = api.identity.documents, api.catalog.settings_changes
        shown = Upstreams(*kept, self.catalog.cached_content)
        self.terms = WriteTerms(api.access, in_force, shown)
        self.content = own_content(api.catalog, api.access, api.desks.repositories, self.terms, self.clock)
        self.signer: StatementSigner = CatalogOrCommandSigner()
        self._intake = StatementIntake(
            self.catalog.outbox,
            api.catalog.cursors,
            self.catalog.statements,
            self.catalog.attestation_keys,
            in_force,
            self.catalog.manifests,
            self.catalog.promotions,
            self.catalog.held_pushes,
            shown,
            self.clock,
            self._told,
            lambda at: f"at {at}",
        )
        self.told = 0

    async def _told(self) -> None:
        self.told += 1

    def by_command(self, program: Path, public: Path, timeout: float = 20.0) -> None:
        self.signer = CatalogOrCommandSigner(SigningCommand((str(program),), timeout), public)

    async def begin(self) -> None:
        """A key signs, as whoever rules wants it."""
        key = await self.signer.generate(self.clock.now())
        await self.catalog.attestation_keys.replace("", key, self.api.by)

    async def rule(self, path: str = "", **body: bool) -> None:
        await self.api.management.settings.put(self.root, "receipt-rule", "set", body, 0, path)

    @property
    def root(self) -> Caller:
        """Who rules."""
        return self._root

    async def push(self, repository: str, what: Pushable, *tags: str) -> None:
        await Scene(self.catalog, at=self.clock.now()).push(
            RepositoryName(repository), what, *(Tag(tag) for tag in tags)
        )

    async def follow(self) -> int:
        """What happened is taken in; how many events."""
        lease = await self.api.catalog.leases.acquire(known.STATEMENTS.job, "me", now=self.clock.now(), until=_FAR)
        assert lease is not None
        return await self._intake.step(lease)

    async def work(self, hold: Callable[[Any], Any] = lambda part: part) -> str:
        """The job runs once; what it says."""
        nothing = dict.fromkeys(Job.__struct_fields__, 0)
        run = Run(Job(**{**nothing, "kind": ATTESTING.kind, "lease_until": _FAR}), self.clock)
        attaching = AttestationAttaching(
            hold(self.catalog.manifests),
            hold(self.content.manifests),
            hold(self.content.uploads),
            hold(self.catalog.held_pushes),
        )
        attesting = Attesting(
            hold(self.catalog.attestation_keys),
            hold(self.signer),
            hold(self.catalog.statements),
            attaching,
            self.api.catalog.queue.jobs,
            self.clock,
            self.counted.append,
        )
        return await attesting.run(run)

    async def referrers(self, repository: str, what: Pushable) -> int:
        found = await self.catalog.browse.referrers(RepositoryName(repository), what.digest, None, PageRequest())
        return len(found.items)

    async def layers(self, repository: str, what: Pushable) -> list[dict[str, Any]]:
        """Below the tag where cosign looks."""
        tag = Tag(f"sha256-{what.digest.hex}.att")
        found = await self.catalog.manifests.resolve(RepositoryName(repository), tag)
        return msgspec.json.decode(found.content)["layers"] if found is not None else []

    async def events(self, *kinds: str) -> list[tuple[str, str, str]]:
        return [
            (event.kind, event.repository, event.detail)
            for event in await self.catalog.outbox.events(0, 10_000)
            if event.kind in kinds
        ]


async def attests() -> Attests:
    """With a key, where everything is attested."""
    api = await registry(KINDS)
    account = await api.identity.accounts.get("root")
    assert account is not None
    made = Attests(api, account.id)
    await made.begin()
    await made.rule()
    return made
