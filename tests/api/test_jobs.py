"""Jobs over the API: asked for, listed, cancelled and tried again; nobody does them here."""

import asyncio
from collections.abc import Iterator

import pytest

from orlop.domain.job_kinds import JOB_KINDS
from tests.api.harness import Api, assert_problem, registry
from tests.wire.answer import Answer

pytestmark = pytest.mark.slow


@pytest.fixture(name="api")
def _api(runner: asyncio.Runner) -> Iterator[Api]:
    made = runner.run(registry())
    yield made
    made.close()


async def run(api: Api, kind: str = "collection", **more: object) -> Answer:
    """Ask for one."""
    return await api.ask("POST", "/jobs", "root", {"kind": kind, **more})


async def test_a_job_is_asked_for_and_shown(api: Api) -> None:
    made = await run(api, priority=3)
    assert made.status == 201
    job = made.json()
    assert made.header("location") == f"/api/v1/jobs/{job['id']}"
    assert (job["kind"], job["state"], job["asked_by"], job["priority"]) == ("collection", "waiting", "root", 3)
    assert job["ended_at"] is None
    assert (await api.ask("GET", f"/jobs/{job['id']}", "aud")).json() == job


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "colection"}, "the nearest known one is collection"),
        ({"kind": "collection", "arguments": {"grace": 1}}, "no field grace"),
        ({"kind": "collection", "priority": 101}, "from -100 to 100"),
        ({"kind": "collection", "place": "../x"}, "is no namespace"),
        ({"kind": "collection", "place": "team"}, "a collection is of the registry as a whole, and of no place"),
        ({"kind": "collection", "arguments": []}, "arguments"),
        ({"arguments": {}}, "kind"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(api: Api, body: dict[str, object], words: str) -> None:
    refused = await api.ask("POST", "/jobs", "root", body)
    assert_problem(refused, 400)
    assert words in refused.json()["detail"]
    assert (await api.ask("GET", "/jobs", "root")).json() == []


async def test_lists_are_newest_first_in_pages_that_keep_their_filters(api: Api) -> None:
    numbers = [(await run(api, kind)).json()["id"] for kind in ("collection", "sweep", "sweep", "sweep")]
    await api.ask("POST", f"/jobs/{numbers[1]}/cancel", "root")
    first = await api.ask("GET", "/jobs?n=1&kind=sweep&state=waiting", "root")
    assert [job["id"] for job in first.json()] == [numbers[3]]
    following = first.header("link").partition("<")[2].partition(">")[0].removeprefix("/api/v1")
    second = await api.ask("GET", following, "root")
    assert [job["id"] for job in second.json()] == [numbers[2]]
    assert not second.header("link")
    assert_problem(await api.ask("GET", "/jobs?state=wating", "root"), 400)
    assert_problem(await api.ask("GET", "/jobs?kind=swep", "root"), 400)
    assert_problem(await api.ask("GET", "/jobs?last=x", "root"), 400)


async def test_a_job_is_cancelled_once_and_tried_again(api: Api) -> None:
    number = (await run(api)).json()["id"]
    assert_problem(await api.ask("POST", f"/jobs/{number}/retry", "root"), 409)
    cancelled = await api.ask("POST", f"/jobs/{number}/cancel", "root")
    assert (cancelled.status, cancelled.json()["state"], cancelled.json()["cancelling"]) == (200, "cancelled", False)
    assert_problem(await api.ask("POST", f"/jobs/{number}/cancel", "root"), 409)
    again = await api.ask("POST", f"/jobs/{number}/retry", "root")
    assert (again.status, again.json()["state"]) == (200, "waiting")
    for what in ("", "/cancel", "/retry"):
        method = "POST" if what else "GET"
        assert_problem(await api.ask(method, f"/jobs/{number + 1}{what}", "root"), 404)
    kinds = [event.kind for event in await api.catalog.catalog.outbox.events(0, 1_000)][-3:]
    assert kinds == ["job.asked", "job.cancelled", "job.asked"]


async def test_kinds_say_when_they_run(api: Api) -> None:
    before = {kind["kind"]: kind for kind in (await api.ask("GET", "/job-kinds", "aud")).json()}
    assert set(before) == set(JOB_KINDS)
    assert (before["sweep"]["schedule"], before["sweep"]["by_setting"]) == (None, False)
    body = {"cron": "0 3 * * *", "time_zone": "Europe/Berlin"}
    assert (await api.ask("PUT", "/job-schedules/sweep", "root", body, headers={"if-none-match": "*"})).status == 200
    await api.schedules.run_due()
    after = {kind["kind"]: kind for kind in (await api.ask("GET", "/job-kinds", "aud")).json()}
    assert (after["sweep"]["schedule"], after["sweep"]["by_setting"]) == (body, True)
    assert after["sweep"]["next_at"] is not None
