"""A browser opens every page, wide and narrow, light and dark: nothing is refused, nothing is asked of anybody else,
nothing runs over the edge, and axe finds no barrier."""

import pytest

from tests.ui.site import Site

pytestmark = pytest.mark.slow

#: Who opens which pages; nobody is somebody who is not signed in.
PAGES: dict[str, tuple[str, ...]] = {
    "": ("/", "/login", "/help", "/r/open", "/r/open/base"),
    "ada": (
        "/",
        "/account",
        "/account/password",
        "/account/totp",
        "/account/recovery",
        "/account/passkeys",
        "/help",
        "/logout",
        "/r/team",
        "/r/team/-/rules",
        "/r/team/-/people",
        "/r/team/app",
        "/r/team/app/-/history",
        "/r/team/app/-/rules",
        "/r/team/app/-/people",
        "/search",
        "/search?q=app",
        "/search?q=nothing-like-it",
        "/r/team/app:prod",
        "/r/team/app:prod/-/packages?platform=linux%2Famd64",
        "/r/team/app:prod/-/vulnerabilities?platform=linux%2Famd64",
        "/r/team/app:prod/-/licences?platform=linux%2Famd64",
        "/r/team/app:prod/-/signatures?platform=linux%2Famd64",
        "/r/team/app:prod/-/gates?platform=linux%2Famd64",
        "/r/team/chart:0.1.0/-/signatures?as=Helm+chart",
        "/r/team/-/gates",
        "/r/team/app/-/gates",
        "/r/team/-/quarantine",
        "/r/team/app/-/quarantine",
        "/r/team/app/-/quarantine?state=refused",
        "/r/team/-/promotion",
        "/r/team/app/-/promotion",
        "/promotions",
        "/promotions?state=done&image=team%2Fapp%3Aprod",
        "/promotions?pipeline=none&path=team&stage=prod",
        "/bundles",
        "/r/team/-/vulnerabilities",
        "/r/team/app/-/vulnerabilities",
        f"/r/team/app:{'x' * 128}",
        "/r/team/chart:0.1.0",
        "/r/team/-/people",
        "/r/team/app/-/people",
        "/device",
        "/r/team/cache:buildcache",
        "/compare?from=team%2Fapp%3A1.1.0&to=team%2Fapp%3A1.2.0",
    ),
    "admin": (
        "/",
        "/jobs",
        "/webhooks",
        "/audit",
        "/health",
        "/health/configuration",
        "/advisories",
        "/signing-keys",
        "/backups",
        "/read-only",
        "/people",
        "/people/ada",
        "/groups",
        "/robots",
        "/grants",
        "/roles",
        "/roles/reader",
        "/trusts",
        "/certificate-rules",
        "/providers",
        "/access",
        "/access?who=ada&may=delete&on=team%2Fapp%3Aprod",
        "/who?path=team",
        "/who?repository=team%2Fapp",
        "/rules",
        "/rules?path=team%2Fapp",
        "/rules/house?path=team",
        "/rules/tag-rules",
        "/rules/tag-rules/releases?path=team",
        "/rules/quotas/-/new",
        "/rules/gates/-/new",
        "/rules/signers/-/new",
        "/rules/quarantine-rules/-/new",
        "/rules/pipelines/-/new",
        "/plans",
        "/trash",
        "/locks?repository=team%2Fapp",
        "/usage",
        "/r/team/-/usage",
        "/world",
    ),
}
#: Dark or not, and how wide. Barriers hang on one or the other, so axe looks at each once.
LOOKS = ((False, 1280), (True, 390), (False, 390), (True, 1280))
WITH_AXE = frozenset(LOOKS[:2])


@pytest.mark.parametrize("who", PAGES)
def test_every_page_is_sound(site: Site, who: str) -> None:
    site.sign_in(who)
    browser, wrong = site.browser, []
    for path in PAGES[who]:
        status = site.open(path)
        if status != 200:
            wrong.append((path, "status", status))
            continue
        if browser.url != f"{site.base}{path}":
            wrong.append((path, "leads to", browser.url))
            continue
        for dark, width in LOOKS:
            browser.look(dark=dark, width=width)
            if (dark, width) in WITH_AXE:
                wrong += [(path, dark, width, *barrier) for barrier in browser.barriers()]
            wrong += [(path, dark, width, "is wider than its window by", element) for element in browser.beyond()]
        text = browser.text("body")
        wrong += [(path, "shows", word) for word in ("None", "undefined", "Undefined", "[object") if word in text]
    wrong += [(url, "complains", text) for url, text in browser.complaints(site.base)]
    wrong += [(url, "is elsewhere") for url in browser.asked() if not url.startswith(site.base)]
    assert not wrong, "\n".join(map(str, wrong))


def test_the_first_page_is_light_and_the_next_lighter(site: Site) -> None:
    site.sign_in("ada")
    first = site.browser.weight()
    assert sum(first.values()) <= 100_000, first
    site.open("/account")
    assert sum(site.browser.weight().values()) <= 30_000, site.browser.weight()


def test_keys_lead_around(site: Site) -> None:
    site.sign_in("ada")
    site.open("/")
    site.browser.press("/")
    assert site.browser.focused() == "find"
    site.browser.press("Escape")
    site.open("/")
    site.browser.press("Tab")
    assert site.browser.focused() == "To the content"
    site.browser.press("?")
    assert "copy the command to pull" in site.browser.text("dialog[open]")
