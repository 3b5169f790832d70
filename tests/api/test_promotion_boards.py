"""What stands in each stage of a pipeline, as readers see it, and what would become of promotions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orlop.domain.durations import SECOND
from orlop.services.promotion import boards
from tests.api.harness import Api, assert_problem, namespace, registry
from tests.api.test_promotion import DEV, GATE, ONE, PROD, TWO, a_team, held, promote, push, setting
from tests.catalogs import rows
from tests.content import image

THREE = image("three")


async def board(api: Api, who: str = "dana", **query: Any) -> list[dict[str, Any]]:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    answer = await api.ask("GET", f"/promotion-boards/app?path=team{more}", who)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json()
    return found


def standing(row: dict[str, Any]) -> dict[str, tuple[str, str, bool]]:
    return {one["stage"]: (one["tag"], one["digest"], one["differs"]) for one in row["stages"]}


async def tried(api: Api, who: str = "dana", *images: str, stage: str = "prod") -> dict[str, Any]:
    """What would become of it, after which all is as it was."""
    before = await held(api), rows(api.catalog, "SELECT count(*) FROM promotions")
    answer = await api.ask("POST", "/promotion-trials", who, {"images": images or (f"{DEV}:1.5",), "stage": stage})
    assert answer.status == 200, answer.body
    assert (await held(api), rows(api.catalog, "SELECT count(*) FROM promotions")) == before
    found: dict[str, Any] = answer.json()
    return found


async def test_a_board_has_what_stands_in_each_stage_and_what_waits() -> None:
    api = await a_team(1)
    await push(api, "team/dev/deep/db", TWO, "9")
    await promote(api, "root", stage="staging")
    await push(api, DEV, TWO, "1.6")
    waiting = await promote(api, "dana", f"{DEV}:1.6")
    app, db = await board(api)
    assert (app["image"], app["waiting"], db["image"], db["waiting"]) == ("app", [waiting["id"]], "deep/db", [])
    assert standing(app) == {
        "dev": ("1.6", str(TWO.digest), False),
        "staging": ("1.5", str(ONE.digest), True),
    }
    assert standing(db) == {"dev": ("9", str(TWO.digest), False)}


async def test_a_board_is_read_page_by_page() -> None:
    api = await a_team()
    for number in range(5):
        await push(api, f"team/{'dev' if number % 2 else 'prod'}/n{number}", THREE, "1")
    assert [row["image"] for row in await board(api)] == ["app", "n0", "n1", "n2", "n3", "n4"]
    assert [row["image"] for row in await board(api, n=2)] == ["app", "n0"]
    assert [row["image"] for row in await board(api, n=4, last="n1")] == ["n2", "n3", "n4"]


async def test_a_reader_sees_the_stages_that_they_may_pull_from() -> None:
    api = await a_team(1)
    await push(api, PROD, TWO, "1.4")
    await push(api, "team/prod/secret", TWO, "1")
    await promote(api)
    assert_problem(await api.ask("GET", "/promotion-boards/app?path=team", "bob"), 404)
    await api.account("devon", ("reader", namespace("team/dev")))
    refused = assert_problem(await api.ask("GET", "/promotion-boards/app?path=team", "devon"), 404)
    assert "there is no pipeline app of team" in refused["detail"]
    assert_problem(await api.ask("GET", "/promotion-boards/none?path=team", "dana"), 404)
    assert_problem(await api.ask("GET", "/promotion-boards/app?path=team", ""), 401)
    # Who pulls from one stage alone has the board of a pipeline that is set there.
    await setting(api, "pipelines/app?path=team/dev", {"stages": ["dev=team/dev/app:1.5", "next=team/dev/app:next"]})
    answer = await api.ask("GET", "/promotion-boards/app?path=team/dev", "devon")
    assert [standing(row) for row in answer.json()] == [{"dev": ("1.5", str(ONE.digest), False)}]


async def test_a_trial_says_what_would_become_of_it() -> None:
    api = await a_team(1)
    found = await tried(api)
    assert (found["pipeline"], found["source"], found["stage"], found["needed"]) == ("app", "dev", "prod", 1)
    assert (found["opens_at"], found["refusal"]) == (None, None)
    assert [(one["target"], one["target_tag"], one["digest"]) for one in found["images"]] == [
        (PROD, "1.5", str(ONE.digest))
    ]
    await setting(api, "gates/g?path=team/prod", GATE)
    assert "gate g on team/prod refuses app:1.5" in (await tried(api))["refusal"]
    assert (await tried(api, "root", stage="staging"))["refusal"] is None
    await api.account("guest", ("reader", namespace("team/dev")))
    assert "guest" in (await tried(api, "guest", stage="staging"))["refusal"]
    await setting(api, "tag-rules/fixed?path=team/staging", {"tags": ["*"], "immutable": True})
    await push(api, "team/staging/app", TWO, "1.5")
    assert "immutable" in (await tried(api, "root", stage="staging"))["refusal"]
    assert_problem(await api.ask("POST", "/promotion-trials", "bob", {"images": [f"{DEV}:1.5"], "stage": "prod"}), 404)


async def test_a_trial_of_a_stage_that_is_closed_says_when_it_opens() -> None:
    api = await registry()
    await api.account("dana", ("maintainer", namespace("team")))
    await push(api, DEV, ONE, "1.5")
    stages = ["dev=team/dev/", "prod=team/prod/"]
    await setting(api, "pipelines/app?path=team", {"stages": stages, "schedule": ["prod=0 * * * *"]})
    found = await tried(api)
    opens = datetime.fromisoformat(found["opens_at"])
    now = datetime.fromtimestamp(api.now / SECOND, UTC)
    assert now < opens <= now + timedelta(hours=1)
    assert (opens.minute, opens.second, found["refusal"]) == (0, 0, None)


async def test_one_that_waits_is_tried_by_the_rights_of_its_author() -> None:
    """For its author and for whoever may decide; nobody else is told what gates of the target say."""
    api = await a_team(1)
    number = (await promote(api))["id"]
    await api.account("guest", ("reader", namespace("team")))

    async def told(who: str) -> Any:
        before = await held(api), rows(api.catalog, "SELECT * FROM promotions")
        answer = await api.ask("GET", f"/promotions/{number}/trial", who)
        assert (await held(api), rows(api.catalog, "SELECT * FROM promotions")) == before
        return answer.json()["refusal"] if answer.status == 200 else answer.status

    assert [await told(who) for who in ("dana", "pat", "guest", "bob")] == [None, None, 403, 404]
    await setting(api, "gates/g?path=team/prod", GATE)
    for who in ("dana", "pat"):
        assert "gate g on team/prod refuses app:1.5" in await told(who)
    await setting(api, "pipelines/app?path=team", {"stages": ["dev=team/dev/", "prod=team/prod/next/"]})
    for who in ("dana", "pat"):
        assert "is another since it was asked for" in await told(who)
    refusal = await api.ask("POST", f"/promotions/{number}/refusal", "dana", {"reason": "another way"})
    assert refusal.status == 200
    assert await told("pat") == 412


async def test_a_board_of_many_looks_through_so_many_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    api = await a_team()
    names = sorted(["app", *(f"n{number}" for number in range(9))])
    for number, name in enumerate(names[1:]):
        await push(api, f"team/{'dev' if number % 3 else 'prod'}/{name}", THREE, "1")
    monkeypatch.setattr(boards, "_AT_ONCE", 2)
    monkeypatch.setattr(boards, "_TIMES", 1)
    found, last, pages = [], "", 0
    while True:
        answer = await api.ask("GET", f"/promotion-boards/app?path=team&n=4{f'&last={last}' if last else ''}", "dana")
        found += [row["image"] for row in answer.json()]
        pages += 1
        if 'rel="next"' not in answer.header("link"):
            break
        last = answer.header("link").partition("last=")[2].partition("&")[0].partition(">")[0]
    assert (found, pages > 3) == (names, True)
