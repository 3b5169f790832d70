"""Pages of plans, the trash and locks: what they show and say, who may, and that nothing goes without confirmation."""

import html
import re
from urllib.parse import urlencode

import pytest

from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.retention.plans import PlanState
from orlop.faces.ui.rules.trials import numbers_of, with_numbers
from orlop.services.retention import trials
from tests.content import image
from tests.unit.ui.places import HOSTILE, PEOPLE, ROLES, applied, person, planned, pushed, put
from tests.unit.ui.scene import Browser, Scene

APP = RepositoryName("team/app")


async def filled(scene: Scene, *, brake: int = 100) -> None:
    """Five builds, of which rules keep the two newest, and a release that no rule deletes."""
    content = pushed(scene)
    for number in range(5):
        content.at += 1
        await content.push(APP, image(f"app-{number}", [f"layer-{number}", "base"]), Tag(f"build-{number}"))
    await content.push(APP, image("release"), Tag("1.0.0"))
    await put(
        scene,
        "retention",
        "builds",
        "team",
        delete=[{"tags": ["build-*"]}],
        keep=[{"tags": ["build-*"], "newest": 2}],
        brake=brake,
    )


async def state(scene: Scene, number: int) -> PlanState:
    plan = await scene.memory.catalog.retention.plans.get(number)
    assert plan is not None
    return plan.state


def column(text: str, name: str) -> str:
    """What stands in one of the two columns."""
    found = re.search(rf'aria-label="{name}">(.*?)</table>', text, re.DOTALL)
    assert found, text
    return html.unescape(found[1])


async def confirm(browser: Browser, address: str, **fields: str) -> int:
    """What the form does that a page asks with."""
    assert browser.page is not None
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', browser.page.text))
    kept = {name: html.unescape(value) for name, value in hidden.items()}
    return (await browser.post(address, {**kept, **fields})).status


async def test_a_plan_is_asked_for_looked_at_and_applied(scene: Scene) -> None:
    await filled(scene)
    browser = await person(scene, "maintainer")
    assert "Make a plan of" not in (await browser.get("/plans")).text  # of the registry as a whole
    await browser.get("/plans?path=team/")
    asked = await browser.submit("/plans", {"path": "team/"})
    assert asked.status == 303
    waiting = await browser.get(asked.location)
    assert "It is being made" in waiting.text
    number = await planned(scene)
    assert asked.location == f"/plans/{number}"
    page = (await browser.get(asked.location)).text
    assert "It deletes 3 of 6 tags and 3 of 6 manifests" in page
    going, kept = column(page, "Deleted"), column(page, "Kept")
    assert [f"team/app:build-{each}" in going for each in range(5)] == [True, True, True, False, False]
    assert [f"team/app:build-{each}" in kept for each in range(5)] == [False, False, False, True, True]
    assert "retention builds of team/ deletes it: delete 1 (tags build-*)" in going
    assert "retention builds of team/ keeps it: keep 1 (tags build-*; newest 2)" in kept
    assert "no rule deletes it" in kept
    # Each of the three has a layer of its own, and `base` stays with those that stay.
    assert re.findall(r'<rect class="(freed|kept|shared)"', page) == ["freed", "kept", "shared"]
    assert "for 7 days after it is applied" in page
    # The first form asks, the second one does it.
    await browser.submit(f"/plans/{number}/apply")
    assert browser.page is not None
    assert "Delete what the plan shows" in browser.page.text
    assert await state(scene, number) is PlanState.PLANNED
    assert await confirm(browser, f"/plans/{number}/apply") == 303
    assert await state(scene, number) is PlanState.APPLYING
    await applied(scene, number)
    done = (await browser.get(f"/plans/{number}")).text
    assert "3 deleted, 0 left" in done
    assert "Apply this plan" not in done
    assert "/trash?place=team%2F" in done
    await browser.get("/plans?path=team/")
    refused = await browser.submit(f"/plans/{number}/apply", {"confirmed": "yes"})
    assert refused.status == 409
    assert f"plan {number} was applied already" in refused.text


async def test_what_other_repositories_hold_is_shown_as_shared(scene: Scene) -> None:
    await filled(scene)
    content = pushed(scene)
    await content.push(RepositoryName("team/other"), image("app-0", ["layer-0", "base"]), Tag("kept"))
    number = await planned(scene)
    page = (await (await person(scene, "owner")).get(f"/plans/{number}")).text
    assert float(re.findall(r'<rect class="shared"[^>]*width="([^"]+)"', page)[0]) > 0


TRIAL = "/rules/retention-rules/builds/trial?path=team"


async def test_a_rule_is_tried_with_other_numbers_and_saved(scene: Scene) -> None:
    await filled(scene)
    browser = await person(scene, "maintainer")
    assert "/builds/trial?path=team" in (await browser.get("/rules/retention-rules/builds?path=team")).text
    same = (await browser.get(TRIAL)).text
    assert 'name="keep.0.newest" value="2"' in same
    assert "3 of 6 tags" in same
    assert "Save the rule" not in same
    page = (await browser.get(f"{TRIAL}&keep.0.newest=4")).text
    assert "1 of 6 tags" in page
    going, kept = column(page, "Would go"), column(page, "Would stay")
    assert [f"team/app:build-{each}" in going for each in range(5)] == [True, False, False, False, False]
    assert "team/app:build-4" in kept
    part = (await browser.get(f"{TRIAL}&keep.0.newest=4&part=trial")).text
    assert "<h1>" not in part
    assert "1 of 6 tags" in part
    # Nothing was kept by that: a plan says what it said before, and the rule is as it was.
    assert not (await scene.memory.catalog.retention.plans.page(PageRequest(9))).items
    kept_rule = await scene.identity.documents.get("retention", "builds", "team")
    assert kept_rule is not None
    assert b'"newest":2' in kept_rule.body
    await browser.get(f"{TRIAL}&keep.0.newest=4")
    assert await confirm(browser, "/rules/retention-rules/builds") == 303
    saved = await scene.identity.documents.get("retention", "builds", "team")
    assert saved is not None
    assert b'"newest":4' in saved.body


@pytest.mark.parametrize("number", ["x", "-1", "", "1e9", "9999999", HOSTILE])
async def test_what_is_no_number_changes_nothing(scene: Scene, number: str) -> None:
    await filled(scene)
    browser = await person(scene, "maintainer")
    page = await browser.get(f"{TRIAL}&{urlencode({'keep.0.newest': number, 'keep.7.newest': '1', 'brake': '1'})}")
    assert page.status == 200
    assert "3 of 6 tags" in page.text
    assert "<img" not in page.text


async def test_lengths_of_time_keep_their_unit(scene: Scene) -> None:
    body = {"delete": [{"not_pulled_within": "90d"}], "keep": [{"newest": 3}], "untagged_after": "2w"}
    numbers = numbers_of(body)
    assert [(each.field, each.amount, each.unit, each.most) for each in numbers] == [
        ("delete.0.not_pulled_within", 90, "d", 270),
        ("keep.0.newest", 3, "", 50),
        ("untagged_after", 2, "w", 50),
    ]
    changed = with_numbers(body, {"delete.0.not_pulled_within": "30", "untagged_after": "4"})
    assert changed == {"delete": [{"not_pulled_within": "30d"}], "keep": [{"newest": 3}], "untagged_after": "4w"}
    assert body["untagged_after"] == "2w"


async def test_a_trial_of_a_large_place_says_that_it_is_cut(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "_READ", 5)
    await filled(scene)
    page = (await (await person(scene, "maintainer")).get(TRIAL)).text
    assert "There is more here than was looked at" in page
    assert "0 of 0 tags" in page


@pytest.mark.parametrize(
    ("who", "status"),
    [("", 303), ("reader", 403), ("maintainer", 200), ("owner", 200), ("elsewhere", 403), ("visitor", 403)],
)
async def test_who_tries_a_rule(scene: Scene, who: str, status: int) -> None:
    await filled(scene)
    page = await (await person(scene, who)).get(TRIAL)
    assert page.status == status
    assert ("build-0" in page.text) is (status == 200)


async def test_over_the_brake_a_person_has_to_say_so(scene: Scene) -> None:
    await filled(scene, brake=10)
    number = await planned(scene)
    browser = await person(scene, "owner")
    page = (await browser.get(f"/plans/{number}")).text
    assert "more than the brake of 10 %" in page
    asked = await browser.submit(f"/plans/{number}/apply")
    assert 'name="over"' in asked.text
    assert await confirm(browser, f"/plans/{number}/apply") == 409
    assert await state(scene, number) is PlanState.PLANNED
    await browser.get(f"/plans/{number}")
    await browser.submit(f"/plans/{number}/apply")
    assert await confirm(browser, f"/plans/{number}/apply", over="yes") == 303


async def test_what_moved_since_a_plan_was_made(scene: Scene) -> None:
    await filled(scene)
    number = await planned(scene)
    browser = await person(scene, "owner")
    assert "Rules changed since" not in (await browser.get(f"/plans/{number}")).text
    await put(scene, "retention", "more", "team", delete=[{"tags": ["x-*"], "not_pushed_within": "1d"}])
    page = (await browser.get(f"/plans/{number}")).text
    assert "Rules changed since" in page
    assert "<li>more of team/</li>" in page
    # A tag that moved since is left when the plan is applied, and the page says why.
    content = pushed(scene)
    content.at += 60
    await content.push(APP, image("another", ["another"]), Tag("build-0"))
    await scene.memory.catalog.retention.plans.apply(number, scene.by())
    await applied(scene, number)
    done = (await browser.get(f"/plans/{number}")).text
    assert "2 deleted, 1 left" in done
    assert "it points at sha256:" in column(done, "Deleted")


async def test_long_columns_go_on(scene: Scene) -> None:
    content = pushed(scene)
    for number in range(70):
        content.at += 1
        await content.push(APP, image(f"app-{number}", ["base"]), Tag(f"build-{number:02}"), Tag(f"kept-{number:02}"))
    await put(
        scene,
        "retention",
        "builds",
        "team",
        delete=[{"tags": ["build-*"]}],
        keep=[{"tags": ["build-69"]}],
        brake=100,
    )
    number = await planned(scene)
    browser = await person(scene, "owner")
    page = (await browser.get(f"/plans/{number}")).text
    found = [*re.findall(r"team/app:(build-\d\d)</a>", page)]
    more = html.unescape(re.findall(r'href="(/plans/\d+\?(?:deleted|kept)=[^"]*)"', page)[0])
    rest = (await browser.get(f"{more}&part=going")).text
    assert "<h1>" not in rest
    found += re.findall(r"team/app:(build-\d\d)</a>", rest)
    assert sorted(found) == sorted({f"build-{each:02}" for each in range(69)} | ({"build-69"} & set(found)))
    kept = [*re.findall(r"team/app:(kept-\d\d)</a>", page)]
    more = html.unescape(re.findall(r'href="(/plans/\d+\?kept=[^"]*)"', page)[0])
    kept += re.findall(r"team/app:(kept-\d\d)</a>", (await browser.get(f"{more}&part=staying")).text)
    assert kept == [f"kept-{each:02}" for each in range(70)]


PLANS = {
    "/plans": (303, 200, 200, 200, 200, 200, 200),
    "/plans/{number}": (303, 404, 200, 200, 404, 404, 200),
    "/plans/999": (303, 404, 404, 404, 404, 404, 404),
    "/plans/x": (303, 404, 404, 404, 404, 404, 404),
    "/trash": (303, 200, 200, 200, 200, 200, 200),
    "/trash?place=team/": (303, 200, 200, 200, 200, 200, 200),
    "/locks?repository=team/app": (303, 200, 200, 200, 404, 404, 200),
    "/locks": (303, 200, 200, 200, 200, 200, 200),
}


@pytest.mark.parametrize(("who", "at"), [(who, at) for at, who in enumerate(PEOPLE)])
async def test_who_sees_which_page(scene: Scene, who: str, at: int) -> None:
    await filled(scene)
    number = await planned(scene)
    await scene.memory.catalog.retention.plans.apply(number, scene.by())
    await applied(scene, number)
    browser = await person(scene, who)
    found = {path: (await browser.get(path.format(number=number))).status for path in PLANS}
    assert found == {path: expected[at] for path, expected in PLANS.items()}
    page = (await browser.get("/trash?place=team/")).text
    knows = who in {"reader", "maintainer", "owner", "admin"}
    assert ("<strong>team/app" in page) is knows
    assert (f"/plans/{number}" in (await browser.get("/plans")).text) is (knows and who != "reader")


@pytest.mark.parametrize("who", ROLES)
async def test_who_may_make_and_apply_plans(scene: Scene, who: str) -> None:
    await filled(scene)
    number = await planned(scene)
    browser = await person(scene, who)
    may = who in {"maintainer", "owner", "admin"}
    await browser.get("/plans?path=team/")
    assert (await browser.submit("/plans", {"path": "team/"})).status == (303 if may else 403)
    await browser.get("/plans")
    status = (await browser.submit(f"/plans/{number}/apply")).status
    assert status == (200 if may else 404)
    await browser.get("/plans")
    assert (await browser.submit(f"/plans/{number}/apply", {"confirmed": "yes"})).status == (303 if may else 404)
    assert await state(scene, number) is (PlanState.APPLYING if may else PlanState.PLANNED)


# --- The trash ------------------------------------------------------------------------------------------------------


async def trashed(scene: Scene) -> None:
    await filled(scene)
    number = await planned(scene)
    await scene.memory.catalog.retention.plans.apply(number, scene.by())
    await applied(scene, number)


async def in_trash(scene: Scene) -> int:
    browser = await person(scene, "admin")
    return (await browser.get("/trash")).text.count("<strong>team/app</strong>")


async def test_what_was_deleted_is_restored(scene: Scene) -> None:
    await trashed(scene)
    browser = await person(scene, "maintainer")
    page = await browser.get("/trash?place=team/")
    assert "in 7 d" in page.text
    assert "Give up" not in page.text  # that is for who administers the place
    fields = {"name": "team/app", "number": page.hidden("number")}
    assert (await browser.submit("/trash/restore", fields)).status == 303
    assert await in_trash(scene) == 2
    again = await browser.get("/trash?place=team/")
    refused = await browser.submit("/trash/restore", fields)
    assert refused.status == 404
    assert again.status == 200
    reader = await person(scene, "reader")
    assert "Restore<" not in (await reader.get("/trash?place=team/")).text
    assert (await reader.submit("/trash/restore", {**fields, "place": "team/"})).status == 403


async def test_giving_up_is_asked_first(scene: Scene) -> None:
    await trashed(scene)
    owner = await person(scene, "owner")
    page = await owner.get("/trash?place=team/")
    number = page.hidden("number")
    asked = await owner.submit("/trash/discard", {"number": number, "place": "team/"})
    assert "Nobody can restore it once it is given up" in asked.text
    assert await in_trash(scene) == 3
    assert await confirm(owner, "/trash/discard") == 303
    assert await in_trash(scene) == 2
    await owner.get("/trash?place=team/")
    emptying = await owner.submit("/trash/empty", {"place": "team/"})
    assert "2 entries" in emptying.text
    assert await confirm(owner, "/trash/empty") == 303
    assert await in_trash(scene) == 0


@pytest.mark.parametrize(
    ("who", "one", "all_"),
    [("reader", 403, 403), ("maintainer", 403, 403), ("elsewhere", 404, 403), ("visitor", 404, 403)],
)
async def test_who_may_not_give_up(scene: Scene, who: str, one: int, all_: int) -> None:
    await trashed(scene)
    number = (await (await person(scene, "admin")).get("/trash")).hidden("number")
    browser = await person(scene, who)
    for fields in ({}, {"confirmed": "yes"}):
        await browser.get("/account")
        assert (await browser.submit("/trash/discard", {"number": number, **fields})).status == one
        await browser.get("/account")
        assert (await browser.submit("/trash/empty", {"place": "team/", **fields})).status == all_
    assert await in_trash(scene) == 3


# --- Locks ----------------------------------------------------------------------------------------------------------


async def test_an_image_is_locked_and_the_lock_lifted_with_reasons(scene: Scene) -> None:
    await filled(scene)
    digest = str(image("release").digest)
    maintainer = await person(scene, "maintainer")
    await maintainer.get("/locks?repository=team/app")
    fields = {"repository": "team/app", "digest": digest, "reason": HOSTILE}
    assert (await maintainer.submit("/locks", fields)).status == 303
    page = (await maintainer.get("/locks?repository=team/app")).text
    assert html.escape(HOSTILE, quote=False)[:20] in page
    assert "<img" not in page
    assert ">Lift<" not in page  # that is for who administers the repository
    assert (await maintainer.submit("/locks", fields)).status == 409
    assert (await maintainer.submit("/locks/lift", {**fields, "confirmed": "yes"})).status == 403
    assert (await maintainer.submit("/locks/lift", fields)).status == 403
    owner = await person(scene, "owner")
    await owner.get("/locks?repository=team/app")
    asked = await owner.submit("/locks/lift", {"repository": "team/app", "digest": digest})
    assert "the audit log keeps it" in asked.text
    assert await confirm(owner, "/locks/lift", reason="") == 400
    await owner.get("/locks?repository=team/app")
    await owner.submit("/locks/lift", {"repository": "team/app", "digest": digest})
    assert await confirm(owner, "/locks/lift", reason="over") == 303
    assert not (await scene.memory.catalog.locks.page(APP, PageRequest())).items


@pytest.mark.parametrize("digest", ["", "x", HOSTILE, f"sha256:{'0' * 64}"])
async def test_what_cannot_be_locked_is_said_where_it_was_typed(scene: Scene, digest: str) -> None:
    await filled(scene)
    browser = await person(scene, "owner")
    await browser.get("/locks?repository=team/app")
    refused = await browser.submit("/locks", {"repository": "team/app", "digest": digest, "reason": "because"})
    assert refused.status in {400, 404}
    assert 'role="alert"' in refused.text
    assert 'value="because"' in refused.text
    assert "<img" not in refused.text
