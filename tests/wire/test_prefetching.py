"""Prefetches of an upstream that is a real registry: what comes, by which platforms, and as far as its budget goes."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog

from orlop.bootstrap.server.services import Services, build_services
from orlop.bootstrap.server.upstreams import prefetching
from orlop.config.outbound import Outbound
from orlop.domain.job_kinds import PREFETCH
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest
from orlop.domain.queue import Job, JobState, Order
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from orlop.services.jobs.work import Run
from orlop.telemetry.metrics import Metrics
from tests.content import Pushable, artifact, image, platform_index
from tests.serving import Server, serving
from tests.wire.between import Between, Mood
from tests.wire.inprocess import InProcess

pytestmark = pytest.mark.slow

ONE, TWO, MANY = image("one", ["base", "code"]), image("two", ["base", "more"]), platform_index()
SIGNATURE = artifact("signature", subject=ONE)


@pytest.fixture(name="between", scope="module")
def _between(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Between]:
    with serving(tmp_path_factory.mktemp("origin")) as server:
        for what, name, tag in (
            (ONE, "team/app", "1-slim"),
            (TWO, "team/app", "2-slim"),
            (TWO, "team/app", "2"),
            (MANY, "team/many", "1"),
        ):
            push(server, name, what, tag)
        push(server, "team/app", SIGNATURE, SIGNATURE.digest)
        with Between(f"http://127.0.0.1:{server.port}") as between:
            yield between


@pytest.fixture(name="registry")
def _registry(between: Between) -> Iterator[InProcess]:
    between.mood, between.headers = Mood.FINE, {}
    with structlog.testing.capture_logs(), InProcess(None, outbound=Outbound(networks="127.0.0.0/8")) as registry:
        body = msgspec.json.encode({"url": between.url})
        document = Document(UPSTREAMS.kind, "hub", body, path="hub")
        registry.run(registry.stores.identity.documents.put(document, By("root", 1), rights=False))
        yield registry


def push(server: Server, repository: str, what: Pushable, tag: str) -> None:
    for pushable in what.everything():
        for piece in pushable.blobs:
            posted = server.ask("POST", f"/v2/{repository}/blobs/uploads/?digest={piece.digest}", piece.content)
            assert posted.status == 201
        reference = tag if pushable is what else pushable.digest
        target = f"/v2/{repository}/manifests/{reference}"
        assert server.ask("PUT", target, pushable.content, content_type=pushable.media_type).status == 201


#: The worker of the registry leaves jobs alone whose time does not come.
_NEVER = 1 << 60


def prefetch(registry: InProcess, *images: str, **more: Any) -> str:
    """What a job says at its end."""

    async def run() -> str:
        stores = registry.stores
        services: Services = build_services(registry.settings, stores, stores.blobs.reader, Metrics())
        try:
            arguments = {"upstream": "hub", "images": images, **more}
            order = Order(kind=PREFETCH.kind, arguments=arguments, place="hub", not_before=_NEVER)
            made = await stores.queue.jobs.ask(order, By("root", 1))
            assert made is not None
            job: Job = msgspec.structs.replace(made, lease_until=1 << 62)
            run = Run(job, _Standing())
            return await prefetching(stores, services.shown).do(run)
        finally:
            await services.close()

    return registry.run(asyncio.wait_for(run(), 60))


class _Standing:
    """It is always the same time."""

    def now(self) -> int:
        return 1


def is_here(registry: InProcess, name: str, what: Pushable) -> bool:
    """Whether a manifest and its blobs are cached."""
    catalog, repository = registry.stores.catalog, RepositoryName(name)
    blobs = [registry.run(catalog.links.find(repository, piece.digest)) for piece in what.blobs]
    return registry.run(catalog.manifests.resolve(repository, what.digest)) is not None and all(blobs)


def test_tags_that_fit_come_with_everything(registry: InProcess, between: Between) -> None:
    assert prefetch(registry, "team/app:*-slim").startswith("2 of 2 images are here: 5 blobs of ")
    between.mood = Mood.ILL
    for tag, what in (("1-slim", ONE), ("2-slim", TWO)):
        assert registry.ask("GET", f"/v2/hub/team/app/manifests/{tag}").body == what.content
        for piece in what.blobs:
            assert registry.ask("GET", f"/v2/hub/team/app/blobs/{piece.digest}").body == piece.content
    assert registry.ask("GET", "/v2/hub/team/app/manifests/2").status == 503, "nobody asked for it"
    assert registry.ask("GET", "/v2/hub/team/app/referrers/" + ONE.digest).json()["manifests"] == []


def test_of_an_index_only_the_platforms_that_are_wanted_come(registry: InProcess) -> None:
    prefetch(registry, "team/many:1", platforms=["linux/amd64"])
    amd64, arm64 = MANY.children
    assert is_here(registry, "hub/team/many", MANY)
    assert is_here(registry, "hub/team/many", amd64)
    assert not is_here(registry, "hub/team/many", arm64)


def test_what_refers_to_an_image_comes_where_it_is_wanted(registry: InProcess) -> None:
    prefetch(registry, f"team/app@{ONE.digest}", referrers=True)
    assert is_here(registry, "hub/team/app", SIGNATURE)


def test_what_is_not_there_is_told_and_the_rest_comes(registry: InProcess) -> None:
    said = prefetch(registry, "team/none:*", "team/app:none", "team/app:2")
    assert said.startswith("1 of 2 images are here: ")
    assert "; 2 could not be fetched, the first: team/none: " in said


def test_another_job_goes_on_when_the_budget_is_used_up(registry: InProcess, between: Between) -> None:
    between.headers = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "10;w=21600"}
    said = prefetch(registry, "team/app:*")
    assert "what is left is kept for what was never pulled" in said
    later = [
        job
        for job in registry.run(registry.stores.queue.jobs.page(PageRequest(10))).items
        if job.state is JobState.WAITING and job.asked_at < job.not_before < _NEVER
    ]
    assert [job.arguments["images"] for job in later] == [["team/app:*"]]
    assert f"job {later[0].id} goes on in 21" in said
