"""The board of a pipeline and the pages of promotions: what stands where, what holds it back, decisions in place."""

import pytest

from tests.content import Pushable, image
from tests.managed import PASSWORD
from tests.ui.site import Site
from tests.ui.test_made import sound

pytestmark = pytest.mark.slow

PLACE = "team/way"
BOARD = f"/boards/way?path={PLACE.replace('/', '%2F')}"


@pytest.fixture(scope="module")
def way(site: Site) -> Site:
    """peter pushes to dev and prod, and so does ada; a pipeline is made by its form."""
    site.ask("POST", "users", {"name": "peter", "password": PASSWORD})
    site.ask("PUT", "users/peter/password", {"password": PASSWORD, "must_change": False})
    place = {"kind": "namespace", "path": "team"}
    site.ask("POST", "grants", {"principal": "peter", "role": "publisher", "place": place})
    push(site, "1.5")
    site.sign_in("ada")
    browser = site.browser
    assert site.open(f"/r/{PLACE}/-/promotion") == 200
    assert "No pipeline that you may see passes here." in browser.text()
    sound(site)
    browser.click("a[href^='/rules/pipelines/-/new']")
    browser.fill("[name=name]", "way")
    browser.fill("[name='f.stages']", f"dev={PLACE}/dev/\nstaging={PLACE}/staging/\nprod={PLACE}/prod/")
    browser.fill("[name='f.approvals']", "prod=1")
    sound(site)
    browser.click("#body > button")
    assert site.ask("GET", f"pipelines/way?path={PLACE}")["body"]["approvals"] == ["prod=1"]
    return site


def push(site: Site, tag: str) -> Pushable:
    what = image(f"on its way {tag}")
    site.push(f"{PLACE}/dev/app", what, tag, who="peter")
    return what


def test_an_image_goes_its_way_on_the_board(way: Site) -> None:
    browser = way.browser
    way.sign_in("peter")
    assert way.open(f"/r/{PLACE}/-/promotion") == 200
    assert "1 approval" in browser.text()
    sound(way)
    browser.click("h2 a")
    assert browser.url == f"{way.base}{BOARD}"
    assert [words in browser.text("tbody tr") for words in ("app", "1.5", "nothing")] == [True] * 3
    sound(way)
    browser.click("td.act a")
    browser.until("document.querySelector('tr.below') !== null")
    assert "nothing holds it back" in browser.text("tr.below")
    sound(way)
    browser.click("tr.below form button")
    assert "dev to staging" in browser.text()
    assert "the same image" in browser.text()
    sound(way)
    browser.click("form[action='/boards/way/promote'] button")
    assert "waiting 0 of 1 approved" in " ".join(browser.text("section.card").split())
    assert browser.count("form[action='/boards/way/refuse']") == 1
    assert browser.count("form[action='/boards/way/approve']") == 0, "somebody else has to approve it"
    sound(way)
    browser.click("section.card h3 a")
    browser.until("document.querySelector('dl').innerText.includes('nothing holds it back')")
    assert "peter asked for it, which takes 1 approval" in browser.text()
    sound(way)
    way.open(f"{browser.url.removeprefix(way.base)}/trial")
    assert "nothing holds it back" in browser.text("dl")
    sound(way)


def test_it_is_approved_without_scripts_and_rolled_back(way: Site) -> None:
    browser = way.browser
    way.sign_in("ada", scripts=False)
    way.open(BOARD)
    assert "waits for prod" in browser.text("tbody tr")
    browser.click("td.act a")
    browser.click("form[action='/boards/way/approve'] button[formaction]")
    assert "say why" in browser.text("[role=alert]")
    browser.click("form[action='/boards/way/approve'] button:not([formaction])")
    assert browser.count("form[action='/boards/way/approve']") == 0
    assert way.manifest(f"{PLACE}/prod/app", "1.5").status == 200
    way.sign_in("ada")
    assert way.open(f"/r/{PLACE}/prod/app/-/history") == 200
    browser.click("tbody td span a[href^='/promotions/']")
    assert "From staging to prod" in browser.text()
    way.open("/promotions?state=done")
    sound(way)
    browser.click("tbody td a")
    assert [words in browser.text() for words in ("peter", "ada approved it", "From staging to prod")] == [True] * 3
    sound(way)
    browser.click("section summary")
    browser.fill("[name=reason]", "it broke")
    browser.click("form[action$='/roll-back'] button")
    assert "rolled back" in browser.text("dl")
    assert way.manifest(f"{PLACE}/prod/app", "1.5").status == 404
    sound(way)


def test_a_gate_is_said_where_it_holds_back(way: Site) -> None:
    browser = way.browser
    gate = {"on": ["promotion"], "require_sbom": True, "mode": "enforce"}
    way.put(f"gates/has-sbom?path={PLACE}/prod", gate)
    way.sign_in("peter")
    way.open(f"/boards/way/image?path={PLACE}&image=app")
    assert f"gate has-sbom on {PLACE}/prod refuses app:1.5: it has no SBOM" in browser.text()
    sound(way)
