"""Collection by the clock: what one run does with a grace, and without one."""

import pytest

from orlop.domain.names import RepositoryName, Tag
from tests.content import image
from tests.registry import ALICE, GRACE, HandClock, Registry, in_memory

APP = RepositoryName("app")


class TickingClock(HandClock):
    """A clock that moves by itself: no two readings are the same."""

    def now(self) -> int:
        """See ports.clock.Clock."""
        self.at += 1
        return self.at


async def registry_with_garbage() -> Registry:
    """A registry in which a manifest was deleted a moment ago."""
    clock = TickingClock()
    registry = Registry(in_memory(clock).stores, clock)
    pushed = image("app", layers=["base", "code"])
    await registry.push(APP, pushed, Tag("v1"))
    await registry.manifests.delete(APP, pushed.digest, ALICE)
    return registry


@pytest.mark.parametrize("grace", [0, GRACE])
async def test_without_a_grace_one_run_removes_everything(grace: int) -> None:
    registry = await registry_with_garbage()
    done = await registry.collection.run(grace)
    assert done.removed == (0 if grace else 3)
    assert (await registry.collection.run(grace)).removed == 0


async def test_a_blob_keeps_for_a_grace_as_a_loose_link_and_for_another_without_one() -> None:
    registry = await registry_with_garbage()
    runs = []
    for _ in range(3):
        registry.clock.at += GRACE
        done = await registry.collection.run(GRACE)
        runs.append((done.condemned, done.removed))
    assert runs == [(3, 0), (0, 3), (0, 0)]
