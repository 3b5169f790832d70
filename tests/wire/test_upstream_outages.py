"""What clients get while an upstream is busy, ill, silent or offline by its setting; it is a real registry."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog

from orlop.config.outbound import Outbound
from orlop.config.settings import CatalogStore
from orlop.domain.events import EventKind
from orlop.domain.upstreams.state import UpstreamState
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from tests.content import Pushable, image
from tests.serving import Server, serving, unhurried
from tests.wire.answer import Answer
from tests.wire.between import Between, Mood
from tests.wire.inprocess import InProcess

pytestmark = pytest.mark.slow

ONE, TWO = image("one", ["base", "code"]), image("two", ["base", "more"])


@pytest.fixture(name="origin", scope="module")
def _origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("origin")) as server:
        push(server, "team/app", ONE, "1")
        push(server, "team/app", TWO, "2")
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(name="between")
def _between(origin: str) -> Iterator[Between]:
    with Between(origin) as between:
        yield between


@pytest.fixture(name="registry", params=["memory", "postgres"])
def _registry(request: pytest.FixtureRequest) -> Iterator[InProcess]:
    changes: dict[str, Any] = {"outbound": Outbound(networks="127.0.0.0/8")}
    if request.param == "postgres":
        changes["catalog"] = CatalogStore(request.getfixturevalue("postgres").catalog())
    with structlog.testing.capture_logs(), InProcess(None, **changes) as registry:
        yield registry


def push(server: Server, repository: str, what: Pushable, tag: str) -> None:
    for piece in what.blobs:
        posted = server.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={piece.digest}", piece.content)
        assert posted.status == 201
    put = server.ask("PUT", f"/v2/{repository}/manifests/{tag}", what.content, content_type=what.media_type)
    assert put.status == 201


def show(registry: InProcess, between: Between, **fields: Any) -> None:
    """Have `hub/` show it; what was said of a tag holds for a second."""
    body = msgspec.json.encode({"url": between.url, "fresh": "1s", **fields})
    document = Document(UPSTREAMS.kind, "hub", body, path="hub")
    registry.run(registry.stores.identity.documents.put(document, By("root", 1), rights=False))


def pull(registry: InProcess, reference: str, method: str = "GET") -> Answer:
    return registry.ask(method, f"/v2/hub/team/app/manifests/{reference}")


def stale() -> None:
    """What was said of a tag does not hold any more."""
    time.sleep(1.05)


def state(registry: InProcess) -> UpstreamState:
    [(_, found)] = registry.run(registry.stores.catalog.upstream_states.all())
    return found


def changes(registry: InProcess) -> list[str]:
    events = registry.run(registry.stores.catalog.outbox.events(0, 1000))
    return [event.kind.value for event in events if event.kind in {EventKind.UPSTREAM_AWAY, EventKind.UPSTREAM_BACK}]


def test_a_cached_tag_is_served_while_the_upstream_answers_429(registry: InProcess, between: Between) -> None:
    show(registry, between)
    assert pull(registry, "1").status == 200
    stale()
    between.mood = Mood.BUSY
    before = len(between.seen)
    for _ in range(3):
        found = pull(registry, "1")
        assert (found.status, found.body) == (200, ONE.content)
        assert "429" in found.header("warning") or "too many requests" in found.header("warning")
    assert len(between.seen) == before + 1, "an account that got 429 is left alone for as long as it said"
    refused = pull(registry, "2")
    assert refused.status == 429
    assert int(refused.header("retry-after")) in range(20, 31)
    assert len(between.seen) == before + 1
    assert changes(registry) == [], "who is busy is not away"


def test_a_silent_upstream_costs_one_client_little_and_all_others_nothing(
    registry: InProcess, between: Between
) -> None:
    show(registry, between)
    assert pull(registry, "1").status == 200
    stale()
    between.mood = Mood.SILENT
    before, began = len(between.seen), time.monotonic()
    found = pull(registry, "1")
    assert (found.status, found.body) == (200, ONE.content)
    assert "did not answer in time" in found.header("warning")
    assert time.monotonic() - began < unhurried(10), "not as long as nothing comes"
    for _ in range(20):
        assert pull(registry, "1").body == ONE.content
    assert len(between.seen) == before + 1


def test_an_ill_upstream_is_away_and_what_is_cached_is_served(registry: InProcess, between: Between) -> None:
    show(registry, between)
    assert pull(registry, "1").status == 200
    between.mood = Mood.ILL
    for _ in range(4):
        assert pull(registry, "2").status == 503
    before = len(between.seen)
    stale()
    assert pull(registry, "1").body == ONE.content
    refused = pull(registry, "2")
    assert refused.status == 503
    assert "is away" in refused.json()["errors"][0]["message"]
    assert int(refused.header("retry-after")) in range(1, 6)
    assert len(between.seen) == before, "nobody is sent there while it is known to be away"
    assert changes(registry) == ["upstream.away"]
    found = state(registry)
    assert found.breaker.away_since > found.last_ok_at > 0
    assert "503" in found.last_error


def test_an_upstream_that_is_offline_by_its_setting_is_left_alone(registry: InProcess, between: Between) -> None:
    show(registry, between)
    assert pull(registry, "1").status == 200
    show(registry, between, offline=True)
    before = len(between.seen)
    stale()
    found = pull(registry, "1")
    assert (found.status, found.body) == (200, ONE.content)
    assert pull(registry, "2").status == 503
    assert len(between.seen) == before


def test_the_last_tenth_of_a_budget_is_for_what_was_never_pulled(registry: InProcess, between: Between) -> None:
    show(registry, between)
    between.headers = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "9;w=21600"}
    assert pull(registry, "1").status == 200
    for _ in range(500):  # what one worker was told all others know within a second
        if any(found.budgets for _, found in registry.run(registry.stores.catalog.upstream_states.all())):
            break
        registry.run(asyncio.sleep(0.02))
    stale()
    before = len(between.seen)
    assert pull(registry, "1").body == ONE.content
    assert len(between.seen) == before, "whether a tag moved can wait"
    assert pull(registry, "2").body == TWO.content
    assert len(between.seen) > before
