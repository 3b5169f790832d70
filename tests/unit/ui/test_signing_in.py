"""Signing in and out with a password: what the pages give, what they refuse, and where they lead."""

from typing import Any

import pytest

from orlop.faces.ui.exchange import local_path
from orlop.ports.identity import AccountChange
from tests.catalogs import rows
from tests.unit.ui.scene import BASE, PASSWORD, Scene

VISIT, SESSION = "__Host-orlop-visit", "__Host-orlop-session"


async def test_a_password_opens_the_account(scene: Scene) -> None:
    await scene.user()
    browser = scene.browser()
    answer = await browser.sign_in()
    assert (answer.status, answer.location) == (303, "/account")
    assert (await browser.get("/account")).status == 200
    assert (await browser.get("/login?next=/account?x")).location == "/account?x"


async def test_cookies_are_kept_to_this_host_to_https_and_to_the_browser(scene: Scene) -> None:
    await scene.user()
    browser = scene.browser()
    first = await browser.get("/login")
    assert first.header("set-cookie") == f"{VISIT}={browser.cookies[VISIT]}; Path=/; HttpOnly; SameSite=Lax; Secure"
    answer = await browser.submit("/login", {"name": "ada", "password": PASSWORD})
    set_ = [value for name, value in answer.headers if name == "set-cookie"]
    assert f"{SESSION}={browser.session}; Path=/; HttpOnly; SameSite=Lax; Secure" in set_
    assert f"{VISIT}=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0" in set_
    assert len(browser.session) == 43
    assert browser.session not in str(rows(scene.memory, "SELECT * FROM sessions"))


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong"),
        ("nobody", PASSWORD),
        ("", ""),
        ("ada", ""),
        ("ada", "a\0b"),
        ("ADA' --", "x"),
        ("x" * 500, "x"),
    ],
)
async def test_what_is_wrong_is_not_told(scene: Scene, name: str, password: str) -> None:
    await scene.user()
    browser = scene.browser()
    answer = await browser.sign_in(name, password)
    assert answer.status == 401
    assert not browser.session
    assert "the name or the password is wrong" in answer.text or "the password" in answer.text
    assert password not in answer.text or password in {"", "x", "wrong"}


async def test_guessing_has_to_wait(scene: Scene) -> None:
    await scene.user()
    browser = scene.browser()
    for _ in range(5):
        assert (await browser.sign_in("ada", "wrong")).status == 401
    answer = await browser.sign_in("ada", PASSWORD)
    assert answer.status == 429
    assert answer.header("retry-after")
    scene.clock.forward(60)
    assert (await browser.sign_in()).status == 303


async def test_a_session_has_a_new_id_whatever_the_browser_held(scene: Scene) -> None:
    await scene.user()
    browser = scene.browser()
    browser.cookies = {SESSION: "A" * 43, VISIT: "B" * 43}
    await browser.sign_in()
    first = browser.session
    assert first not in {"A" * 43, "B" * 43, ""}
    other = scene.browser()
    other.cookies = {SESSION: "A" * 43}
    assert (await other.get("/account")).status == 303
    other.cookies = {SESSION: "B" * 43}
    assert (await other.get("/account")).status == 303


async def test_a_session_ends_when_it_is_idle_and_after_a_day_whatever_happens(scene: Scene) -> None:
    await scene.user()
    browser = scene.browser()
    await browser.sign_in()
    for _ in range(23):
        scene.clock.forward(3600)
        assert (await browser.get("/account")).status == 200
    scene.clock.forward(3600)
    assert (await browser.get("/account")).location == "/login?next=/account"
    await browser.sign_in()
    scene.clock.forward(2 * 3600)
    assert (await browser.get("/account")).status == 303
    await scene.run("forget-sessions")
    await scene.run("forget-sign-in-steps")


async def test_signing_out_ends_the_session_not_only_the_cookie(scene: Scene) -> None:
    await scene.user()
    browser, thief = scene.browser(), scene.browser()
    await browser.sign_in()
    thief.cookies = dict(browser.cookies)
    assert (await browser.get("/logout")).status == 200  # a link that somebody sends ends nothing
    assert (await browser.get("/account")).status == 200
    await browser.get("/account")
    assert (await browser.submit("/logout")).location == "/login"
    assert browser.cookies == {}
    assert (await thief.get("/account")).status == 303


async def test_a_disabled_account_is_out_at_once(scene: Scene) -> None:
    await scene.user()
    browser = scene.browser()
    await browser.sign_in()
    await scene.identity.accounts.change("ada", AccountChange(disabled="left"), scene.by())
    assert (await browser.get("/account")).status == 303
    assert (await browser.sign_in()).status == 401


# --- Other sites ----------------------------------------------------------------------------------------------------

FOREIGN: list[dict[str, str]] = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://registry.example"},
    {"origin": "https://registry.example:8443"},
    {"origin": "https://registry.example.evil.example"},
    {"origin": "https://evil.example/https://registry.example"},
    {"origin": "https://registry.example@evil.example"},
    {"origin": "https://["},
    {"origin": ""},
    {"origin": "", "sec_fetch_site": "cross-site"},
    {"origin": "", "sec_fetch_site": "same-site"},
    {"origin": "", "sec_fetch_site": "none"},
    {"origin": "https://evil.example", "sec_fetch_site": "same-origin"},
]


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_form_of_another_site_is_refused(scene: Scene, headers: dict[str, str]) -> None:
    await scene.user()
    browser = scene.browser()
    await browser.sign_in()
    page = await browser.get("/account")
    fields = {"csrf": page.hidden("csrf"), "name": "x", "use": "all", "days": "90", "id": "all"}
    for target in ("/account/tokens", "/account/sessions/end", "/logout", "/login", "/account/password"):
        answer = await browser.post(target, fields, **headers)
        assert answer.status == 403
    assert (await browser.get("/account")).status == 200
    assert not scene.numbers("secrets")


async def test_a_form_without_its_token_is_refused(scene: Scene) -> None:
    await scene.user()
    await scene.user("grace")
    browser, other = scene.browser(), scene.browser()
    await browser.sign_in()
    await other.sign_in("grace")
    theirs = (await other.get("/account")).hidden("csrf")
    for token in ("", "x", theirs, browser.session, "0" * 64):
        fields = {"csrf": token, "name": "x", "use": "all", "days": "90"}
        assert (await browser.post("/account/tokens", fields)).status == 403
    assert (await browser.post("/account/tokens", {"name": "x", "use": "all", "days": "90"})).status == 403


async def test_nobody_can_sign_a_victim_in_as_themselves(scene: Scene) -> None:
    await scene.user()
    attacker, victim = scene.browser(), scene.browser()
    await attacker.get("/login")
    token = attacker.page.hidden("csrf") if attacker.page else ""
    await victim.get("/login")
    fields = {"csrf": token, "name": "ada", "password": PASSWORD}
    assert (await victim.post("/login", fields)).status == 403
    assert (await victim.post("/login", fields, origin="https://evil.example")).status == 403
    assert not victim.session


async def test_a_browser_that_sends_no_origin_but_says_that_the_site_is_the_same(scene: Scene) -> None:
    await scene.user()
    browser = scene.browser()
    page = await browser.get("/login")
    fields = {"csrf": page.hidden("csrf"), "name": "ada", "password": PASSWORD}
    assert (await browser.post("/login", fields, origin="", sec_fetch_site="same-origin")).status == 303


# --- Where it leads --------------------------------------------------------------------------------------------------

ELSEWHERE = [
    *(
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\\/evil.example",
        "https://evil.example",
    ),
    *(
        "http:evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        " /account",
        "/\t/evil.example",
        "/\n/evil.example",
    ),
    *(
        "/account\r\nset-cookie: a=b",
        "/é",
        "\x00/account",
        "/account\x7f",
        "/" + "x" * 2048,
        "?x",
        "#x",
        "data:text/html,x",
    ),
    *("@evil.example", ".evil.example", "/\u2215evil.example", "/x\\y"),
]


@pytest.mark.parametrize("target", ELSEWHERE)
async def test_nobody_is_sent_elsewhere(scene: Scene, target: str) -> None:
    assert local_path(target) == "/"
    await scene.user()
    browser = scene.browser()
    answer = await browser.sign_in(next_=target)
    assert (answer.status, answer.location) == (303, "/")


@pytest.mark.parametrize(
    "target", ["/", "/account", "/account?a=b&c=%2F%2Fevil", "/a//b", "/x#y", "/a@b:c", "/.//evil"]
)
async def test_places_here(scene: Scene, target: str) -> None:
    assert local_path(target) == target
    await scene.user()
    assert (await scene.browser().sign_in(next_=target)).location == target


# --- Every answer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/login", "/login/nothing", "/account", "/static/orlop.css", "/static/x", "/logout"])
async def test_every_answer_is_guarded(scene: Scene, path: str) -> None:
    answer = await scene.browser().get(path)
    policy = answer.header("content-security-policy")
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.header("x-frame-options") == "DENY"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("referrer-policy") == "same-origin"
    assert answer.header("cache-control") == ("public, max-age=300" if path.endswith("css") else "no-store")


@pytest.mark.parametrize("page", ["/login", "/account", "/account/password", "/account/totp", "/logout"])
async def test_no_page_needs_what_the_policy_refuses(scene: Scene, page: str) -> None:
    await scene.user()
    browser = scene.browser()
    if page != "/login":
        await browser.sign_in()
    text = (await browser.get(page)).text
    assert "<style" not in text
    assert "style=" not in text
    assert "<script>" not in text
    assert " onclick" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/login", b"{}", {"content-type": "application/json"}, 400),
        ("POST", "/login", b"a=1&a=2", {}, 400),
        ("POST", "/login", b"a=%ff", {}, 400),
        ("POST", "/login", b"\xff=1", {}, 400),
        ("POST", "/login", b"&".join(b"f%d=1" % number for number in range(200)), {}, 400),
        ("POST", "/login", b"a=" + b"x" * 200_000, {}, 413),
        ("GET", "/login?a=1&a=2", b"", {}, 400),
        ("GET", "/login?" + "x" * 9000, b"", {}, 400),
        ("PUT", "/login", b"", {}, 404),
        ("DELETE", "/account", b"", {}, 404),
        ("GET", "/login/../account", b"", {}, 404),
        ("GET", "/static/../app.py", b"", {}, 404),
        ("GET", "/static/%2e%2e/app.py", b"", {}, 404),
        ("POST", "/static/orlop.css", b"", {}, 404),
        ("GET", "/account/", b"", {}, 404),
        ("POST", "/login", b"", {"content-length": "x"}, 400),
    ],
)
async def test_bad_requests(
    scene: Scene, method: str, path: str, body: bytes, headers: dict[str, Any], status: int
) -> None:
    said = {"content-type": "application/x-www-form-urlencoded", "origin": BASE, **headers}
    answer = await scene.browser().send(method, path, body, said)
    assert answer.status == status


async def test_cookies_that_cannot_be_ours_are_passed_over(scene: Scene) -> None:
    await scene.user()
    browser = scene.browser()
    await browser.sign_in()
    good = browser.session
    for cookies in (
        f"{SESSION}={good}; {SESSION}={good}",
        f"{SESSION}={good}x",
        f"orlop-session={good}",
        "=;;=",
        "x" * 9,
    ):
        answer = await scene.browser().send("GET", "/account", b"", {"cookie": cookies})
        assert answer.status == 303
    assert (await scene.browser().send("GET", "/account", b"", {"cookie": f"a=b; {SESSION}={good}"})).status == 200


async def test_cookies_in_several_lines_are_read_as_one(scene: Scene) -> None:
    await scene.user()
    browser = scene.browser()
    await browser.sign_in()
    other = scene.browser()
    other.cookies = {SESSION: browser.session}
    assert (await other.send("GET", "/account", b"", {"cookie": "theme=dark"})).status == 200


async def test_a_file_is_not_sent_twice(scene: Scene) -> None:
    first = await scene.browser().get("/static/passkey.js")
    assert (first.status, first.header("content-type")) == (200, "text/javascript; charset=utf-8")
    assert (await scene.browser().get("/static/passkey.js", if_none_match=first.header("etag"))).status == 304


async def test_head_is_get_without_a_body(scene: Scene) -> None:
    answer = await scene.browser().send("HEAD", "/login", b"", {})
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.header("content-length")) > 500


async def test_a_failure_of_ours_is_a_page_that_tells_nothing(scene: Scene) -> None:
    rows(scene.memory, "DROP TABLE sessions")
    browser = scene.browser()
    browser.cookies[SESSION] = "A" * 43
    answer = await browser.get("/account")
    assert answer.status == 500
    assert "the registry failed; its log says why" in answer.text
    assert "sessions" not in answer.text
