"""Images that enter stages by themselves: once, when nothing holds them back, and by nobody's rights."""

from typing import Any

import pytest

from orlop.domain.durations import DAY, HOUR, MINUTE
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.ports.by import By
from orlop.ports.jobs import Lease
from orlop.services.following.known import PROMOTIONS
from orlop.services.promotion.automatic import AutomaticPromotions
from orlop.services.promotion.work import DuePromotions
from tests.api.harness import Api, assert_problem, namespace
from tests.api.test_promotion import (
    DEV,
    GATE,
    ONE,
    STAGES,
    TWO,
    a_team,
    api_day,
    approve,
    promote,
    setting,
    tag_of,
)
from tests.catalogs import rows
from tests.content import artifact, image, index
from tests.contract.scene import Scene

STAGING = "team/staging/app"
THREE = image("three", ["base", "yet more"])
AUTOMATIC = {"stages": STAGES, "automatic": ["staging"]}


class _At:
    """A clock of the test."""

    def __init__(self, at: int) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


class Background:
    """The follower and the job of a worker, as often as the test says."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.clock = _At(api.now)
        self.called = 0
        self._lease: Lease | None = None
        catalog, opened = api.catalog.catalog, api.catalog
        self.following = AutomaticPromotions(
            catalog.outbox,
            opened.cursors,
            api.desks.promotions._deciding._ways._settings,
            api.identity.accounts,
            catalog.promotions,
            self.clock,
            self._call,
        )
        self.job = DuePromotions(catalog.promotions, api.desks.promotions._deciding, self.clock)

    async def _call(self) -> None:
        self.called += 1

    async def follow(self) -> int:
        """Take all events; how often the job is called for."""
        if self._lease is None:
            until = self.clock.at + 100 * DAY
            self._lease = await self.api.catalog.leases.acquire(PROMOTIONS.job, "test", now=self.clock.at, until=until)
        assert self._lease is not None
        called = self.called
        await self.following.step(self._lease)
        return self.called - called

    async def run(self) -> str:
        """All of it, once."""
        await self.follow()
        return await self.job.call()


async def a_line(**pipeline: Any) -> tuple[Api, Background]:
    """`dana` pushes to dev alone; images enter staging by themselves."""
    api = await a_team()
    background = Background(api)
    await background.run()
    await setting(api, "pipelines/app?path=team", {**AUTOMATIC, **pipeline})
    await background.run()
    return api, background


class _By(Scene):
    """What somebody pushes."""

    def __init__(self, api: Api, who: str) -> None:
        super().__init__(api.catalog.catalog, at=api.now)
        self._who = who

    def by(self, actor: str = "") -> By:
        return super().by(actor or self._who)


async def pushed(api: Api, what: Any, *tags: str, repository: str = DEV, who: str = "dana") -> None:
    await _By(api, who).push(RepositoryName(repository), what, *map(Tag, tags))


async def kept(api: Api) -> list[Any]:
    return list(reversed((await api.catalog.catalog.promotions.page(PageRequest())).items))


async def test_what_is_pushed_enters_the_next_stage_by_itself_and_nobody_did_it() -> None:
    api, background = await a_line()
    await pushed(api, TWO, "1.6")
    assert await background.follow() == 1
    assert await tag_of(api, "1.6", STAGING) is None
    assert await background.job.call() == "1 promotion done, 0 expired"
    assert await tag_of(api, "1.6", STAGING) == str(TWO.digest)
    assert await tag_of(api, "1.6") is None  # prod takes nothing by itself
    [one] = [each for each in await kept(api) if each.images[0].tag == "1.6"]
    assert (one.automatic, one.asked_by, one.ended_by) == (True, "pipeline:app", "pipeline:app")
    told = {
        (event.kind.value, event.actor)
        for event in await api.catalog.catalog.outbox.events(0, 1_000)
        if event.repository == STAGING and event.tag == "1.6"
    }
    assert told == {(kind, "pipeline:app") for kind in ("promotion.asked", "tag.set", "image.promoted")}


async def test_it_goes_on_to_a_stage_after_that() -> None:
    api, background = await a_line(automatic=["staging", "prod"])
    await pushed(api, TWO, "1.6")
    assert await background.run() == "1 promotion done, 0 expired"
    assert await background.run() == "1 promotion done, 0 expired"
    assert await tag_of(api, "1.6") == str(TWO.digest)
    assert await background.run() == "0 promotions done, 0 expired"


async def test_what_a_person_promoted_goes_on_by_itself() -> None:
    api, background = await a_line(automatic=["prod"])
    await api.grant("dana", "publisher", namespace("team/staging"))
    await promote(api, "dana", f"{DEV}:1.5", stage="staging")
    assert await background.run() == "1 promotion done, 0 expired"
    assert await tag_of(api) == str(ONE.digest)


async def test_events_that_are_read_again_ask_for_nothing_again() -> None:
    api, background = await a_line()
    position = await api.catalog.cursors.position(PROMOTIONS)
    await pushed(api, TWO, "1.6")
    await background.run()
    before = await kept(api)
    again = Background(api)  # as after a worker that was killed before it moved its cursor
    rows(api.catalog, "UPDATE readers SET position = ? WHERE name = ?", position, PROMOTIONS.cursor)
    again._lease = background._lease
    await again.run()
    assert await kept(api) == before


async def test_a_digest_enters_a_stage_by_itself_once() -> None:
    api, background = await a_line()
    for what in (TWO, THREE, TWO):
        await pushed(api, what, "1.6")
        await background.run()
    assert await tag_of(api, "1.6", STAGING) == str(THREE.digest)
    assert [one.images[0].digest for one in await kept(api) if one.images[0].tag == "1.6"] == [TWO.digest, THREE.digest]


async def test_what_was_rolled_back_or_refused_is_not_asked_for_again() -> None:
    api, background = await a_line()
    await pushed(api, TWO, "1.6")
    await background.run()
    body = {"repository": STAGING, "reason": "it broke"}
    assert (await api.ask("POST", "/promotion-rollbacks", "root", body)).status == 200
    await background.run()
    await pushed(api, THREE, "1.6")
    await pushed(api, TWO, "1.6")
    await background.run()
    assert await tag_of(api, "1.6", STAGING) is None
    await setting(api, "pipelines/app?path=team", {**AUTOMATIC, "approvals": ["staging=1"]})
    await pushed(api, image("four"), "1.7")
    await background.run()
    number = (await kept(api))[-1].id
    answer = await api.ask("POST", f"/promotions/{number}/refusal", "root", {"reason": "not this one"})
    assert answer.status == 200, answer.body
    await pushed(api, THREE, "1.7")
    await pushed(api, image("four"), "1.7")
    await background.run()
    assert [one.state.word for one in (await kept(api))[-2:]] == ["refused", "expired"]


async def test_a_gate_of_the_target_holds_it_until_it_passes() -> None:
    api, background = await a_line()
    await setting(api, "gates/owned?path=team/staging", GATE)
    await pushed(api, TWO, "1.6")
    await background.run()
    [one] = [each for each in await kept(api) if each.images[0].tag == "1.6"]
    told = (await api.ask("GET", f"/promotions/{one.id}", "root")).json()
    assert (told["state"], told["automatic"]) == ("waiting", True)
    assert told["why"].startswith("gate owned on team/staging refuses app:1.6")
    assert one.due_at == background.clock.at + HOUR
    assert await background.job.call() == "0 promotions done, 0 expired"
    await pushed(api, artifact("an attestation", subject=TWO))  # more may be known of it now
    assert await background.follow() == 1
    assert await background.job.call() == "0 promotions done, 0 expired"
    await setting(api, "gates/owned?path=team/staging", {**GATE, "mode": "warn"})
    assert await background.follow() == 1
    assert await background.job.call() == "1 promotion done, 0 expired"
    assert await tag_of(api, "1.6", STAGING) == str(TWO.digest)


async def test_what_is_known_while_a_gate_is_asked_is_not_forgotten() -> None:
    """A gate that passes between the verdict and the note that it refused."""
    api, background = await a_line()
    await setting(api, "gates/owned?path=team/staging", GATE)
    await pushed(api, TWO, "1.6")
    await background.follow()
    rows_ = api.catalog.catalog.promotions
    put_off = rows_.put_off

    async def late(*given: Any) -> None:
        background.clock.at += 1
        await background.following.known()
        await put_off(*given)

    rows_.put_off = late  # type: ignore[method-assign]
    await background.job.call()
    rows_.put_off = put_off  # type: ignore[method-assign]
    [due_at] = [one.due_at for one in await kept(api) if one.images[0].tag == "1.6"]
    assert 0 < due_at <= background.clock.at


async def test_a_gate_on_push_holds_what_is_promoted_too() -> None:
    api, background = await a_line()
    await setting(api, "gates/small?path=team/staging", {"on": ["push"], "largest": "1B", "mode": "enforce"})
    await pushed(api, TWO, "1.6")
    await pushed(api, index("both", [ONE, THREE]), "1.7")  # of an index what it lists is judged
    await background.run()
    for one, tag in zip((await kept(api))[-2:], ("1.6", "1.7"), strict=True):
        assert one.why.startswith(f"gate small on team/staging refuses app:{tag}"), one.why


async def test_a_new_push_takes_the_place_of_what_waits() -> None:
    api, background = await a_line(approvals=["staging=1"])
    await pushed(api, TWO, "1.6")
    await background.run()
    await pushed(api, THREE, "1.6")
    await background.run()
    old, new = [one for one in await kept(api) if one.images[0].tag == "1.6"]
    assert (old.state.word, old.why) == ("expired", f"{DEV}:1.6 is {THREE.digest}")
    assert (new.state.word, new.images[0].digest) == ("waiting", THREE.digest)
    await pushed(api, TWO, "1.6")  # nobody said anything of that one
    await background.run()
    assert [one.state.word for one in await kept(api) if one.images[0].tag == "1.6"] == [
        "expired",
        "expired",
        "waiting",
    ]


async def test_people_approve_and_whoever_pushed_it_does_not() -> None:
    api, background = await a_line(automatic=["prod"], approvals=["prod=1"], stages=[STAGES[0], STAGES[2]])
    await pushed(api, TWO, "1.6")
    assert await background.run() == "0 promotions done, 0 expired"
    number = (await kept(api))[-1].id
    said = assert_problem(await api.ask("POST", f"/promotions/{number}/approvals", "dana"), 403)
    assert said["detail"] == f"dana put promotion {number} on its way, and somebody else has to approve it"
    assert (await approve(api, number, "pat"))["state"] == "done"
    assert await tag_of(api, "1.6") == str(TWO.digest)
    await api.account("paul", ("publisher", namespace("team/dev")))
    await pushed(api, THREE, "1.7", who="paul")
    await background.run()
    number = (await kept(api))[-1].id
    assert (await api.ask("GET", f"/promotions/{number}", "paul")).status == 404  # whoever may not pull there
    assert (await api.ask("POST", f"/promotions/{number}/refusal", "paul", {"reason": "mine"})).status == 404


async def test_what_was_approved_while_a_gate_refuses_is_done_once_it_passes() -> None:
    api, background = await a_line(automatic=["prod"], approvals=["prod=1"], stages=[STAGES[0], STAGES[2]])
    await setting(api, "gates/owned?path=team/prod", GATE)
    await pushed(api, TWO, "1.6")
    await background.run()
    number = (await kept(api))[-1].id
    assert_problem(await api.ask("POST", f"/promotions/{number}/approvals", "pat"), 403)
    await setting(api, "gates/owned?path=team/prod", {**GATE, "mode": "warn"})
    assert await background.run() == "1 promotion done, 0 expired"


async def test_a_freeze_holds_it_until_it_is_over() -> None:
    api, background = await a_line(freeze=[f"staging={api_day(0)}/{api_day(1)}"])
    await pushed(api, TWO, "1.6")
    assert await background.run() == "0 promotions done, 0 expired"
    background.clock.at += 3 * DAY
    assert await background.run() == "1 promotion done, 0 expired"


async def test_news_in_the_minute_of_a_schedule_let_nothing_miss_it() -> None:
    api, background = await a_line(schedule=["staging=0 * * * *"])
    await pushed(api, TWO, "1.6")
    assert await background.run() == "0 promotions done, 0 expired"
    [waits] = await kept(api)
    background.clock.at = waits.due_at + 5_000_000
    await setting(api, "gates/owned?path=team/prod", {**GATE, "mode": "warn"})
    await pushed(api, THREE, "1.7")
    assert await background.run() == "1 promotion done, 0 expired"
    assert await tag_of(api, "1.6", STAGING) == str(TWO.digest)


async def test_what_is_gone_or_taken_back_is_not_promoted() -> None:
    api, background = await a_line()
    await setting(api, "gates/owned?path=team/staging", GATE)
    await pushed(api, TWO, "1.6")
    await pushed(api, THREE, "1.7")
    await background.run()
    assert (await api.ask("DELETE", f"/tags/1.6?repository={DEV}", "root")).status < 500
    await setting(api, "pipelines/app?path=team", {"stages": STAGES})
    await setting(api, "gates/owned?path=team/staging", {**GATE, "mode": "warn"})
    background.clock.at += MINUTE
    await background.run()
    assert {one.state.word for one in await kept(api)} == {"refused"}
    assert "takes nothing to staging by itself any more" in (await kept(api))[-1].why


async def test_rules_of_the_target_hold_for_it_without_exceptions() -> None:
    api, background = await a_line()
    await setting(api, "tag-rules/mine?path=team/staging", {"tags": ["1.*"], "may_create": ["dana"]})
    await pushed(api, TWO, "1.6")
    await background.run()
    last = (await kept(api))[-1]
    assert (last.state.word, "the tag 1.6 of team/staging/app is protected" in last.why) == ("refused", True)


async def test_whoever_sets_it_may_do_in_both_places_what_it_does() -> None:
    api = await a_team()
    await api.account("paul", ("reader", namespace("team")))
    await api.grant("paul", "maintainer", namespace("team/dev"))
    body = {"stages": STAGES, "automatic": ["staging"]}
    await api.ask("DELETE", "/pipelines/app?path=team", "root")
    await setting(api, "roles/ruler", {"actions": ["policy-edit"]})
    await api.grant("paul", "ruler", namespace("team"))
    new = {"if-none-match": "*"}
    said = assert_problem(await api.ask("PUT", "/pipelines/app?path=team", "paul", body, headers=new), 403)
    assert "team/staging" in said["detail"], said
    await api.grant("paul", "publisher", namespace("team/staging"))
    assert (await api.ask("PUT", "/pipelines/app?path=team", "paul", body, headers=new)).status < 300


@pytest.mark.parametrize("automatic", [["dev"], ["nowhere"]])
async def test_the_first_stage_takes_nothing_by_itself(automatic: list[str]) -> None:
    api = await a_team()
    body = {"stages": STAGES, "automatic": automatic}
    answer = await api.ask("PUT", "/pipelines/other?path=team", "root", body, headers={"if-none-match": "*"})
    assert "is none of the stages after the first" in assert_problem(answer, 400)["detail"]
