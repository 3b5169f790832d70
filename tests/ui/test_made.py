"""Pages of what somebody made first, confirmations of what destroys something, curves, sliders and frames of others: as
`test_walk` looks at pages, and what only a browser can tell."""

import sqlite3
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.content import image
from tests.serving import eventually
from tests.ui.site import Site
from tests.ui.test_walk import LOOKS, WITH_AXE

pytestmark = pytest.mark.slow

#: Where the content of these tests is.
PLACE = "deep"
_DAYS = 30


class Made:
    """What the pages are about, by its numbers."""

    def __init__(self, site: Site) -> None:
        site.put(f"namespaces/{PLACE}", {"description": "What these tests made"})
        hook = {"url": "http://127.0.0.1:9/hook", "events": ["tag.*"]}
        site.put(f"webhooks/deep-hook?path={PLACE}", hook)
        for number in range(1, 7):
            site.push(f"{PLACE}/app", image(f"deep-{number}"), f"build-{number}")
        rule = {"delete": [{"tags": ["build-*"]}], "keep": [{"tags": ["build-*"], "newest": 2}], "brake": 100}
        site.put(f"retention-rules/deep?path={PLACE}", rule)
        site.delete(f"{PLACE}/app", "build-6")
        site.ask("POST", "robots", {"name": "robot+deep", "namespace": PLACE})
        site.ask("POST", "groups", {"name": "deepers"})
        site.put("namespaces/all", {})
        site.put("upstreams/hub?path=hub", {"url": f"http://localhost:{site.server.port}"})
        site.put("virtuals/all?path=all", {"members": [PLACE, "open"]})
        self.plan = int(site.ask("POST", "retention-plans", {"path": PLACE})["id"])
        eventually("the plan is made", lambda: site.ask("GET", f"retention-plans/{self.plan}")["state"] == "planned")
        self.job = int(site.ask("GET", f"retention-plans/{self.plan}")["job"])
        eventually("something is delivered", lambda: bool(self.deliveries(site)))
        self.delivery = int(self.deliveries(site)[0]["id"])

    @staticmethod
    def deliveries(site: Site) -> list[dict[str, Any]]:
        """Those of the webhook so far."""
        return list(site.ask("GET", f"webhooks/deep-hook/deliveries?path={PLACE}"))


@pytest.fixture(scope="module")
def made(site: Site) -> Made:
    return Made(site)


def sound(site: Site) -> None:
    """The page that is open is, in all lights and widths."""
    browser, wrong = site.browser, []
    for dark, width in LOOKS:
        browser.look(dark=dark, width=width)
        if (dark, width) in WITH_AXE:
            wrong += [(browser.url, dark, width, *barrier) for barrier in browser.barriers()]
        wrong += [(browser.url, dark, width, "is wider than its window by", element) for element in browser.beyond()]
    text = browser.text("body")
    wrong += [(browser.url, "shows", word) for word in ("None", "ndefined", "[object") if word in text]
    wrong += [(url, "complains", words) for url, words in browser.complaints(site.base)]
    assert not wrong, "\n".join(map(str, wrong))


def test_pages_of_what_was_made_are_sound(site: Site, made: Made) -> None:
    site.sign_in("admin")
    for path in (
        f"/plans/{made.plan}",
        f"/jobs/{made.job}",
        "/webhooks",
        f"/webhooks/deep-hook?path={PLACE}",
        f"/webhooks/deliveries/{made.delivery}",
        "/robots/robot+deep",
        "/groups/deepers",
        "/people?begins=a",
        "/world",
        "/world/upstreams/hub?path=hub",
        "/r/all",
        f"/rules/retention-rules/deep?path={PLACE}",
        f"/rules/retention-rules/deep/trial?path={PLACE}",
        f"/labels?repository={PLACE}/app",
        f"/labels?repository={PLACE}/app&reference=build-1",
    ):
        assert site.open(path) == 200, path
        sound(site)


def test_confirmations_are_sound_and_say_what_goes(site: Site, made: Made) -> None:
    site.sign_in("admin")
    browser = site.browser
    site.open(f"/plans/{made.plan}")
    browser.click(f"form[action='/plans/{made.plan}/apply'] button")
    assert "It deletes 3 of 5 tags" in browser.text()
    sound(site)
    site.open(f"/r/{PLACE}/app")
    browser.check("input[name='tag.build-1']")
    browser.click("form[action='/tags/plan'] > button")
    assert "build-1" in browser.text()
    sound(site)
    site.open(f"/trash?place={PLACE}/")
    browser.click("form[action='/trash/empty'] button")
    assert "1 entr" in browser.text()
    sound(site)
    for path in (f"/namespaces/remove?path={PLACE}", f"/repositories/remove?name={PLACE}/app"):
        assert site.open(path) == 200
        sound(site)
    # Nothing of that was confirmed.
    assert site.ask("GET", f"retention-plans/{made.plan}")["state"] == "planned"
    assert len(site.ask("GET", f"trash?place={PLACE}/")) == 1


def test_a_slider_redraws_what_a_rule_would_do(site: Site, made: Made) -> None:
    site.sign_in("admin")
    browser, trial = site.browser, f"/rules/retention-rules/deep/trial?path={PLACE}"
    site.open(trial)
    assert "3 of 5 tags" in browser.text("#trial")
    browser.fill("input[type=range]", "4")
    browser.until("document.querySelector('#trial').innerText.includes('1 of 5 tags')")
    browser.until("document.querySelector(\"[name='keep.0.newest']\").value === '4'")
    assert "Save the rule with these numbers" in browser.text("#trial")
    site.sign_in("admin", scripts=False)
    site.open(trial)
    assert browser.count("input[type=range]") == 0
    browser.fill("[name='keep.0.newest']", "3")
    browser.click("form[aria-label=Numbers] button")
    assert "2 of 5 tags" in browser.text("#trial")
    assert site.ask("GET", f"retention-rules/deep?path={PLACE}")["body"]["keep"][0]["newest"] == 2


def test_how_a_place_grew_is_a_curve_and_a_table(site: Site, made: Made) -> None:
    today = int(time.time()) // 86_400
    rows = [(today - number, (_DAYS - number) * 1_000_000) for number in range(1, _DAYS)]
    with sqlite3.connect(next(site.server.data.rglob("catalog.sqlite")), timeout=30) as catalog:
        found = catalog.execute("SELECT id FROM namespaces WHERE path = ?", (PLACE,)).fetchone()
        catalog.executemany(
            "INSERT OR REPLACE INTO usage_days (namespace_id, day, stored_bytes, logical_bytes, tags, manifests,"
            " repositories) VALUES (?, ?, ?, ?, 1, 1, 1)",
            [(found[0], day, size, size * 2) for day, size in rows],
        )
    catalog.close()
    site.sign_in("admin")
    site.open(f"/r/{PLACE}/-/usage")
    site.browser.until("document.querySelector('.curve canvas') !== null")
    assert site.browser.drawn(".curve") > 1_000
    sound(site)
    site.sign_in("admin", scripts=False)
    site.open(f"/r/{PLACE}/-/usage")
    assert site.browser.count(".curve canvas") == 0
    assert site.browser.html().count("<time") >= _DAYS - 1


# --- Frames of other sites -------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(site: Site) -> Iterator[str]:
    """Another site, which puts a page of the registry into a frame, and one of its own beside it."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            framed = f'<iframe src="{site.base}/account"></iframe><iframe src="/own"></iframe>'
            body = b"a page of ours" if self.path == "/own" else f"<!doctype html>{framed}".encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_frame_of_another_site_shows_nothing_of_a_page(site: Site, elsewhere: str) -> None:
    site.sign_in("admin")
    assert site.open("/account") == 200
    site.browser.goto(elsewhere)
    ours, own = site.browser.frames()
    assert own == (f"{elsewhere}/own", "a page of ours")
    assert not ours[0].startswith(site.base)
    assert "admin" not in ours[1]
    assert any("frame-ancestors" in words for _, words in site.browser.complaints(elsewhere))
