"""Promotions as people ask for them, approve them, and are refused: rights, rules and gates of both places."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orlop.domain.days import day_number
from orlop.domain.durations import DAY, HOUR, MINUTE
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.services.promotion.work import DuePromotions
from tests.api.harness import Api, assert_problem, namespace, registry
from tests.catalogs import rows
from tests.content import Pushable, artifact, image
from tests.contract.scene import Scene

DEV, PROD = "team/dev/app", "team/prod/app"
ONE, TWO = image("one"), image("two", ["base", "more"])
GATE = {"on": ["promotion"], "require_sbom": True, "mode": "enforce"}
STAGES = ["dev=team/dev/", "staging=team/staging/", "prod=team/prod/"]


async def a_team(approvals: int = 0, **pipeline: Any) -> Api:
    """`dana` pushes to dev and pulls everywhere, `pat`, `rae` and `rob` release; DEV holds ONE as 1.5."""
    api = await registry()
    for name in ("dana", "pat", "rae", "rob"):
        await api.account(name, ("reader", namespace("team")))
        await api.grant(name, "publisher", namespace("team/dev"))
        await api.grant(name, "maintainer", namespace("team/prod"))
    await push(api, DEV, ONE, "1.5")
    body = {"stages": STAGES, **({"approvals": [f"prod={approvals}"]} if approvals else {}), **pipeline}
    await setting(api, "pipelines/app?path=team", body)
    return api


async def push(api: Api, repository: str, what: Pushable, *tags: str) -> None:
    await Scene(api.catalog.catalog, at=api.now).push(RepositoryName(repository), what, *map(Tag, tags))


async def setting(api: Api, address: str, body: dict[str, Any]) -> None:
    there = (await api.ask("GET", f"/{address}", "root")).header("etag")
    headers = {"if-match": there} if there else {"if-none-match": "*"}
    answer = await api.ask("PUT", f"/{address}", "root", body, headers=headers)
    assert answer.status < 300, answer.body


async def promote(api: Api, who: str = "dana", *images: str, stage: str = "prod") -> Any:
    body = {"images": images or (f"{DEV}:1.5",), "stage": stage}
    answer = await api.ask("POST", "/promotions", who, body)
    assert answer.status == 200, answer.body
    return answer.json()["promotion"]


async def refused(
    api: Api, who: str = "dana", *images: str, stage: str = "prod", status: int = 403, path: str = "/promotions"
) -> str:
    """The sentence of a refusal, after which all is as it was."""
    body = {"images": images or (f"{DEV}:1.5",), "stage": stage} if path == "/promotions" else None
    before = await held(api), rows(api.catalog, "SELECT count(*) FROM promotions")
    told = assert_problem(await api.ask("POST", path, who, body), status)
    assert (await held(api), rows(api.catalog, "SELECT count(*) FROM promotions")) == before
    return str(told["detail"])


async def held(api: Api) -> Any:
    return rows(api.catalog, "SELECT r.name, m.digest FROM manifests m JOIN repositories r ON r.id = m.repository_id")


async def tag_of(api: Api, tag: str = "1.5", repository: str = PROD) -> str | None:
    found = await api.catalog.catalog.manifests.resolve(RepositoryName(repository), Tag(tag))
    return str(found.digest) if found is not None else None


async def approve(api: Api, number: int, who: str) -> Any:
    answer = await api.ask("POST", f"/promotions/{number}/approvals", who)
    assert answer.status == 200, answer.body
    return answer.json()["promotion"]


async def test_without_approvals_it_is_done_at_once_and_told_of() -> None:
    api = await a_team()
    done = await promote(api)
    assert (done["state"], done["pipeline"], done["source"], done["stage"]) == ("done", "app", "dev", "prod")
    assert [(one["target"], one["target_tag"], one["digest"]) for one in done["images"]] == [
        (PROD, "1.5", str(ONE.digest))
    ]
    assert await tag_of(api) == str(ONE.digest)
    again = (await api.ask("POST", "/promotions", "dana", {"images": [f"{DEV}:1.5"], "stage": "prod"})).json()
    assert again == {"promotion": None, "manifests": 0, "blobs": 0}
    history = (await api.ask("GET", f"/tag-history?repository={PROD}&tag=1.5", "dana")).json()
    why = f"promotion {done['id']} of app, from dev to prod"
    assert [(change["actor"], change["digest"], change["detail"]) for change in history] == [
        ("dana", str(ONE.digest), why)
    ]
    told = {
        (event.kind.value, event.repository, event.detail)
        for event in await api.catalog.catalog.outbox.events(0, 1_000)
        if event.detail.startswith("promotion ")
    }
    detail = f"promotion {done['id']} of app, from dev to prod"
    assert told == {("tag.set", PROD, detail), ("image.promoted", PROD, detail)}


async def test_rights_of_both_places_are_asked_for() -> None:
    api = await a_team()
    await api.account("guest", ("reader", namespace("team/dev")))
    assert "guest" in await refused(api, "guest")
    await api.account("blind", ("publisher", namespace("team/prod")))
    await refused(api, "blind", status=404)  # whoever may not pull the source learns not even that it is there
    await refused(api, "", status=401)
    await push(api, "team-b/app", TWO, "1")
    assert "is in no stage of a pipeline" in await refused(api, "bob", "team-b/app:1", status=400)
    assert "no pipeline takes" in await refused(api, "dana", stage="nowhere", status=400)
    await promote(api, "dana")
    backwards = await refused(api, "dana", f"{PROD}:1.5", stage="dev", status=400)
    assert "it goes forward along dev, staging, prod" in backwards
    await refused(api, "dana", f"{DEV}:nothing", status=404)


@pytest.mark.parametrize("approvals", [0, 1])
async def test_rules_of_the_target_refuse_before_anything_is_written(approvals: int) -> None:
    api = await a_team(approvals)
    await push(api, PROD, TWO, "1.5")
    await setting(api, "tag-rules/fixed?path=team/prod", {"tags": ["1.*"], "immutable": True})
    assert "the tag 1.5 of team/prod/app is immutable" in await refused(api)
    await setting(api, "gates/owned?path=team/prod", GATE)
    said = await refused(api)
    assert said.startswith("gate owned on team/prod refuses app:1.5: it has no SBOM"), said


async def test_a_full_quota_of_the_target_refuses_with_figures() -> None:
    api = await a_team()
    await setting(api, "quotas/small?path=team/prod", {"bytes": "10B"})
    assert "the quota small of team/prod/ is 10 B" in await refused(api)


async def test_what_a_gate_holds_back_from_somebody_is_not_pulled_in_another_place() -> None:
    api = await a_team()
    await setting(api, "gates/owned?path=team/dev", {**GATE, "on": ["pull"]})
    assert "gate owned on team/dev refuses app:1.5" in await refused(api)


async def test_so_many_approve_as_it_takes_and_its_author_is_none_of_them() -> None:
    api = await a_team(2)
    waiting = await promote(api)
    number = waiting["id"]
    assert (waiting["state"], waiting["needed"], await tag_of(api)) == ("waiting", 2, None)
    assert (await promote(api))["id"] == number
    own = await refused(api, path=f"/promotions/{number}/approvals")
    assert own == f"dana asked for promotion {number}, and somebody else has to approve it"
    assert (await approve(api, number, "pat"))["state"] == "waiting"
    assert (await approve(api, number, "pat"))["state"] == "waiting"
    await push(api, DEV, TWO, "1.5")  # what was approved is the digest that was shown
    done = await approve(api, number, "rae")
    assert (done["state"], [each["by"] for each in done["approvals"]]) == ("done", ["pat", "rae"])
    assert (done["ended_by"], await tag_of(api)) == ("dana", str(ONE.digest))
    assert "is done" in await refused(api, "rob", path=f"/promotions/{number}/approvals", status=412)


async def test_a_left_colleague_does_not_count_nor_does_who_has_the_name_later() -> None:
    api = await a_team(2)
    number = (await promote(api))["id"]
    await approve(api, number, "pat")
    await api.identity.accounts.remove("pat", api.by)
    await api.account("pat", ("maintainer", namespace("team")))
    assert (await approve(api, number, "rae"))["state"] == "waiting"
    assert (await approve(api, number, "pat"))["state"] == "done"


async def test_nothing_is_done_for_an_author_who_left_or_lost_the_right() -> None:
    api = await a_team(1)
    number = (await promote(api))["id"]
    [(grant,)] = rows(
        api.catalog,
        "SELECT g.id FROM grants g JOIN accounts a ON a.id = g.account_id WHERE a.name = 'dana' AND g.role = ?",
        "maintainer",
    )
    await api.identity.grants.remove(int(grant), api.by)
    await refused(api, "pat", path=f"/promotions/{number}/approvals")
    await api.identity.accounts.remove("dana", api.by)
    await refused(api, "pat", path=f"/promotions/{number}/approvals", status=401)
    assert await tag_of(api) is None


async def test_named_approvers_alone_decide() -> None:
    api = await a_team(1, approvers=["prod=group:release"])
    await api.group("release", "rae")
    number = (await promote(api))["id"]
    said = await refused(api, "pat", path=f"/promotions/{number}/approvals")
    assert said == "pipeline app: only group:release may decide what enters prod"
    assert (await approve(api, number, "rae"))["state"] == "done"


async def test_a_gate_or_a_pipeline_that_changes_meanwhile_counts() -> None:
    api = await a_team(1)
    number = (await promote(api))["id"]
    await setting(api, "gates/owned?path=team/prod", GATE)
    assert "gate owned on team/prod refuses" in await refused(api, "pat", path=f"/promotions/{number}/approvals")
    await setting(api, "gates/owned?path=team/prod", {**GATE, "mode": "warn"})
    await setting(api, "pipelines/app?path=team", {"stages": STAGES, "approvals": ["prod=2"]})
    assert (await approve(api, number, "pat"))["state"] == "waiting"
    moved = ["dev=team/dev/", "prod=team/live/"]
    await setting(api, "pipelines/app?path=team", {"stages": moved, "approvals": ["prod=1"]})
    assert "is another since it was asked for" in await refused(
        api, "rae", path=f"/promotions/{number}/approvals", status=409
    )
    await setting(api, "pipelines/app?path=team", {"stages": STAGES, "approvals": ["prod=2"]})
    assert (await approve(api, number, "rae"))["state"] == "done"


async def test_whoever_may_approve_may_refuse_and_an_author_takes_back() -> None:
    api = await a_team(1)
    for who, reason in (("pat", "not before Monday"), ("dana", "the wrong one")):
        number = (await promote(api))["id"]
        answer = await api.ask("POST", f"/promotions/{number}/refusal", who, {"reason": reason})
        assert (answer.json()["state"], answer.json()["why"], answer.json()["ended_by"]) == ("refused", reason, who)
        assert "is refused" in await refused(api, "rae", path=f"/promotions/{number}/approvals", status=412)
    assert await tag_of(api) is None


async def test_it_waits_no_longer_than_its_pipeline_says() -> None:
    api = await a_team(1, expires="1s")
    number = (await promote(api))["id"]
    api.catalog.engine.connection.execute("UPDATE promotions SET expires_at = 1")  # type: ignore[attr-defined]
    assert "is expired" in await refused(api, "pat", path=f"/promotions/{number}/approvals", status=412)
    assert (await api.ask("GET", f"/promotions/{number}", "dana")).json()["state"] == "expired"


async def test_each_sees_what_enters_places_from_which_they_may_pull() -> None:
    api = await a_team(1)
    number = (await promote(api))["id"]
    await api.account("far", ("reader", namespace("team/dev")))
    for who, seen in {"dana": [number], "pat": [number], "aud": [number], "eve": [], "far": [], "bob": []}.items():
        listed = (await api.ask("GET", "/promotions", who)).json()
        assert [one["id"] for one in listed] == seen, who
        assert (await api.ask("GET", f"/promotions/{number}", who)).status == (200 if seen else 404), who
    assert (await api.ask("GET", "/promotions?state=done", "dana")).json() == []


async def test_the_last_promotion_is_rolled_back() -> None:
    api = await a_team()
    await promote(api)
    await push(api, DEV, TWO, "1.5")
    await promote(api)
    assert await tag_of(api) == str(TWO.digest)
    body = {"repository": PROD, "reason": "it broke"}
    back = (await api.ask("POST", "/promotion-rollbacks", "rae", body)).json()
    assert (back["state"], back["why"], back["ended_by"]) == ("rolled-back", "it broke", "rae")
    assert await tag_of(api) == str(ONE.digest)
    await push(api, PROD, TWO, "1.5")
    assert_problem(await api.ask("POST", "/promotion-rollbacks", "rae", body), 412)
    await push(api, PROD, ONE, "1.5")
    assert (await api.ask("POST", "/promotion-rollbacks", "rae", body)).status == 200
    assert await tag_of(api) is None
    assert_problem(await api.ask("POST", "/promotion-rollbacks", "rae", body), 404)


async def test_stages_that_are_tags_of_one_repository() -> None:
    api = await a_team()
    body = {"stages": [f"next={DEV}:next", f"live={DEV}:live"]}
    await setting(api, "pipelines/channels?path=team", body)
    await push(api, DEV, TWO, "next")
    done = await promote(api, "dana", f"{DEV}:next", stage="live")
    assert (done["images"][0]["target"], await tag_of(api, "live", DEV)) == (DEV, str(TWO.digest))


async def test_several_are_promoted_as_one_or_not_at_all() -> None:
    api = await a_team()
    await push(api, "team/dev/db", TWO, "9")
    await setting(api, "tag-rules/fixed?path=team/prod", {"tags": ["9"], "may_create": ["nobody"]})
    said = await refused(api, "dana", f"{DEV}:1.5", "team/dev/db:9")
    assert "the tag 9 of team/prod/db is protected" in said
    assert (await api.ask("DELETE", "/tag-rules/fixed?path=team/prod", "root")).status == 204
    done = await promote(api, "dana", f"{DEV}:1.5", "team/dev/db:9")
    assert [one["target"] for one in done["images"]] == [PROD, "team/prod/db"]
    back = await api.ask("POST", "/promotion-rollbacks", "rae", {"repository": PROD, "reason": "both go"})
    assert back.status == 200
    assert (await tag_of(api), await tag_of(api, "9", "team/prod/db")) == (None, None)


async def test_what_is_signed_while_it_is_promoted_goes_along() -> None:
    """A tag of cosign that comes up between the look at the source and the transaction is looked for anew."""
    api = await a_team()
    promotions = api.catalog.catalog.promotions
    beside: Callable[..., Awaitable[Any]] = promotions.beside
    signed = [artifact("a signature"), artifact("an attestation")]
    tags = [f"{str(ONE.digest).replace(':', '-')}.{kind}" for kind in ("sig", "att")]
    left = list(zip(signed, tags, strict=True))

    async def signing(*given: Any) -> Any:
        found = await beside(*given)
        if left:
            what, tag = left.pop()
            await push(api, DEV, what, tag)
        return found

    promotions.beside = signing  # type: ignore[method-assign]
    assert (await promote(api))["state"] == "done"
    for what, tag in zip(signed, tags, strict=True):
        assert await tag_of(api, tag) == str(what.digest)


async def test_approvals_that_come_at_once_carry_it_out_once() -> None:
    api = await a_team(1)
    number = (await promote(api))["id"]
    answers = await asyncio.gather(
        *(api.ask("POST", f"/promotions/{number}/approvals", who) for who in ("pat", "rae", "rob"))
    )
    assert all(answer.status == 200 or "is done" in answer.json()["detail"] for answer in answers)
    [(count,)] = rows(api.catalog, "SELECT count(*) FROM outbox WHERE kind = 'image.promoted'")
    assert count == 1
    assert len((await api.catalog.catalog.promotions.page(PageRequest())).items) == 1


class _At:
    """A clock of the test."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


def a_job(api: Api, at: int) -> DuePromotions:
    """What a worker does each minute, at a time."""
    desk = api.desks.promotions
    return DuePromotions(api.catalog.catalog.promotions, desk._deciding, _At(at))


@pytest.mark.parametrize("approvals", [0, 1])
async def test_what_is_promoted_during_a_freeze_waits_until_it_is_over(approvals: int) -> None:
    today = api_day(0)
    api = await a_team(approvals, freeze=[f"prod={today}/{api_day(1)}"])
    waiting = await promote(api)
    if approvals:
        assert waiting["due_at"] is None
        waiting = await approve(api, waiting["id"], "pat")
    assert (waiting["state"], waiting["due_at"]) == ("waiting", f"{api_day(2)}T00:00:00Z")
    assert await tag_of(api) is None
    over = day_number(api_day(2)) * DAY
    assert await a_job(api, over - 1).call() == "0 promotions done, 0 expired"
    assert await a_job(api, over + MINUTE).call() == "1 promotion done, 0 expired"
    assert await tag_of(api) == str(ONE.digest)
    assert await a_job(api, over + MINUTE).call() == "0 promotions done, 0 expired"


async def test_a_train_takes_what_is_ready_and_a_refusal_then_is_told() -> None:
    api = await a_team(schedule=["prod=0 9 * * *"])
    number = (await promote(api))["id"]
    found = await api.catalog.catalog.promotions.get(number)
    assert found is not None
    assert (found.due_at - 9 * HOUR) % DAY == 0
    await setting(api, "gates/owned?path=team/prod", GATE)
    assert await a_job(api, found.due_at + MINUTE).call() == "0 promotions done, 0 expired"
    told = (await api.ask("GET", f"/promotions/{number}", "dana")).json()
    assert (told["state"], told["ended_by"]) == ("refused", "orlop")
    assert told["why"].startswith("gate owned on team/prod refuses app:1.5")


async def test_the_job_ends_what_nobody_decided() -> None:
    api = await a_team(1)
    number = (await promote(api))["id"]
    assert await a_job(api, api.now + 8 * DAY).call() == "0 promotions done, 1 expired"
    told = (await api.ask("GET", f"/promotions/{number}", "dana")).json()
    assert (told["state"], told["why"]) == ("expired", "nobody decided in time")


def api_day(ahead: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=ahead)).isoformat()
