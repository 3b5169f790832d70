"""Boards of pipelines and promotions as pages: who sees them, and what is decided there."""

import re

import pytest

from orlop.domain.names import RepositoryName, Tag
from orlop.faces.ui.browse.history import promotion_of
from tests.content import image
from tests.unit.ui.places import PEOPLE, person, pushed, put
from tests.unit.ui.scene import Browser, Scene

DEV, PROD = RepositoryName("team/dev/app"), RepositoryName("team/prod/app")
ONE, TWO = image("one"), image("two")
BOARD = "/boards/ways/image?path=team&image=app"
PLACE = {"path": "team", "image": "app"}


async def stages(scene: Scene, approvals: int = 0) -> None:
    more = {"approvals": [f"prod={approvals}"]} if approvals else {}
    await put(scene, "pipeline", "ways", "team", stages=["dev=team/dev/", "prod=team/prod/"], **more)
    await pushed(scene).push(DEV, ONE, Tag("1.5"))


async def post(browser: Browser, page: str, address: str, **fields: str) -> tuple[int, str]:
    """Send a form of a page; the status, and what the page says that comes of it."""
    assert (await browser.get(page)).status == 200
    assert browser.page is not None
    answer = await browser.post(address, {"csrf": browser.page.hidden("csrf"), **fields})
    if answer.status != 303:
        return answer.status, answer.text
    return answer.status, (await browser.get(answer.location)).text


async def tag_of(scene: Scene, tag: str = "1.5") -> str | None:
    found = await scene.memory.catalog.manifests.resolve(PROD, Tag(tag))
    return str(found.digest) if found is not None else None


PROMOTE = {**PLACE, "repository": str(DEV), "tag": "1.5", "digest": str(ONE.digest), "stage": "prod"}

#: What each page is answered with, in the order of PEOPLE.
SEEN = {
    "/boards/ways?path=team": (303, 200, 200, 200, 404, 404, 200),
    "/boards/ways": (303, 404, 404, 404, 404, 404, 404),
    BOARD: (303, 200, 200, 200, 404, 404, 200),
    "/promotions": (303, 200, 200, 200, 200, 200, 200),
    "/promotions/1": (303, 200, 200, 200, 404, 404, 200),
    "/promotions?image=team/dev/app:1.5": (303, 200, 200, 200, 404, 404, 200),
    "/r/team/-/promotion": (303, 200, 200, 200, 404, 404, 200),
    "/rules/pipelines/-/new?path=team": (303, 403, 200, 200, 403, 403, 200),
}


@pytest.mark.parametrize(("who", "at"), [(who, at) for at, who in enumerate(PEOPLE)])
async def test_who_sees_which_page(scene: Scene, who: str, at: int) -> None:
    await stages(scene, 1)
    assert (await post(await person(scene, "admin"), BOARD, "/boards/ways/promote", **PROMOTE))[0] == 303
    browser = await person(scene, who)
    found = {path: (await browser.get(path)).status for path in SEEN}
    assert found == {path: expected[at] for path, expected in SEEN.items()}
    listed = (await browser.get("/promotions")).text
    assert ("/promotions/1" in listed) is (who in {"reader", "maintainer", "owner", "admin"})


async def test_what_stands_in_a_stage_is_promoted_in_place(scene: Scene) -> None:
    await stages(scene)
    browser = await person(scene, "maintainer")
    page = (await browser.get(BOARD)).text
    assert "nothing holds it back" in page
    assert "orlop promote registry.example/team/dev/app:1.5 --to prod --pipeline ways" in page
    status, page = await post(browser, BOARD, "/boards/ways/promote", **PROMOTE)
    assert (status, await tag_of(scene)) == (303, str(ONE.digest))
    assert "the same image" in page
    assert "another" not in (await browser.get("/boards/ways?path=team")).text.lower().split("another: the stage")[0]


async def test_what_is_not_what_was_shown_is_not_promoted(scene: Scene) -> None:
    await stages(scene)
    browser = await person(scene, "maintainer")
    await browser.get(BOARD)
    await pushed(scene).push(DEV, TWO, Tag("1.5"))
    status, page = await post(browser, BOARD, "/boards/ways/promote", **PROMOTE)
    assert (status, await tag_of(scene)) == (412, None)
    assert "is not what was shown any more" in page


async def test_a_reader_is_told_what_holds_it_back_and_has_no_form(scene: Scene) -> None:
    await stages(scene)
    await put(scene, "gate", "has-sbom", "team/prod", on=["promotion"], require_sbom=True, mode="enforce")
    page = (await (await person(scene, "maintainer")).get(BOARD)).text
    assert "gate has-sbom on team/prod refuses app:1.5" in page
    assert 'action="/boards/ways/promote"' not in page
    page = (await (await person(scene, "reader")).get(BOARD)).text
    assert "held back" in page
    assert '<form method="post" action="/boards' not in page


@pytest.mark.parametrize("place", ["board", "promotion"])
async def test_one_that_waits_is_approved_or_refused_in_place(scene: Scene, place: str) -> None:
    await stages(scene, 1)
    owner, other, reader = [await person(scene, name) for name in ("owner", "maintainer", "reader")]
    await post(owner, BOARD, "/boards/ways/promote", **PROMOTE)
    page, begin, more = (BOARD, "/boards/ways", PLACE) if place == "board" else ("/promotions/1", "/promotions/1", {})
    more = {**more, "number": "1"} if place == "board" else {}
    assert "Approve" not in (await reader.get(page)).text
    own = (await owner.get(page)).text
    assert ("<button>Approve" in own, "Refuse" in own) == (False, True)
    status, said = await post(owner, page, f"{begin}/approve", **more)
    assert (status, "somebody else has to approve it" in said) == (403, True)
    status, said = await post(other, page, f"{begin}/refuse", **more)
    assert (status, "say why, for whoever asked for it" in said) == (400, True)
    assert "<button>Approve" in said
    status, _ = await post(other, page, f"{begin}/approve", **more)
    assert (status, await tag_of(scene)) == (303, str(ONE.digest))
    status, said = await post(other, "/promotions/1", f"{begin}/refuse", reason="too late", **more)
    assert (status, "promotion 1 is done" in said) == (412, True)


async def test_the_last_promotion_is_rolled_back_and_no_other(scene: Scene) -> None:
    await stages(scene)
    browser = await person(scene, "owner")
    await post(browser, "/promotions", "/boards/ways/promote", **PROMOTE)
    await pushed(scene).push(DEV, TWO, Tag("1.5"))
    status, said = await post(browser, "/promotions", "/boards/ways/promote", **{**PROMOTE, "digest": str(TWO.digest)})
    assert (status, await tag_of(scene)) == (303, str(TWO.digest)), said[-3000:]
    assert "Roll it back" not in (await browser.get("/promotions/1")).text
    status, said = await post(browser, "/promotions/1", "/promotions/1/roll-back", reason="it broke")
    assert (status, "promotion 2 came after 1; roll that back first" in said) == (412, True)
    assert "Roll it back" in (await browser.get("/promotions/2")).text
    assert "Roll it back" not in (await (await person(scene, "reader")).get("/promotions/2")).text
    status, said = await post(browser, "/promotions/2", "/promotions/2/roll-back", reason="")
    assert (status, "say why, for whoever comes after you" in said) == (400, True)
    status, said = await post(browser, "/promotions/2", "/promotions/2/roll-back", reason="it broke")
    assert (status, await tag_of(scene)) == (303, str(ONE.digest))
    assert ("rolled back" in said, "it broke" in said) == (True, True)


async def test_a_board_goes_on_and_a_row_unfolds(scene: Scene) -> None:
    await stages(scene)
    for number in range(60):
        await pushed(scene).push(RepositoryName(f"team/dev/n{number:02}"), ONE, Tag("1"))
    browser = await person(scene, "reader")
    first = (await browser.get("/boards/ways?path=team")).text
    assert (re.search(r">n48<", first) is not None, ">n49<" in first) == (True, False)
    rest = (await browser.get("/boards/ways?path=team&last=n48&part=rows")).text
    assert (">n49<" in rest, ">n59<" in rest, "<h1>" in rest) == (True, True, False)
    below = (await browser.get(f"{BOARD}&part=below")).text
    assert below.strip().startswith('<tr class="below"><td colspan="4">')
    assert "dev to prod" in below


async def test_promotions_are_found_by_state_and_image(scene: Scene) -> None:
    await stages(scene)
    browser = await person(scene, "admin")
    await post(browser, BOARD, "/boards/ways/promote", **PROMOTE)
    for address, there in {
        "?state=done": True,
        "?state=waiting": False,
        "?state=nonsense": True,
        "?image=team/prod/app:1.5": True,
        "?state=refused&image=team/prod/app:1.5": False,
    }.items():
        page = await browser.get(f"/promotions{address}")
        assert (page.status, '"/promotions/1"' in page.text) == (200, there), address
    wrong = await browser.get("/promotions?image=Not%20an%20image")
    assert wrong.status == 400


async def test_what_holds_one_back_that_waits_is_told_to_those_who_decide(scene: Scene) -> None:
    await stages(scene, 1)
    owner, other, reader = [await person(scene, name) for name in ("owner", "maintainer", "reader")]
    await post(owner, BOARD, "/boards/ways/promote", **PROMOTE)
    assert 'hx-get="/promotions/1/trial?part=said"' in (await other.get("/promotions/1")).text
    for browser in (owner, other):
        assert "nothing holds it back" in (await browser.get("/promotions/1/trial")).text
    await put(scene, "gate", "has-sbom", "team/prod", on=["promotion"], require_sbom=True, mode="enforce")
    part = (await other.get("/promotions/1/trial?part=said")).text
    assert ("gate has-sbom on team/prod refuses app:1.5" in part, "<h1>" in part) == (True, False)
    assert "What holds it back now" not in (await reader.get("/promotions/1")).text
    told = (await reader.get("/promotions/1/trial")).text
    assert ("has-sbom" in told, "not known" in told) == (False, True)
    assert (await (await person(scene, "elsewhere")).get("/promotions/1/trial")).status == 404
    await post(owner, "/promotions/1", "/promotions/1/refuse", reason="not <b>yet</b>")
    page = (await other.get("/promotions/1")).text
    assert "owner refused it: not &lt;b&gt;yet&lt;/b&gt;" in page
    assert "owner asked for it, which takes 1 approval" in page
    assert "promotion 1 is refused" in (await other.get("/promotions/1/trial")).text


async def test_the_form_is_not_shown_beside_the_promotion_that_it_would_ask_for(scene: Scene) -> None:
    await stages(scene, 1)
    browser = await person(scene, "maintainer")
    await post(browser, BOARD, "/boards/ways/promote", **PROMOTE)
    page = (await browser.get(BOARD)).text
    assert 'as <a href="/promotions/1">promotion 1</a>' in page
    assert 'action="/boards/ways/promote"' not in page
    await pushed(scene).push(DEV, TWO, Tag("1.6"))
    assert 'action="/boards/ways/promote"' in (await browser.get(BOARD)).text, "that is another image"


async def test_a_step_that_cannot_be_tried_leaves_the_others_on_the_page(scene: Scene) -> None:
    """Of two pipelines with one name a promotion names none: the sentence stands where the trial would."""
    await stages(scene)
    await put(scene, "pipeline", "ways", "", stages=["dev=team/dev/", "prod=team/prod/"])
    page = await (await person(scene, "maintainer")).get(BOARD)
    assert page.status == 200
    assert "is in several pipelines with a stage prod" in page.text
    assert 'action="/boards/ways/promote"' not in page.text


@pytest.mark.parametrize(("reason", "said"), [("no", "say why"), ("x" * 513, "at most 512 characters")])
async def test_a_reason_is_as_long_as_in_the_api(scene: Scene, reason: str, said: str) -> None:
    await stages(scene, 1)
    browser = await person(scene, "owner")
    await post(browser, BOARD, "/boards/ways/promote", **PROMOTE)
    for page, action in (("/promotions/1", "/promotions/1/refuse"), (BOARD, "/boards/ways/refuse")):
        status, text = await post(browser, page, action, number="1", reason=reason, **PLACE)
        assert (status, said in text) == (400, True), action
    assert "waiting" in (await browser.get("/promotions/1")).text


async def test_the_history_of_a_tag_leads_to_the_promotion_that_set_it(scene: Scene) -> None:
    await stages(scene)
    browser = await person(scene, "owner")
    await post(browser, BOARD, "/boards/ways/promote", **PROMOTE)
    await post(browser, "/promotions/1", "/promotions/1/roll-back", reason="it broke")
    page = (await browser.get(f"/r/{PROD}/-/history")).text
    assert '<a href="/promotions/1">promotion 1 of ways, from dev to prod</a>' in page
    assert '<a href="/promotions/1">rollback of promotion 1: it broke</a>' in page
    assert "/promotions/" not in (await browser.get(f"/r/{DEV}/-/history")).text.partition("<main")[2]


@pytest.mark.parametrize(
    ("detail", "number"),
    [
        ("promotion 12 of ways, from a to b", 12),
        ("rollback of promotion 3: promotion 4 of x", 3),
        ("not promotion 12 of ways", None),
        ("promotion 12", None),
        (f"promotion {'9' * 30} of ways", None),
        ("", None),
    ],
)
def test_only_what_a_promotion_did_leads_to_one(detail: str, number: int | None) -> None:
    assert promotion_of(detail) == number


async def test_places_that_no_pipeline_leads_through_have_no_tab(scene: Scene) -> None:
    await stages(scene)
    await pushed(scene).push(RepositoryName("team/other/app"), ONE, Tag("1"))
    reader, tab = await person(scene, "reader"), "/-/promotion"
    for place, shown in {"team": True, "team/dev": True, str(DEV): True, "team/other/app": False}.items():
        assert (f'"/r/{place}{tab}"' in (await reader.get(f"/r/{place}")).text) is shown, place
    page = (await reader.get(f"/r/{DEV}{tab}")).text
    assert '"/boards/ways/image?path=team&amp;image=app"' in page
    assert "No pipeline that you may see" in (await reader.get(f"/r/team/other/app{tab}")).text
