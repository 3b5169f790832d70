"""A newer assembler and a newer matcher: images are told anew by what is kept of them, and no layer is read again."""

import sys

import pytest

from orlop.domain.inside.matching import MATCHER_VERSION
from orlop.ports.by import By
from orlop.services.advisories import matching
from orlop.services.advisories.affected import Affected
from orlop.services.advisories.matching import Matching
from orlop.services.inside import reading
from tests.contract.advisories import advisory, batch
from tests.unit.inside.test_reading import APP, Scene, ended
from tests.wire.test_sboms import BASH, own

__all__ = ["ended"]


async def test_images_are_put_together_and_matched_anew_and_no_layer_is_read(
    ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, image = Scene(), own("upgraded")
    await scene.registry.push(APP, image)
    assert await scene.read(image) == [("READ", ())]
    store, images, clock = scene.catalog.advisories, scene.catalog.insides.images, scene.clock
    await store.advisories.store("hand", batch(advisory("TEST-1", "bash", "5.3")))
    affected = Affected(store.vulnerable, scene.catalog.retention.in_use)
    match = Matching(store.matches, affected, lambda: By("system", clock.now()))
    assert (await match.step()).packages == 1
    assert [one.fixed for one in await store.vulnerable.findings(image.digest, 9)] == ["5.3"]

    monkeypatch.setattr(sys, "executable", ended)  # what would read a layer now ends without a word
    newer = reading.ASSEMBLER_VERSION + 1
    monkeypatch.setattr(reading, "ASSEMBLER_VERSION", newer)
    assert await images.older(newer, clock.now(), 9) == 1
    [claimed] = await images.claim(clock.now(), clock.now() + 1_000_000, 9)
    assert await scene.reading.read(claimed)
    assert await scene.purls(image) == {BASH}
    assert await images.older(newer, clock.now(), 9) == 0

    monkeypatch.setattr(matching, "MATCHER_VERSION", MATCHER_VERSION + 1)
    monkeypatch.setattr(matching, "hits", lambda rows: [])  # a matcher that knows better
    done = await match.step()
    assert (done.advisories, done.packages) == (1, 1)
    assert await store.vulnerable.findings(image.digest, 9) == ()
    again = await match.step()
    assert (again.advisories, again.packages) == (0, 0)
