"""Images whose readers the system ends, short of memory: they are tried so often, then that is said, and not kept."""

import sys
from pathlib import Path

import msgspec
import pytest

from orlop.adapters.inside.documents.process import ProcessDocumentReader
from orlop.adapters.inside.process import ProcessLayerReader
from orlop.domain.durations import DAY
from orlop.domain.inside.sbom_rules import SBOM_RULES, AttachedCount, SbomRule
from orlop.domain.names import RepositoryName
from orlop.ports.by import By
from orlop.ports.settings import Document
from orlop.services.access.standing import AccountStanding
from orlop.services.inside.attaching import Attaching
from orlop.services.inside.documents import AttachedDocuments
from orlop.services.inside.reading import ImageReading
from orlop.services.settings.in_force import SettingsInForce
from tests.content import Pushable
from tests.registry import HandClock, Registry, in_memory
from tests.wire.test_sboms import BASH, CYCLONEDX, cyclonedx, holding, own

APP = RepositoryName("team/app")
PAD = "pkg:npm/left-pad@1.3.0"


class Scene:
    """A registry in memory that reads what is pushed when it is told to."""

    def __init__(self) -> None:
        self.clock = HandClock()
        made = in_memory(self.clock)
        self.registry, self.catalog = Registry(made.stores, self.clock), made.rows.catalog
        registry, catalog = self.registry, self.catalog
        documents = AttachedDocuments(
            catalog.insides,
            catalog.manifests,
            registry.referrers,
            catalog.holdings,
            registry.blobs,
            SettingsInForce(made.rows.identity.documents, made.rows.settings_changes),
            ProcessDocumentReader(),
            AccountStanding(made.rows.identity.accounts, made.rows.identity.facts, self.clock),
            self.clock,
        )
        attaching = Attaching(
            catalog.insides,
            documents,
            catalog.manifests,
            catalog.browse,
            catalog.holdings,
            catalog.cached_content,
            registry.manifests,
            registry.uploads,
            self.clock,
            "1",
        )
        jobs = made.rows.queue.jobs
        layers = ProcessLayerReader()
        self.reading = ImageReading(
            catalog.insides, catalog.manifests, registry.blobs, layers, documents, attaching, jobs, self.clock
        )

    async def rule(self, rule: SbomRule) -> None:
        body = msgspec.json.encode(rule)
        await self.registry.documents.put(Document(SBOM_RULES.kind, "a", body), By("alice", self.clock.now()))

    async def read(self, image: Pushable) -> list[tuple[str, tuple[str, ...]]]:
        """Have it read as often as it is tried; after each time its state, and what of it could not be read."""
        images, told = self.catalog.insides.images, []
        await images.again(image.digest, self.clock.now())
        while claimed := await images.claim(self.clock.now(), self.clock.now() + DAY, 1):
            await self.reading.read(claimed[0])
            found = await images.of(image.digest)
            assert found is not None
            told.append((found.state.name, found.unread))
            self.clock.at += DAY
        return told

    async def purls(self, image: Pushable) -> set[str]:
        return {each.purl for each in await self.catalog.insides.images.packages(image.digest)}


@pytest.fixture
def ended(tmp_path: Path) -> str:
    """A program that is ended as the system does it."""
    program = tmp_path / "ended"
    program.write_text("#!/bin/sh\nkill -KILL $$\n")
    program.chmod(0o700)
    return str(program)


async def test_a_layer(ended: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, image = Scene(), own("ended")
    await scene.registry.push(APP, image)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", ended)
        told = await scene.read(image)
    why = "the process that reads layers was ended by the system, or did not start"
    assert told[:-1] == [("WAITING", (why,))] * 5
    assert told[-1] == ("READ", (f"layer 1 of 2: {why}", f"layer 2 of 2: {why}"))
    assert await scene.read(image) == [("READ", ())]
    assert await scene.purls(image) == {BASH}


async def test_a_document(ended: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, image = Scene(), own("documented")
    await scene.registry.push(APP, image)
    assert await scene.read(image) == [("READ", ())]
    await scene.rule(SbomRule(attached=AttachedCount.BESIDE, pushed_by=("alice",)))
    await scene.registry.push(APP, holding(cyclonedx(PAD), CYCLONEDX, subject=image, artifact_type=CYCLONEDX))
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", ended)
        told = await scene.read(image)
    why = "the process that reads documents was ended by the system, or did not start"
    assert told[:-1] == [("WAITING", (why,))] * 5
    state, [unread] = told[-1]
    assert (state, unread.endswith(f": {why}")) == ("READ", True)
    assert await scene.purls(image) == {BASH}
    assert await scene.read(image) == [("READ", ())]
    assert await scene.purls(image) == {BASH, PAD}
