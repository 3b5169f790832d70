"""What needs a caller: every kind of it, who is told, and in which words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from orlop.domain.access import Caller, Subject
from orlop.domain.durations import DAY
from orlop.domain.job_kinds import VERIFICATION
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.queue import JobStep, Order
from orlop.domain.retention.plans import PlanFigures
from orlop.ports.advisories import AdvisorySource, ToldImage
from orlop.ports.catalog import By
from orlop.ports.following import FollowerState
from orlop.ports.identity import Document, Secret
from orlop.ports.queue import Ending, Held
from orlop.services.attention.sources import ENDING
from orlop.services.following.known import WEBHOOKS
from tests.api.harness import KINDS, Api, registry
from tests.catalogs import rows
from tests.content import image
from tests.contract.endings import exception
from tests.contract.scene import Scene

pytestmark = pytest.mark.slow

EVERYBODY = ("root", "aud", "ann", "bob", "eve", "robot+team")


@pytest.fixture
def api(runner: Any) -> Iterator[Api]:
    made = runner.run(registry(KINDS))
    yield made
    made.close()


async def told(api: Api, who: str) -> list[dict[str, str]]:
    answer = await api.ask("GET", "/attention", who)
    assert answer.status == 200, answer.body
    found: list[dict[str, str]] = answer.json()
    return found


async def who_is_told(api: Api, kind: str) -> set[str]:
    """Those whom something of a kind is told."""
    return {who for who in EVERYBODY if any(each["kind"] == kind for each in await told(api, who))}


async def test_nothing_needs_anybody_at_first(api: Api) -> None:
    for who in EVERYBODY:
        assert await told(api, who) == []


async def test_a_quota_that_is_nearly_used_up(api: Api) -> None:
    await api.repository("team/second")
    await api.identity.documents.put(Document("quota", "small", b'{"repositories": 2}', path="team"), api.by)
    assert await who_is_told(api, "quota") == {"root", "aud", "ann"}
    [concern] = await told(api, "ann")
    assert concern == {
        "kind": "quota",
        "severity": "error",
        "text": "the quota small of team/ has 2 repositories of 2 repositories in use, 100 %",
        "place": "team",
        "name": "small",
        "page": "/r/team/-/usage",
    }
    await api.identity.documents.put(
        Document("quota", "small", b'{"repositories": 4, "warn": 50}', path="team"), api.by
    )
    assert [each["severity"] for each in await told(api, "ann")] == ["warning"]
    await api.identity.documents.put(Document("quota", "small", b'{"repositories": 4}', path="team"), api.by)
    assert await told(api, "ann") == []


async def test_an_exception_that_ends_soon(api: Api) -> None:
    last = datetime.fromtimestamp((api.now + DAY) / 1_000_000, UTC).date()  # it ends within two days
    await api.identity.documents.put(exception(str(last), "soon"), api.by)
    await api.identity.documents.put(exception(str(last + timedelta(days=30)), "later"), api.by)
    assert await who_is_told(api, "exception") == {"root", "aud", "ann"}
    [concern] = await told(api, "ann")
    assert (concern["place"], concern["name"]) == ("team", "soon")
    assert concern["text"].startswith("the exception soon of team/ ends ")
    assert concern["page"] == "/rules/exceptions/soon?path=team"


async def secret(api: Api, account: str, kind: str, name: str, within: int) -> None:
    await api.identity.secrets.add(
        Secret(account=account, kind=kind, name=name, lookup=name, hash=name, expires_at=api.now + within),
        api.by,
        at_most=10,
    )


async def test_secrets_that_expire(api: Api) -> None:
    await secret(api, "ann", "token", "laptop", 10 * DAY)
    await secret(api, "ann", "token", "later", ENDING + DAY)
    await secret(api, "ann", "refresh", "docker", DAY)
    await secret(api, "robot+team", "robot", "ci", DAY // 2)
    assert await who_is_told(api, "token") == {"ann"}
    assert await who_is_told(api, "robot-secret") == {"root", "aud", "ann"}
    first, second = await told(api, "ann")
    assert (first["severity"], first["text"]) == ("error", "the secret ci of robot+team expires within a day")
    assert first["page"] == "/robots/robot%2Bteam"
    assert (second["severity"], second["text"]) == ("warning", "your access token laptop expires in 9 days")


async def test_a_limited_token_tells_nothing_of_its_owners(api: Api) -> None:
    await secret(api, "ann", "token", "laptop", DAY)
    await api.token("ann", "limited", ())
    assert await told(api, "limited") == []


async def test_webhooks_that_fail_and_those_that_something_was_given_up_of(api: Api) -> None:
    body = b'{"url": "https://127.0.0.1:9/x", "events": ["tag.*"]}'
    kept = [
        await api.identity.documents.put(Document("webhook", "a", body, path=path), api.by) for path in ("team", "")
    ]
    for there in kept:
        fares = (there.identity, 2, api.now, 0, 0, "it is away")
        rows(api.catalog, "INSERT INTO webhook_health VALUES (?, ?, ?, ?, ?, ?)", *fares)
    assert [each["text"] for each in await told(api, "ann")] == ["the webhook a of team/ fails: it is away"]
    assert len(await told(api, "root")) == 2
    assert await who_is_told(api, "webhook") == {"root", "aud", "ann"}
    rows(api.catalog, "UPDATE webhook_health SET paused_at = 1")
    assert [each["text"] for each in await told(api, "ann")] == ["the webhook a of team/ is paused: it is away"]
    rows(api.catalog, "UPDATE webhook_health SET paused_at = 0, failures = 0")
    rows(
        api.catalog,
        "INSERT INTO deliveries (hook, lane, event, kind, facts, state, created_at, due_at, expires_at)"
        " VALUES (?, '', 1, 'tag.set', CAST('{}' AS BLOB), 'dead', 1, 1, 1)",
        kept[0].identity,
    )
    [concern] = await told(api, "ann")
    assert (concern["severity"], concern["page"]) == ("warning", "/webhooks/a?path=team")
    assert concern["text"] == "the webhook a of team/ has 1 delivery that was given up"
    await api.identity.documents.remove("webhook", "a", api.by, path="team")
    assert await told(api, "ann") == [], "of what is no more nobody can do anything"


async def test_jobs_that_failed(api: Api) -> None:
    queue = api.catalog.queue
    made = await queue.jobs.ask(Order(kind=VERIFICATION.kind), api.by)
    assert made is not None
    [job] = await queue.claims.claim([VERIFICATION], "me", now=api.now, until=api.now + DAY)
    ending = Ending(JobStep.FAIL, error="a blob is gone")
    assert await queue.claims.end(Held(job.id, job.fence), ending, now=api.now)
    assert await who_is_told(api, "job") == {"root", "aud"}
    [concern] = await told(api, "aud")
    assert concern["text"] == f"the job {job.id}, verification, failed: a blob is gone"
    assert concern["page"] == f"/jobs/{job.id}"


async def test_plans_that_nobody_applied(api: Api) -> None:
    plans = api.catalog.catalog.retention.plans
    first, second, empty = [await plans.add(path, By("ann", api.now)) for path in ("team", "team", "team-b")]
    figures = PlanFigures(tags=9, deleted_tags=3, deleted_manifests=2, bytes=2048)
    await plans.planned(first.id, figures, api.by)
    assert await told(api, "ann") == [], "a newer one is being made"
    await plans.planned(second.id, figures, api.by)
    await plans.planned(empty.id, PlanFigures(tags=9), api.by)
    assert await who_is_told(api, "retention-plan") == {"root", "aud", "ann"}
    [concern] = await told(api, "ann")
    assert concern["text"] == f"the plan {second.id} for team/ waits: it deletes 3 tags and 2 manifests, 2 KiB"
    assert (concern["severity"], concern["page"]) == ("warning", f"/plans/{second.id}")


async def test_upstreams_that_are_away(api: Api) -> None:
    body = b'{"url": "https://registry.example"}'
    there = await api.identity.documents.put(Document("upstream", "hub", body, path="team/far"), api.by)
    rows(
        api.catalog,
        "INSERT INTO upstream_states VALUES (?, 'open', 5, 9, 5, 3, 1, 0, 'no answer', 5, '[]', 0, 0, 0)",
        there.identity,
    )
    assert await who_is_told(api, "upstream") == {"root", "aud", "ann"}
    [concern] = await told(api, "ann")
    assert concern["text"] == "the upstream hub of team/far/ is away: no answer"


async def test_sources_of_advisories_that_fail_or_are_late(api: Api) -> None:
    sources = api.catalog.catalog.advisories.sources
    body = b'{"url": "https://advisories.example/all.zip", "late": "3d"}'
    await api.identity.documents.put(Document("advisory-source", "osv", body), api.by)
    assert await told(api, "root") == [], "it was not asked yet"
    await sources.tell(AdvisorySource(name="by-hand", imported_at=api.now - DAY), api.by)
    assert await told(api, "root") == [], "what somebody gave a day ago is not late"
    for source, severity, text in (
        (AdvisorySource(name="osv", imported_at=api.now - 2 * DAY), "", ""),
        (AdvisorySource(name="osv", error="no answer"), "error", "fails: no answer; it never had anything"),
        (
            AdvisorySource(name="osv", imported_at=api.now - DAY, error="no answer"),
            "warning",
            "fails: no answer; it still has what it had",
        ),
        (AdvisorySource(name="osv", imported_at=api.now - 4 * DAY), "error", "was last updated 4 days ago"),
        (
            AdvisorySource(name="osv", imported_at=api.now - 4 * DAY, error="no answer"),
            "error",
            "fails: no answer; it was last updated 4 days ago",
        ),
    ):
        await sources.tell(source, api.by)
        found = await told(api, "root")
        assert [(each["severity"], each["text"]) for each in found] == (
            [(severity, f"the source osv of advisories {text}")] if text else []
        )
    assert await who_is_told(api, "advisories") == {"root", "aud"}
    await api.identity.documents.remove("advisory-source", "osv", api.by)
    [given] = await told(api, "root")
    assert given["text"] == "the advisories of osv could not be taken in: no answer", "as of what somebody gave"


async def test_followers_that_fail(api: Api) -> None:
    await api.catalog.cursors.register(WEBHOOKS)
    await api.catalog.cursors.stumble(WEBHOOKS, 7, "it cannot be read", api.now)
    state: FollowerState = await api.catalog.cursors.state(WEBHOOKS)
    assert state.trouble is not None
    assert await who_is_told(api, "follower") == {"root", "aud"}
    [concern] = await told(api, "root")
    assert (concern["text"], concern["page"]) == (f"{WEBHOOKS.name} fails at 7: it cannot be read", "/health")


async def test_of_each_kind_only_some_are_told(api: Api) -> None:
    for number in range(30):
        await secret(api, "ann", "token", f"token-{number}", 5 * DAY + number) if number < 9 else None
        document = Document("quota", f"q{number}", b'{"repositories": 1}', path="team")
        await api.identity.documents.put(document, api.by)
    found = await told(api, "ann")
    assert [each["kind"] for each in found] == ["quota"] * 20 + ["token"] * 9


async def test_the_configuration_tells_of_no_secret(api: Api) -> None:
    answer = await api.ask("GET", "/configuration", "aud")
    values = {each["key"]: each for each in answer.json()}
    assert values["auth.url"]["source"] == "ORLOP_AUTH_URL"
    assert values["listen"] == msgspec.structs.asdict(_Shown("listen", "127.0.0.1:5000", "default")) | {
        "meaning": values["listen"]["meaning"]
    }
    assert values["blobs.secret_access_key"]["value"] == ""


async def test_what_is_new_is_of_the_repository_that_is_there(api: Api) -> None:
    ann = await api.identity.accounts.get("ann")
    assert ann is not None
    catalog, caller = api.catalog.catalog, Caller(Subject("ann", id=ann.id))
    scene = Scene(catalog, at=api.now)
    name = RepositoryName("team/plans")

    async def new() -> list[tuple[str, str]]:
        rows(api.catalog, _LOGGED)
        return [(fresh.repository, fresh.tag) for fresh in await api.desks.news.of(caller)]

    await scene.push(name, image("merger"), Tag("merger-with-acme"))
    assert await new() == [(name, "merger-with-acme")]
    await catalog.repositories.remove(name, scene.by())
    assert await new() == []
    await scene.push(name, image("public"), Tag("v1"))  # within the same microsecond, as clocks may have it
    assert await new() == [(name, "v1")]


async def test_images_that_something_critical_came_to_hit(api: Api) -> None:
    catalog = api.catalog.catalog
    scene, name, pushed = Scene(catalog, at=api.now), RepositoryName("team/hit"), image("hit")
    await scene.push(name, pushed, Tag("v1"))
    worst = "2 new findings, the worst is {}: CVE-2026-1 (the worst is critical)"
    vulnerable = catalog.advisories.vulnerable
    await vulnerable.tell([ToldImage(name, pushed.digest, worst.format("high"))], (), scene.by())
    rows(api.catalog, _LOGGED)
    assert await who_is_told(api, "vulnerability") == set()
    await vulnerable.tell([ToldImage(name, pushed.digest, worst.format("critical"))], (), scene.by())
    rows(api.catalog, _LOGGED)
    assert await who_is_told(api, "vulnerability") == {"root", "aud", "ann"}
    [concern] = [each for each in await told(api, "ann") if each["kind"] == "vulnerability"]
    assert concern["text"] == "new critical vulnerabilities hit 1 image of team/hit"
    assert concern["page"] == "/r/team/hit/-/vulnerabilities"


async def test_advisories_that_are_old_or_could_not_be_taken_in(api: Api) -> None:
    sources = api.catalog.catalog.advisories.sources
    await sources.tell(AdvisorySource(name="new", imported_at=api.now - DAY), api.by)
    assert await who_is_told(api, "advisories") == set()
    await sources.tell(AdvisorySource(name="old", imported_at=api.now - 9 * DAY), api.by)
    await sources.tell(AdvisorySource(name="bad", imported_at=api.now, error="it is no archive"), api.by)
    assert await who_is_told(api, "advisories") == {"root", "aud"}
    assert [each["text"] for each in await told(api, "root")] == [
        "the advisories of bad could not be taken in: it is no archive",
        "the advisories of old are 9 days old",
    ]


async def test_images_that_could_not_be_read(api: Api) -> None:
    scene, images, pushed = Scene(api.catalog.catalog, at=api.now), api.catalog.catalog.insides.images, image("unread")
    await scene.push(RepositoryName("team/unread"), pushed, Tag("v1"))
    await images.again(pushed.digest, api.now)
    assert await who_is_told(api, "unread-images") == set()
    [claimed] = await images.claim(api.now, api.now + DAY, 1)
    await images.unread(claimed, "layer 1 of 1: it is no archive", 1, api.now)
    assert await who_is_told(api, "unread-images") == {"root", "aud"}


#: What the log has once it has read the outbox.
_LOGGED = """INSERT INTO audit SELECT id, id, at, kind, actor, credential, address, request, repository, digest, tag,
subject, detail, times, first_at, '', 0 FROM outbox WHERE id > (SELECT coalesce(max(sequence), 0) FROM audit)"""


class _Shown(msgspec.Struct):
    key: str
    value: str
    source: str
