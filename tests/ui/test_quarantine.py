"""The page of quarantine: who sees what there, and that it is decided of in place."""

import pytest

from tests.content import Pushable, image
from tests.managed import PASSWORD
from tests.ui.site import Site
from tests.ui.test_made import sound

pytestmark = pytest.mark.slow

PLACE = "team/quarantine"
APP = f"{PLACE}/app"
PAGE = f"/r/{PLACE}/-/quarantine"


@pytest.fixture(scope="module")
def held(site: Site) -> Site:
    """paul pushes to a place where a person has to let it out."""
    site.ask("POST", "users", {"name": "paul", "password": PASSWORD})
    site.ask("PUT", "users/paul/password", {"password": PASSWORD, "must_change": False})
    place = {"kind": "namespace", "path": "team"}
    site.ask("POST", "grants", {"principal": "paul", "role": "publisher", "place": place})
    site.sign_in("ada")
    return site


def push(site: Site, name: str, tag: str) -> Pushable:
    what = image(name)
    site.push(APP, what, tag, who="paul")
    return what


def number(site: Site, tag: str) -> int:
    found = site.ask("GET", f"held-pushes?place={PLACE}/")
    return next(int(each["id"]) for each in found if each["tags"] == [tag])


def test_a_rule_is_made_by_its_form(held: Site) -> None:
    browser = held.browser
    assert held.open(f"/rules/quarantine-rules/-/new?path={PLACE}") == 200
    sound(held)
    browser.fill("[name=name]", "incoming")
    browser.check("[name='f.person']")
    browser.fill("[name='f.keep']", "never")
    browser.click("#body > button")
    assert "is no length of time" in browser.text("[role=alert]")
    browser.fill("[name='f.keep']", "7d")
    browser.click("#body > button")
    body = held.ask("GET", f"quarantine-rules/incoming?path={PLACE}")["body"]
    assert (body["person"], body["keep"]) == (True, "7d")


def test_what_waits_is_let_out_in_place(held: Site) -> None:
    browser = held.browser
    what = push(held, "held in the page", "1.0")
    mine = number(held, "1.0")
    for who, rows in (("rita", 0), ("paul", 1), ("ada", 1)):
        held.sign_in(who)
        assert held.open(PAGE) == 200
        assert browser.count("tbody tr") == rows, who
        assert browser.count("form[action='/quarantine/release']") == (who == "ada"), who
        sound(held)
    row = browser.text("tbody tr")
    for words in ("app:1.0", "by paul", "a person", "the gates let it pass"):
        assert words in row, words
    assert "incoming" in browser.text()
    assert "keep: 7d" in browser.text()
    browser.click("tbody td a")
    assert "without its tags 1.0, unseen by others, for somebody to let it out" in browser.text("dl")
    sound(held)
    held.open(PAGE)
    browser.click("tbody summary")
    assert f"orlop quarantine release {mine} " in browser.html("tbody tr")
    assert f"POST /api/v1/held-pushes/{mine}/refuse" in browser.html("tbody tr")
    sound(held)
    browser.fill("[name=reason]", "looked at it")
    browser.click("form[action='/quarantine/release'] button:not([formaction])")
    assert browser.url == f"{held.base}{PAGE}"
    assert "Nothing waits here" in browser.text()
    held.open(f"{PAGE}?state=released")
    assert [words in browser.text("tbody tr") for words in ("by ada", "looked at it", "app:1.0")] == [True] * 3
    sound(held)
    assert held.manifest(APP, "1.0", "rita").status == 200
    assert held.manifest(APP, str(what.digest), "rita").status == 200


def test_whoever_refuses_says_why_and_whoever_pushed_it_reads_it(held: Site) -> None:
    browser = held.browser
    what = push(held, "refused in the page", "2.0")
    held.sign_in("ada", scripts=False)
    held.open(f"/r/{APP}/-/quarantine")
    browser.click("tbody summary")
    browser.click("button[formaction='/quarantine/refuse']")
    assert "say why" in browser.text("[role=alert]")
    assert browser.count("tbody details[open]") == 1, "it stands where it was"
    browser.fill("[name=reason]", "not before Monday")
    browser.click("button[formaction='/quarantine/refuse']")
    assert browser.count("tbody tr") == 0
    held.sign_in("paul")
    held.open(f"/r/{APP}/-/quarantine?state=refused")
    assert "not before Monday" in browser.text("tbody tr")
    sound(held)
    assert held.manifest(APP, str(what.digest), "paul").status == 404


def test_a_refusal_stands_where_it_arose(held: Site) -> None:
    """Whoever pushed it does not let it out; what somebody else decided meanwhile is said."""
    browser = held.browser
    held.push(APP, image("of ada"), "3.0", who="ada")
    mine = number(held, "3.0")
    held.sign_in("ada")
    held.open(PAGE)
    browser.click("tbody summary")
    browser.click("form[action='/quarantine/release'] button:not([formaction])")
    assert "you pushed" in browser.text("[role=alert]")
    held.ask("POST", f"held-pushes/{mine}/refuse", {"reason": "no"})
    browser.click("form[action='/quarantine/release'] button:not([formaction])")
    assert "was refused by admin already" in browser.text("[role=alert]")
