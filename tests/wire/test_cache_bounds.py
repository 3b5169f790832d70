"""What a namespace that shows an upstream keeps of it: bounded, counted as cache, and fetched again when it is gone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.bootstrap.clocks import SystemClock
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.queue import Job, JobState, Order
from orlop.domain.quotas import Usage
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.ports.catalog import By, Overdue
from tests.content import Piece, blob, image, index
from tests.wire.shown import APP, HERE, Scene, scaled_out, scene

BASE, CODE, MORE = blob("base", 700), blob("code", 5_000), blob("more", 5_000)
ONE, TWO = image("one", [BASE, CODE]), image("two", [BASE, MORE])
HOUR, DAY = 3600, 24 * 3600


@pytest.fixture(name="shown", params=["disk", pytest.param("scaled out", marks=pytest.mark.slow)])
def _shown(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    changes: dict[str, Any] = {}
    if request.param == "scaled out":
        changes = scaled_out(request.getfixturevalue("bucket"), request.getfixturevalue("postgres").catalog())
    with scene(tmp_path / "data", monkeypatch, **changes) as made:
        yield made


def usage(shown: Scene, path: str) -> Usage:
    """What lies at a path."""
    found = shown.registry.run(shown.registry.stores.catalog.usages.of([path], 0))
    return found[path][0] if path in found else Usage()


def done(shown: Scene, kind: str, **more: Any) -> str:
    """What a job said at its end."""
    jobs = shown.registry.stores.queue.jobs
    asked = shown.registry.run(jobs.ask(Order(kind=kind, **more), By("admin", SystemClock().now())))
    assert asked is not None

    def state() -> Job:
        found = shown.registry.run(jobs.get(asked.id))
        assert found is not None
        return found

    shown.until(f"{kind} is done", lambda: state().state is JobState.DONE)
    return state().result


def findings(shown: Scene) -> list[Any]:
    """What verification finds wrong in the catalog."""

    async def found() -> list[Any]:
        return [each async for each in shown.registry.stores.catalog.inspection.findings(Overdue(0, 0))]

    return shown.registry.run(found())


def again(shown: Scene, what: Any, tag: str, repository: str = HERE) -> None:
    """It is pulled once more, whatever is here of it."""
    shown.pull(what, tag, repository=repository)
    assert findings(shown) == []


def test_what_is_beyond_the_bound_goes_and_is_fetched_again(shown: Scene) -> None:
    upstream = shown.upstream
    shown.show(cache_bytes="10000")
    upstream.push(APP, index("all", [ONE]), "1")
    upstream.push(APP, TWO, "2")
    shown.pull(index("all", [ONE]), "1")
    first = usage(shown, "hub").cached_bytes
    shown.later(HOUR)
    shown.pull(TWO, "2")
    shown.later(2 * HOUR)
    assert usage(shown, "hub").cached_bytes > 10_000
    done(shown, "cache-expiry")  # or one that came by itself
    assert usage(shown, "hub").cached_bytes < 9_000
    assert [name for name in ("1", "2") if _is_here(shown, name)] == ["2"]
    assert findings(shown) == []
    assert done(shown, "cache-expiry") == "everything that is cached is within its bounds"
    upstream.forget()
    again(shown, index("all", [ONE]), "1")
    assert upstream.count("GET", "/manifests/") == 2
    assert usage(shown, "hub").cached_bytes > first
    events = shown.registry.run(shown.registry.stores.catalog.outbox.events(0, 1000))
    assert {each.actor for each in events if each.kind.value.endswith("deleted")} == {"upstream:hub"}
    metrics = shown.ask("GET", "/metrics").body.decode()
    (evicted,) = [line for line in metrics.splitlines() if line.startswith("orlop_upstream_evicted_bytes_total{")]
    assert float(evicted.split()[-1]) > 5_000


def test_what_nobody_pulled_for_long_goes_with_the_blobs_that_nobody_else_has(shown: Scene) -> None:
    shown.show(unused="30d")
    shown.upstream.push(APP, ONE, "1")
    shown.upstream.push(APP, TWO, "2")
    shown.pull(ONE, "1")
    shown.later(20 * DAY)
    shown.pull(TWO, "2")
    shown.later(20 * DAY)
    done(shown, "cache-expiry")
    assert not shown.is_kept(CODE)
    assert shown.is_kept(BASE)
    shown.later(20 * DAY)
    done(shown, "cache-expiry")
    assert usage(shown, "hub") == Usage(repositories=1)
    again(shown, TWO, "2")


def test_a_cache_is_emptied_also_when_its_upstream_is_removed(shown: Scene) -> None:
    shown.show()
    shown.upstream.push(APP, ONE, "1")
    shown.pull(ONE, "1")
    documents = shown.registry.stores.identity.documents
    known = shown.registry.run(documents.get(UPSTREAMS.kind, "hub", "hub"))
    assert known is not None
    shown.registry.run(documents.remove(UPSTREAMS.kind, "hub", By("admin", 1), path="hub"))
    assert shown.manifest("1").status == 200, "what is cached stays"
    said = done(shown, "clear-cache", place="hub", arguments={"upstream": "hub"})
    assert said.startswith("1 manifest and 1 tag of hub/ are removed")
    assert shown.manifest("1").status == 404
    assert findings(shown) == []


def test_a_team_has_its_room_for_itself_and_a_quota_of_the_cache_limits_what_is_kept(shown: Scene) -> None:
    upstream, here = shown.upstream, f"team/hub/{APP}"
    shown.show(path="team/hub")
    shown.set("quota", "small", "team", {"bytes": "1KiB", "tags": 1})
    upstream.push(APP, ONE, "1")
    upstream.push(APP, TWO, "2")
    shown.pull(ONE, "1", repository=here)
    assert usage(shown, "team") == Usage(cached_bytes=usage(shown, "team/hub").stored_bytes)
    shown.set("quota", "full", "team/hub", {"bytes": str(usage(shown, "team/hub").stored_bytes + 2_000)})
    assert shown.manifest("2", repository=here).status == 200
    found = shown.blob(MORE, repository=here)
    assert (found.status, found.body) == (200, MORE.content), "it is passed on, and not kept"
    assert not shown.is_kept(MORE, here)
    assert findings(shown) == []


@pytest.mark.parametrize("how", ["rotten", "lost"])
def test_a_cached_blob_that_is_damaged_is_fetched_again(shown: Scene, how: str) -> None:
    shown.show()
    shown.upstream.push(APP, ONE, "1")
    shown.pull(ONE, "1")
    _damage(shown, CODE, how)
    shown.upstream.forget()
    found = shown.blob(CODE)
    assert (found.status, found.body) == (200, CODE.content)
    assert shown.upstream.counted() == {f"/v2/{APP}/blobs/{CODE.digest}": 1}
    shown.until_kept(CODE)
    again(shown, ONE, "1")


def _damage(shown: Scene, piece: Piece, how: str) -> None:
    stores = shown.registry.stores
    linked = shown.registry.run(stores.catalog.links.find(RepositoryName(HERE), piece.digest))
    assert linked is not None
    if how == "lost":
        shown.registry.run(stores.blobs.remover.remove(linked.blob.key))
    else:
        shown.registry.run(stores.catalog.quarantine.add(linked.blob.key, "it is damaged", By("scrub", 1)))


def _is_here(shown: Scene, tag: str) -> bool:
    found = shown.registry.run(shown.registry.stores.catalog.manifests.resolve(RepositoryName(HERE), Tag(tag)))
    return found is not None
