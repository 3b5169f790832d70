"""What is kept of layers and findings is made anew, and every difference is named."""

import zlib
from typing import Any

import msgspec
import pytest

from orlop.adapters.inside.process import ProcessLayerReader
from orlop.domain import media_types
from orlop.domain.inside.layers import LayerFacts
from orlop.domain.names import Tag
from orlop.ports.inside import READER_VERSION, LayerPacking
from orlop.services.stores.verify_inside import InsideDepth, InsideReport, InsideVerification
from tests.catalogs import rows
from tests.content import Piece, image
from tests.contract.advisories import ONE, SSL, ZLIB, advisory, batch, hold, matcher
from tests.contract.scene import APP, V1, Scene
from tests.registry import Damageable, HandClock, Registry, in_memory
from tests.unit.inside.streams import files

STATUS = b"Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n"
LAYER = Piece("layer", media_types.OCI_LAYER, files({"var/lib/dpkg/status": STATUS, "etc/.wh.motd": b"", "a": b"b"}))


class Stored:
    """A registry with an image that was read."""

    def __init__(self) -> None:
        clock = HandClock()
        self.inside: Damageable = in_memory(clock)
        self.registry = Registry(self.inside.stores, clock)
        self.catalog = self.inside.stores.catalog

    async def read(self) -> LayerFacts:
        """Push and read it."""
        await self.registry.push(APP, image("one layer", [LAYER]), V1)

        async def pieces() -> Any:
            yield LAYER.content

        facts = await ProcessLayerReader().facts(pieces(), LayerPacking.TAR)
        await self.keep(facts)
        return facts

    async def keep(self, facts: LayerFacts) -> None:
        await self.catalog.insides.layers.keep(LAYER.digest, READER_VERSION, facts, 1)

    async def verified(self, depth: InsideDepth = InsideDepth.ALL, *, quick: bool = False) -> InsideReport:
        """With a sample from the beginning on."""
        looking = InsideVerification(
            self.catalog.inside_inspection, self.inside.stores.reader, ProcessLayerReader(), lambda _: 0
        )
        return await looking.run(depth, quick=quick)

    async def said(self) -> list[str]:
        report = await self.verified()
        assert {each.invariant for each in report.findings} <= {11}
        return [f"{each.where}: {each.what}" for each in report.findings]


async def test_a_layer_is_read_anew_and_what_is_kept_of_it_wrongly_is_named() -> None:
    stored = Stored()
    facts = await stored.read()
    assert facts.removed == ("etc/motd",)
    for depth in (InsideDepth.SAMPLE, InsideDepth.ALL):
        report = await stored.verified(depth)
        assert (report.layers, report.findings) == (1, [])
    assert (await stored.verified(InsideDepth.NONE)).layers == 0
    assert (await stored.verified(quick=True)).layers == 0

    [found] = facts.found
    other = msgspec.structs.replace(found.packages[0], version="2")
    where = f"layer {LAYER.digest}"
    for wrong, said in (
        (
            msgspec.structs.replace(facts, found=(msgspec.structs.replace(found, packages=(other,)),)),
            "var/lib/dpkg/status: bash 2 is kept, and not there; var/lib/dpkg/status: bash 1 is there, and not kept",
        ),
        (
            msgspec.structs.replace(facts, found=()),
            "var/lib/dpkg/status: bash 1 is there, and not kept",
        ),
        (msgspec.structs.replace(facts, removed=()), "what it removes is kept wrongly"),
        (msgspec.structs.replace(facts, files=9), "the names in it are kept wrongly"),
    ):
        await stored.keep(wrong)
        assert await stored.said() == [f"{where}: {said}"]
    rows(stored.inside.rows, "UPDATE inside_layers SET facts = ?", zlib.compress(b"\xc1"))
    assert await stored.said() == [f"{where}: what is kept of it cannot be read"]


async def test_how_far_a_layer_was_read_says_nothing() -> None:
    stored = Stored()
    facts = await stored.read()
    await stored.keep(LayerFacts(unread="it takes more time or memory to read than a layer may have"))
    assert await stored.said() == []
    await stored.keep(msgspec.structs.replace(facts, found=()))
    stored.inside.blobs.held.clear()  # of which whoever verifies blobs tells
    assert await stored.said() == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM findings", "the advisory hits the package, and that is not kept"),
        ("UPDATE findings SET fixed = '9'", "fixed in 9 is kept, and it is 3.0.2-1"),
        ("UPDATE findings SET severity = 'low'", "severity low by "),
        (
            "UPDATE findings SET package_id = (SELECT id FROM packages WHERE name = 'zlib9')",
            "it is kept that the advisory hits the package, which it does not",
        ),
    ],
)
async def test_packages_are_compared_anew_and_findings_that_differ_are_named(damage: str, said: str) -> None:
    stored = Stored()
    scene = Scene(stored.catalog)
    await hold(stored.catalog, scene, ONE, SSL, ZLIB)
    await scene.push(APP, ONE, Tag("1"))
    await stored.catalog.advisories.advisories.store("hand", batch(advisory("TEST-1", "openssl9", "3.0.2-1")))
    matching = matcher(stored.catalog, scene)
    await matching.advisories()
    await matching.packages()
    for depth in (InsideDepth.SAMPLE, InsideDepth.ALL):
        report = await stored.verified(depth, quick=True)
        assert (report.packages, report.findings) == (2, [])
    rows(stored.inside.rows, damage)
    told = await stored.said()
    assert any(each.startswith("TEST-1 in pkg:deb/debian/") and said in each for each in told), told
    rows(stored.inside.rows, "UPDATE packages SET matched = 0")  # they were not compared: nothing of them is kept
    assert await stored.said() == []
