"""Matching after an upgrade: a newer matcher looks at everything that is known once more, and at no layer."""

import pytest

from orlop.adapters.sql.memory import open_memory
from orlop.domain.inside.matching import MATCHER_VERSION
from orlop.services.advisories import matching
from tests.catalogs import rows
from tests.contract.advisories import ONE, SSL, ZLIB, advisory, batch, hold, matcher
from tests.contract.scene import Scene


async def test_a_newer_matcher_finds_anew_without_reading_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_memory()
    scene, store = Scene(opened.catalog), opened.catalog.advisories
    digest = await hold(opened.catalog, scene, ONE, SSL, ZLIB)
    records = advisory("TEST-1", "openssl9", "3.0.2-1"), advisory("TEST-2", "zlib9", "1.3")
    await store.advisories.store("osv", batch(*records))
    service = matcher(opened.catalog, scene)
    await service.step()
    found = await store.vulnerable.findings(digest, 10)
    assert {one.id for one in found} == {"TEST-1", "TEST-2"}
    # As an older matcher would have left it: one is missing, and one is wrong.
    rows(opened, "DELETE FROM findings WHERE advisory_id = 1")
    rows(opened, "UPDATE findings SET fixed = '9', severity = 'low'")
    assert (await service.step()).packages == 0, "nothing is looked at again by the same one"
    scene.at += 1
    monkeypatch.setattr(matching, "MATCHER_VERSION", MATCHER_VERSION + 1)
    done = await service.step()
    assert (done.advisories, done.packages) == (2, 2)
    assert await store.vulnerable.findings(digest, 10) == found
    assert (await service.step()).joined(await service.step()) == matching.Matched()
    assert await opened.catalog.insides.images.claim(scene.at, scene.at + 1_000, 10) == (), "no image waits to be read"
