"""Pages of gates and signers: the forms that make them, what a gate would hold back, and what an image's page says."""

import json
from typing import Any

import pytest

from tests.contract.advisories import advisory
from tests.packaged import configured
from tests.ui.site import HOSTILE, Site
from tests.ui.test_inside import layer, read
from tests.ui.test_made import sound

pytestmark = pytest.mark.slow

#: Where the content of these tests is.
PLACE = "team/gated"
RUN = {"os": "linux", "architecture": "amd64", "config": {"User": "1000", "Labels": {"owner": HOSTILE}}}
_STATUS = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {1}\n\n"
_RELEASE = 'ID=debian\nVERSION_ID="12"\n'
#: A public key that was made for this.
KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEANVs0riOF7DLAqDeoqRSpROmxSHNh+K0o8or3tKeEV2g=
-----END PUBLIC KEY-----
"""


@pytest.fixture(scope="module")
def gated(site: Site) -> Site:
    """With an image that a gate refuses, and one that it lets pass."""
    for tag, version in (("bad", "3.0.11"), ("good", "3.0.15")):
        files: dict[str, str | bytes] = {
            "etc/os-release": _RELEASE,
            "var/lib/dpkg/status": _STATUS.format("gatessl", version),
        }
        site.push(f"{PLACE}/app", configured(f"gated {tag}", RUN, [layer(f"gatessl {version}", files)]), tag)
    record = json.loads(advisory("GATE-1", "gatessl", "3.0.15", aliases=["CVE-2026-8200"]))
    record["database_specific"] = {"severity": "CRITICAL"}
    site.ask("POST", "advisories", {"source": "gates", "records": [record]})
    for tag in ("bad", "good"):
        read(site, tag, f"{PLACE}/app")
    site.sign_in("admin")
    return site


def body(site: Site, plural: str, name: str) -> Any:
    return site.ask("GET", f"{plural}/{name}?path={PLACE}")["body"]


def test_a_gate_is_tried_and_then_made_by_its_form(gated: Site) -> None:
    browser = gated.browser
    assert gated.open(f"/rules/gates/-/new?path={PLACE}") == 200
    sound(gated)
    browser.fill("[name=name]", "no-critical")
    browser.select("[name='f.deny_severity']", "critical")
    browser.check("[name='f.fixable']")
    browser.select("[name='f.mode']", "enforce")
    browser.click("button[name=try]")
    browser.until("document.querySelector('#trial').innerText.includes('would hold back')")
    said = browser.text("#trial")
    assert "first 2 tags" in said
    assert "CVE-2026-8200 in gatessl 3.0.11 is critical and fixed in 3.0.15" in said
    assert browser.count("#trial tbody tr") == 1
    sound(gated)
    assert gated.ask("GET", f"gates?path={PLACE}") == []
    browser.click("#body > button:not([name])")
    assert browser.url == f"{gated.base}/rules/gates/no-critical?path={PLACE.replace('/', '%2F')}"
    sound(gated)
    kept = body(gated, "gates", "no-critical")
    assert {name: kept[name] for name in ("deny_severity", "fixable", "mode", "on")} == {
        "deny_severity": "critical",
        "fixable": True,
        "mode": "enforce",
        "on": ["pull"],
    }
    # It is changed by the same form, without scripts, too; what is refused stays in the form.
    gated.sign_in("admin", scripts=False)
    gated.open(f"/rules/gates/no-critical?path={PLACE}")
    browser.fill("[name='f.labels']", "owner\ntier=prod*")
    browser.fill("[name='f.older_than']", "soon")
    browser.click("#body > button:not([name])")
    assert "soon" in browser.text("[role=alert]")
    assert browser.html("[name='f.labels']") == "owner\ntier=prod*"
    browser.fill("[name='f.older_than']", "")
    browser.click("button[name=try]")
    assert "it has no label tier" in browser.text("#trial")
    assert "labels" not in body(gated, "gates", "no-critical")
    browser.fill("[name='f.labels']", "owner")
    browser.click("#body > button:not([name])")
    assert body(gated, "gates", "no-critical")["labels"] == ["owner"]
    gated.sign_in("admin")
    gated.open(f"/rules/gates/no-critical?path={PLACE}")
    browser.fill("[name='f.older_than']", "soon")
    browser.click("button[name=try]")
    browser.until("document.querySelector('#trial [role=alert]') !== null")


def test_signers_are_made_by_their_form(gated: Site) -> None:
    browser = gated.browser
    gated.sign_in("admin")
    assert gated.open(f"/rules/signers/-/new?path={PLACE}") == 200
    sound(gated)
    browser.fill("[name=name]", "release-team")
    browser.fill("[name='f.keys']", "no key")
    browser.click("#body > button")
    assert "is no public key" in browser.text("[role=alert]")
    gated.sign_in("admin")
    gated.open(f"/rules/signers/-/new?path={PLACE}")
    browser.fill("[name=name]", "release-team")
    browser.fill("[name='f.keys']", KEY)
    browser.click("#body > button")
    assert browser.url == f"{gated.base}/rules/signers/release-team?path={PLACE.replace('/', '%2F')}"
    sound(gated)
    assert body(gated, "signers", "release-team")["keys"] == [KEY]
