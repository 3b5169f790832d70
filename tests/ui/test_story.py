"""What somebody does who never saw it, with nothing but the pages: docs/ui.md tells the same, with the pictures that
this test takes when it is asked to (`make pictures`)."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orlop.domain import media_types
from tests.content import Piece, Pushable
from tests.contract.advisories import advisory
from tests.oidc.machines import browsing
from tests.packaged import configured
from tests.servers import OrlopServer
from tests.serving import eventually
from tests.ui.site import PASSWORD, Site
from tests.ui.test_inside import layer

pytestmark = pytest.mark.slow

_DOCS = Path(__file__).parents[2] / "docs"
_PICTURES = _DOCS / "pictures" / "ui"
_ADA, _ADAS_OWN = "a first phrase for ada", "a phrase of her own"


_STATUS = "Package: {0}\nStatus: install ok installed\nArchitecture: {1}\nVersion: {2}\n\n"
_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
_PLATFORMS = ("amd64", "arm64")


def release(number: int) -> Pushable:
    """An index of two platforms; the first holds an older libssl3 than the others."""
    children = []
    for architecture in _PLATFORMS:
        version = "3.0.11-1~deb12u2" if number == 1 else "3.0.15-1~deb12u1"
        packages = {"libc6": "2.36-9+deb12u8", "libssl3": version, "app": f"1.{number}.0"}
        files: dict[str, str | bytes] = {
            "etc/os-release": _RELEASE,
            "var/lib/dpkg/status": "".join(
                _STATUS.format(package, architecture, version) for package, version in packages.items()
            ),
        }
        said = {
            "os": "linux",
            "architecture": architecture,
            "config": {"User": "1000", "Cmd": ["/app"]},
            "history": [{"created_by": "ADD rootfs.tar.gz / # buildkit"}],
        }
        children.append(configured(f"app-{number}-{architecture}", said, [layer(f"{number}-{architecture}", files)]))
    entries = [
        child.piece.descriptor(platform={"os": "linux", "architecture": architecture})
        for child, architecture in zip(children, _PLATFORMS, strict=True)
    ]
    document = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": entries}
    return Pushable(Piece(f"app-{number}", media_types.OCI_INDEX, json.dumps(document).encode()), (), tuple(children))


def read(site: Site, *images: tuple[str, int]) -> None:
    """Wait until what was pushed is read, and an advisory has been compared with it."""
    record = json.loads(advisory("EXAMPLE-1", "openssl", "3.0.15-1~deb12u1", aliases=["CVE-2026-1234"]))
    record["database_specific"] = {"severity": "CRITICAL"}
    record["affected"][0]["package"]["name"] = "libssl3"
    site.ask("POST", "advisories", {"source": "example", "records": [record]})
    images = images or tuple(("team/app", number) for number in range(1, 4))

    def known() -> bool:
        asked = [
            site.ask("GET", f"image-packages?repository={name}&reference=1.{number}.0&platform=linux/{each}")
            for name, number in images
            for each in _PLATFORMS
        ]
        [hit, *_] = [
            site.ask("GET", f"image-vulnerabilities?repository={name}&reference=1.1.0&platform=linux/amd64")
            for name, number in images
            if number == 1
        ]
        return all(one["state"] == "read" for one in asked) and bool(hit["counts"])

    eventually("all is read", known)


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
    releases = {number: release(number) for number in range(1, 4)}
    for number in range(1, 4):
        new.push("team/app", releases[number], f"1.{number}.0", "prod")
    read(new)
    new.open("/")
    browser.click("a[href='/r/team']")
    browser.click("a[href='/r/team/app']")
    assert "1.3.0" in browser.text()
    picture(new, "repository")
    browser.click("a[href='/r/team/app:prod']")
    assert "docker pull" in browser.text()
    assert "3 packages of Debian" in browser.text()
    browser.until("document.querySelector('main').innerText.includes('not signed')")
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
    before = releases[2].digest
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

    # What may be pulled: tried, then set; the image that it holds back says so.
    new.open("/rules/gates/-/new?path=team")
    browser.fill("[name=name]", "no-critical")
    browser.select("[name='f.deny_severity']", "critical")
    browser.check("[name='f.fixable']")
    browser.select("[name='f.mode']", "enforce")
    browser.click("button[name=try]")
    browser.until("document.querySelector('#trial').innerText.includes('would hold back 1')")
    picture(new, "gate")
    browser.click("#body > button:not([name])")
    new.open("/r/team/app:1.1.0/-/gates")
    assert "CVE-2026-1234 in libssl3" in browser.text()
    picture(new, "held")

    # What stands where on its way to production, and what holds it back.
    stages = ["dev=team/dev/", "staging=team/staging/", "prod=team/prod/"]
    new.put("pipelines/web?path=team", {"stages": stages, "approvals": ["prod=1"]})
    for stage, number in (("staging", 1), ("dev", 2)):
        new.push(f"team/{stage}/app", releases[number], f"1.{number}.0")
    new.push("team/dev/worker", releases[3], "1.3.0")
    read(new, ("team/staging/app", 1), ("team/dev/app", 2))
    new.open("/boards/web?path=team")
    browser.click("td.act a")
    browser.until("document.querySelector('tr.below') !== null")
    assert "gate no-critical on team refuses" in browser.text("tr.below")
    picture(new, "board")

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
