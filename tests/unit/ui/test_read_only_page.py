"""The page of read-only mode: who sees it, what it says, and the forms that set its switches."""

import pytest

from tests.unit.ui.places import HOSTILE, PEOPLE, person, put, settings_of
from tests.unit.ui.scene import Browser, Scene

PAGE = "/read-only"


async def send(browser: Browser, what: str, **fields: str) -> tuple[int, str]:
    """Send a form of the page; the status, and what the page says then."""
    assert (await browser.get(PAGE)).status == 200
    assert browser.page is not None
    answer = await browser.post(f"{PAGE}/{what}", {"csrf": browser.page.hidden("csrf"), **fields})
    return answer.status, (await browser.get(PAGE)).text if answer.status == 303 else answer.text


@pytest.mark.parametrize(("who", "at"), [(who, at) for at, who in enumerate(PEOPLE)])
async def test_whoever_is_signed_in_sees_it_and_whoever_may_has_the_forms(scene: Scene, who: str, at: int) -> None:
    await put(scene, "read-only", "switch", "", reason="moving the database")
    browser = await person(scene, who)
    answer = await browser.get(PAGE)
    assert answer.status == (303, 200, 200, 200, 200, 200, 200)[at]
    if who:
        assert ("moving the database" in answer.text, "Switch switch off" in answer.text) == (True, who == "admin")


async def test_it_is_switched_on_said_otherwise_and_switched_off(scene: Scene) -> None:
    browser = await person(scene, "admin")
    assert "the registry takes writes" in (await browser.get(PAGE)).text
    status, page = await send(browser, "on", reason=HOSTILE.split('"', maxsplit=1)[0], lasts="2h")
    assert status == 303
    assert "the registry takes no writes" in page
    assert "2027-01-15T10:00:00Z" in page
    assert "<img src=x" not in page
    status, page = await send(browser, "on", reason="still moving")
    assert (status, "still moving" in page, "Until the switch is taken away" in page) == (303, True, True)
    assert await settings_of(scene, "read-only") == [":switch"]
    status, page = await send(browser, "off", name="switch")
    assert (status, "the registry takes writes" in page) == (303, True)
    assert await settings_of(scene, "read-only") == []


async def test_what_is_wrong_is_said_and_changes_nothing(scene: Scene) -> None:
    browser = await person(scene, "admin")
    status, page = await send(browser, "on", reason="moving", lasts="soon")
    assert (status, "is no length of time" in page, 'value="moving"' in page) == (400, True, True)
    assert (await send(browser, "on", reason="x"))[0] == 400
    assert (await send(browser, "off", name="none"))[0] == 404
    assert await settings_of(scene, "read-only") == []


async def test_others_switch_nothing(scene: Scene) -> None:
    await put(scene, "read-only", "switch", "", reason="moving the database")
    other = await person(scene, "owner")
    await other.get("/account")
    assert other.page is not None
    csrf = other.page.hidden("csrf")
    assert (await other.post(f"{PAGE}/off", {"csrf": csrf, "name": "switch"})).status == 403
    assert (await other.post(f"{PAGE}/on", {"csrf": csrf, "reason": "mine now"})).status == 403
    assert await settings_of(scene, "read-only") == [":switch"]
