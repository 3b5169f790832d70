"""The page of the keys that sign what the registry attests: who sees it, and who changes them."""

import pytest

from tests.unit.ui.places import PEOPLE, person
from tests.unit.ui.scene import Browser, Scene

PAGE = "/signing-keys"


async def press(browser: Browser, what: str) -> tuple[int, str]:
    """Send a form of the page; the status, and what the page says then."""
    assert (await browser.get(PAGE)).status == 200
    assert browser.page is not None
    answer = await browser.post(f"{PAGE}/{what}", {"csrf": browser.page.hidden("csrf")})
    return answer.status, (await browser.get(PAGE)).text if answer.status == 303 else answer.text


@pytest.mark.parametrize(("who", "at"), [(who, at) for at, who in enumerate(PEOPLE)])
async def test_who_sees_it(scene: Scene, who: str, at: int) -> None:
    browser = await person(scene, who)
    assert (await browser.get(PAGE)).status == (303, 403, 403, 403, 403, 403, 200)[at]


async def test_a_key_is_made_rotated_and_retired(scene: Scene) -> None:
    browser = await person(scene, "admin")
    page = (await browser.get(PAGE)).text
    assert ("signs nothing" in page, "orlop signing init" in page, "Rotate" in page) == (True, True, False)
    status, page = await press(browser, "init")
    assert (status, page.count("it signs now"), page.count("BEGIN PUBLIC KEY")) == (303, 1, 1)
    assert "PRIVATE" not in page
    status, page = await press(browser, "rotate")
    assert (status, page.count("it signs now"), page.count("BEGIN PUBLIC KEY")) == (303, 1, 2)
    status, page = await press(browser, "stop")
    assert (status, page.count("it signs now"), "signs nothing" in page) == (303, 0, True)
    status, page = await press(browser, "stop")
    assert (status, "no key signs" in page) == (409, True)
    other = await person(scene, "owner")
    await other.get("/account")
    assert other.page is not None
    assert (await other.post(f"{PAGE}/init", {"csrf": other.page.hidden("csrf")})).status == 403
    assert "it signs now" not in (await browser.get(PAGE)).text
