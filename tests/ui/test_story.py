"""What somebody does who never saw it, with nothing but the pages: docs/ui.md tells the same, with the pictures that
this test takes when it is asked to (`make pictures`)."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.content import platform_index
from tests.oidc.machines import browsing
from tests.servers import OrlopServer
from tests.ui.site import PASSWORD, Site

pytestmark = pytest.mark.slow

_DOCS = Path(__file__).parents[2] / "docs"
_PICTURES = _DOCS / "pictures" / "ui"
_ADA, _ADAS_OWN = "a first phrase for ada", "a phrase of her own"


@pytest.fixture(name="new")
def _new(tmp_path: Path) -> Iterator[Site]:
    """A registry that was started a moment ago."""
    with ExitStack() as stack:
        browser = stack.enter_context(browsing())
        server = OrlopServer(tmp_path, {"open": False, "admin_password": PASSWORD, "workers": 1})
        server.start()
        stack.callback(server.kill)
        yield Site(server, browser)


def picture(site: Site, name: str) -> None:
    """What stands in the window, for the documentation; taken only when that is asked for."""
    if os.environ.get("ORLOP_TEST_PICTURES"):
        _PICTURES.mkdir(parents=True, exist_ok=True)
        site.browser.shot(_PICTURES / f"{name}.png", whole=False)


def test_from_the_first_start_to_an_undone_deletion(new: Site) -> None:
    browser = new.browser
    new.sign_in("admin")
    assert "Three steps to the first push" in browser.text()
    picture(new, "first-start")

    # What `docker push` does is done here by the test itself.
    for number in range(1, 4):
        new.push("team/app", platform_index(f"app-{number}"), f"1.{number}.0", "prod")
    new.open("/")
    browser.click("a[href='/r/team']")
    browser.click("a[href='/r/team/app']")
    assert "1.3.0" in browser.text()
    picture(new, "repository")
    browser.click("a[href='/r/team/app:prod']")
    assert "docker pull" in browser.text()
    picture(new, "image")

    # A colleague gets an account, and a right on one namespace.
    new.open("/people")
    browser.fill("form[action='/people'][method=post] [name=name]", "ada")
    browser.fill("form[action='/people'][method=post] [name=password]", _ADA)
    browser.click("form[action='/people'][method=post] button")
    new.open("/r/team/-/people")
    browser.fill("form[action='/who/grant'] [name=principal]", "ada")
    browser.select("form[action='/who/grant'] [name=role]", "maintainer")
    browser.click("form[action='/who/grant'] button")
    assert "ada" in browser.text("tbody")
    picture(new, "people")

    # She signs in, chooses a password of her own, and finds what is hers.
    browser.fresh(width=1280)
    new.open("/login")
    browser.fill("main [name=name]", "ada")
    browser.fill("main [name=password]", _ADA)
    browser.click("main form button")
    browser.fill("[name=old]", _ADA)
    browser.fill("[name=new]", _ADAS_OWN)
    browser.fill("[name=again]", _ADAS_OWN)
    browser.click("main form button")
    new.open("/search?q=app")
    assert "team/app" in browser.text()
    picture(new, "search")

    # `prod` goes back to what it was before.
    new.open("/r/team/app/-/history?tag=prod")
    picture(new, "history")
    before = platform_index("app-2").digest
    browser.click(f"a[href*='{before.replace(':', '%3A')}'][href^='/rollback']")
    browser.click("form[action='/rollback'] button")
    assert new.ask("GET", "tag-history?repository=team/app&tag=prod")[0]["digest"] == before

    # A tag is deleted, and comes back.
    new.open("/r/team/app")
    browser.click("input[name='tag.1.1.0']")
    browser.click("form[action='/tags/plan'] button")
    picture(new, "deletion")
    browser.click("form[action='/tags/delete'] button")
    browser.click("main a[href^='/trash']")
    picture(new, "trash")
    browser.click("form[action='/trash/restore'] button")
    new.open("/r/team/app")
    assert "1.1.0" in browser.text("tbody")

    # A rule, and what it would do; how the registry fares.
    new.open("/r/team/-/usage")
    picture(new, "usage")
    new.sign_in("admin")
    new.open("/health")
    picture(new, "health")


def test_the_documentation_shows_every_picture_that_is_taken() -> None:
    taken = set(re.findall(r'picture\(new, "([a-z-]+)"\)', Path(__file__).read_text()))
    shown = set(re.findall(r"pictures/ui/([a-z-]+)\.png", (_DOCS / "ui.md").read_text()))
    assert taken == shown == {each.stem for each in _PICTURES.glob("*.png")}
