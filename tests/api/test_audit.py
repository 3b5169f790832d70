"""The audit log over the API: who may search it, by what, and how its pages follow one another."""

import asyncio
from collections.abc import Iterator

import pytest

from orlop.adapters.identity.heads import Ed25519Heads
from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.server.limits import admitting
from orlop.domain.access import Action, Limit
from orlop.domain.events import Event, EventKind, Origin
from orlop.faces.http.counted import Counted
from orlop.ports.clock import SECOND
from orlop.services.audit.log import JOB, AuditWriter, Keep
from orlop.services.audit.notices import Notices, Pulls
from orlop.services.limits.counters import Counters, counters_of_one
from orlop.services.limits.rates import RateLimits, Rates
from tests.api.harness import REGISTRY, Api, namespace

pytestmark = pytest.mark.slow


@pytest.fixture(name="api")
def _api(runner: asyncio.Runner) -> Iterator[Api]:
    api = runner.run(filled())
    yield api
    api.close()


async def filled() -> Api:
    """An API whose log has entries about two namespaces."""
    api = Api()
    audit, clock = api.catalog.audit, SystemClock()
    await api.account("aud", ("auditor", REGISTRY))
    await api.account("ann", ("owner", namespace("team")))
    await api.account("eve")
    await audit.writer.write(
        [
            Event(
                at=1_700_000_000 * SECOND + number,
                kind=EventKind.TAG_SET if number % 2 else EventKind.REFUSED,
                actor="ann",
                repository="team/app" if number % 2 else "other/app",
                origin=Origin("token 1", "192.0.2.1", "r1"),
            )
            for number in range(6)
        ]
    )
    writer = AuditWriter(
        api.catalog.catalog.outbox,
        audit.log,
        audit.reader,
        audit.readers,
        Ed25519Heads(audit.keys, None, clock.now),
        clock,
        Keep(),
    )
    lease = await api.catalog.leases.acquire(JOB, "one", now=0, until=1)
    assert lease is not None
    await writer.step(lease)
    return api


async def test_an_auditor_sees_everything(api: Api) -> None:
    answer = await api.ask("GET", "/audit?actor=ann", "aud")
    assert answer.status == 200
    entries = answer.json()
    assert [entry["refused"] for entry in entries] == [False, True] * 3
    assert entries[0]["at"] == "2023-11-14T22:13:20.000005Z"
    assert entries[0]["credential"] == "token 1"
    assert len(entries[0]["hash"]) == 64


async def test_an_owner_sees_what_is_about_their_namespace(api: Api) -> None:
    answer = await api.ask("GET", "/audit?place=team&kind=tag.set", "ann")
    assert answer.status == 200
    assert [entry["repository"] for entry in answer.json()] == ["team/app"] * 3
    assert (await api.ask("GET", "/audit?place=team/app", "ann")).status == 200
    kinds = {entry["kind"] for entry in (await api.ask("GET", "/audit?place=team", "ann")).json()}
    assert "grant.added" in kinds
    for target in ("/audit", "/audit?place=other", "/audit?place=te", "/audit?actor=ann"):
        assert (await api.ask("GET", target, "ann")).status == 403


async def test_nobody_else_sees_anything(api: Api) -> None:
    assert (await api.ask("GET", "/audit", "eve")).status == 403
    assert (await api.ask("GET", "/audit?place=team", "eve")).status == 403
    assert (await api.ask("GET", "/audit")).status == 401


async def test_a_narrow_token_reads_no_log(api: Api) -> None:
    await api.token("aud", "narrow", (Limit(frozenset({Action.PULL}), REGISTRY),))
    assert (await api.ask("GET", "/audit", "narrow")).status == 403


async def test_pages_follow_one_another(api: Api) -> None:
    seen: list[int] = []
    target = "/audit?actor=ann&refused=false&n=1"
    while target:
        answer = await api.ask("GET", target, "aud")
        seen += [entry["sequence"] for entry in answer.json()]
        link = answer.header("link")
        target = link.partition(">")[0][1:] if link else ""
    assert len(seen) == 3
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        "n=0",
        "n=1001",
        "last=x",
        "last=-1",
        "since=yesterday",
        "since=2023-01-01T00:00:00",
        "whatever=1",
        "refused=maybe",
    ],
)
async def test_what_is_asked_wrongly_is_refused(api: Api, query: str) -> None:
    assert (await api.ask("GET", f"/audit?{query}", "aud")).status == 400


async def test_what_the_api_refuses_is_told_and_what_it_counts_is_limited(api: Api) -> None:
    table = counters_of_one()
    limits = RateLimits(Counters(table), SystemClock().now, Rates(requests=3), Rates(), 0)
    notices = Notices(api.catalog.audit.writer, SystemClock(), lambda: 1.0, Pulls.NONE)
    api.app = api.built(Counted(admitting(limits), notices.noted))
    assert (await api.ask("GET", "/audit", "eve")).status == 403
    allowed = await api.ask("GET", "/me", "eve")
    assert allowed.header("ratelimit-policy") == '"requests-subject";q=3;w=60'
    await api.ask("GET", "/me", "eve")
    refused = await api.ask("GET", "/me", "eve")
    assert refused.status == 429
    assert refused.header("retry-after")
    assert refused.header("ratelimit").startswith('"requests-subject";r=0')
    assert (await api.ask("GET", "/me", "aud")).status == 200
    await notices.flush()
    last = (await api.catalog.catalog.outbox.events(0, 1_000))[-1]
    assert (last.kind, last.actor, last.subject) == (EventKind.REFUSED, "eve", "audit-read")
