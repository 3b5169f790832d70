"""What holds for every route, by the table of all of them: who is let in, and what other sites can cause."""

import hashlib
import re
from importlib.resources import files

import pytest

from orlop.faces.ui.app import UiFace
from orlop.faces.ui.routes import Route
from orlop.faces.ui.static_files import address, static_files
from tests.unit.ui.scene import BASE, Browser, Scene

#: What a name in a path is, where any text does.
_ANY = "1"


def routes(scene: Scene, method: str) -> list[Route]:
    """All of a method."""
    assert isinstance(scene.app.face, UiFace)
    found = [route for route in scene.app.face.routes.all if route.method == method]
    assert found
    return found


def path(route: Route) -> str:
    """One that the route takes."""
    return re.sub(r"\{[^}]*\}", _ANY, route.path)


async def signed_in(scene: Scene) -> Browser:
    await scene.user()
    browser = scene.browser()
    assert (await browser.sign_in()).status == 303
    return browser


async def test_only_open_pages_are_shown_to_somebody_who_is_not_signed_in(scene: Scene) -> None:
    for route in routes(scene, "GET"):
        answer = await scene.browser().get(path(route))
        if not route.open:
            assert (answer.status, answer.location) == (303, f"/login?next={path(route)}"), route
        assert answer.status < 500, route


async def test_a_form_of_another_site_is_refused_whatever_it_is_for(scene: Scene) -> None:
    browser = await signed_in(scene)
    await browser.get("/account")
    assert browser.page is not None
    token = browser.page.hidden("csrf")
    for route in routes(scene, "POST"):
        if route.foreign:
            continue
        for origin in ("https://evil.example", "null", "", BASE + ".evil.example"):
            answer = await browser.post(path(route), {"csrf": token}, origin=origin)
            assert answer.status == 403, (route, origin)


async def test_a_form_that_no_page_gave_is_refused_whatever_it_is_for(scene: Scene) -> None:
    browser, other = await signed_in(scene), scene.browser()
    await other.get("/login")
    assert other.page is not None
    for route in routes(scene, "POST"):
        if route.foreign:
            continue
        for token in ("", "00" * 64, "x", other.page.hidden("csrf")):
            assert (await browser.post(path(route), {"csrf": token})).status == 403, (route, token)


async def test_only_providers_send_forms_without_a_page(scene: Scene) -> None:
    foreign = [route.path for method in ("GET", "POST") for route in routes(scene, method) if route.foreign]
    assert foreign == ["/login/backchannel/{provider}"]


async def test_a_token_of_a_form_is_another_on_each_page_and_each_of_them_does(scene: Scene) -> None:
    browser = await signed_in(scene)
    tokens = []
    for _ in range(3):
        await browser.get("/account")
        assert browser.page is not None
        tokens.append(browser.page.hidden("csrf"))
    assert len(set(tokens)) == 3
    for token in tokens:
        answer = await browser.post("/account/tokens", {"csrf": token, "name": token[:8], "use": "pull", "days": "7"})
        assert answer.status == 200


async def test_pages_and_files_are_zipped_for_browsers_that_take_it(scene: Scene) -> None:
    browser = await signed_in(scene)
    for target in ("/account", address("orlop.css")):
        plain, zipped = await browser.get(target), await browser.get(target, accept_encoding="gzip, br")
        assert plain.header("content-encoding") == ""
        assert zipped.header("content-encoding") == "gzip"
        assert len(zipped.body) < len(plain.body) / 2


async def test_a_file_is_kept_for_ever_under_the_name_of_its_content_alone(scene: Scene) -> None:
    browser = scene.browser()
    kept = await browser.get(address("orlop.css"))
    assert kept.header("cache-control") == "public, max-age=31536000, immutable"
    assert (await browser.get("/static/orlop.css?other")).header("cache-control") == "public, max-age=300"
    again = await browser.get(address("orlop.css"), if_none_match=kept.header("etag"))
    assert (again.status, again.body) == (304, b"")
    for missing in ("/static/", "/static/../app.py", "/static/vendored/SHA256SUMS", "/static/nothing.js"):
        assert (await browser.get(missing)).status == 404


@pytest.mark.parametrize("name", [name for name in static_files() if name.startswith("vendored/")])
def test_what_others_wrote_is_what_they_published(name: str) -> None:
    folder = files("orlop.faces.ui") / "static" / "vendored"
    sums = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert hashlib.sha256(static_files()[name].content).hexdigest() == sums[name.removeprefix("vendored/")]


async def test_help_has_commands_for_this_registry(scene: Scene) -> None:
    anybody = (await scene.browser().get("/help")).text
    assert "docker login registry.example -u NAME<" in anybody
    ada = (await (await signed_in(scene)).get("/help")).text
    assert "docker login registry.example -u ada<" in ada
    assert all(role in ada for role in ("reader", "publisher", "maintainer", "owner"))
