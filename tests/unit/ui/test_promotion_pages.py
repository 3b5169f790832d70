"""Boards of pipelines and promotions as pages: who sees them, and what is decided there."""

import re

import pytest

from orlop.domain.names import RepositoryName, Tag
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
