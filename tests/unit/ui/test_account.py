"""The account page: tokens, the password, browsers, second factors; and nothing of anybody else's."""

import asyncio
import re

import pyotp
import pytest

from orlop.domain.access import Action, Effect, Place, PlaceKind
from orlop.domain.identity.factors import Factors, read_factors
from orlop.domain.identity.secrets import parse_secret
from orlop.ports.identity import AccountChange, Group, NewGrant, Secret
from tests.catalogs import rows
from tests.unit.ui.scene import PASSWORD, START, Answer, Browser, Scene

NEW = "quite another phrase"
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)",
    "{{ 7*7 }}",
    "{% raw %}",
    "</title><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt;",
    "\u202eevil",
]


async def signed_in(scene: Scene, name: str = "ada") -> Browser:
    if await scene.identity.accounts.get(name) is None:
        await scene.user(name)
    browser = scene.browser()
    assert (await browser.sign_in(name)).status == 303
    return browser


async def factors_of(scene: Scene, name: str = "ada") -> Factors:
    record = await scene.identity.passwords.get(name)
    assert record is not None
    return read_factors(record.factors)


async def made(browser: Browser, **fields: str) -> Answer:
    await browser.get("/account")
    return await browser.submit("/account/tokens", {"name": "laptop", "use": "push", "days": "90", **fields})


# --- Tokens ---------------------------------------------------------------------------------------------------------


async def test_a_token_is_shown_once_with_the_line_to_use_it(scene: Scene) -> None:
    browser = await signed_in(scene)
    page = await made(browser, repositories="team/*")
    found = re.search(r'id="token">([^<]+)<', page.text)
    assert found
    token = found[1]
    parsed = parse_secret(token)
    assert parsed is not None
    assert f"echo {token} | docker login registry.example -u ada --password-stdin" in page.text
    kept = await scene.identity.secrets.find(parsed.lookup)
    assert kept is not None
    assert parsed.is_hashed_as(kept[0].hash)
    assert kept[0].expires_at == START + 90 * 86400 * 1_000_000
    [limit] = kept[0].limits or ()
    assert limit.place == Place(PlaceKind.REPOSITORIES, "team/*")
    assert Action.PUSH_NEW in limit.actions
    assert Action.DELETE not in limit.actions
    assert token not in (await browser.get("/account")).text
    assert "pull and push, team/*" in (await browser.get("/account")).text


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x" * 129},
        {"use": "admin"},
        {"use": ""},
        {"days": "0"},
        {"days": "-1"},
        {"days": "x"},
        {"days": "9" * 18},
        {"days": "9" * 30},
        {"repositories": "a b"},
        {"repositories": "x" * 300},
        {"repositories": "<script>"},
    ],
)
async def test_tokens_that_are_not_made(scene: Scene, fields: dict[str, str]) -> None:
    browser = await signed_in(scene)
    answer = await made(browser, **fields)
    assert answer.status == 400
    assert not scene.numbers("secrets")


async def test_one_revokes_ones_own_tokens_and_no_others(scene: Scene) -> None:
    ada, grace = await signed_in(scene), await signed_in(scene, "grace")
    await made(ada)
    [number] = scene.numbers("secrets")
    await grace.get("/account")
    assert (await grace.submit("/account/tokens/revoke", {"id": str(number)})).status == 404
    assert (await grace.submit("/account/tokens/revoke", {"id": "x"})).status in {400, 403}
    await ada.get("/account")
    assert (await ada.submit("/account/tokens/revoke", {"id": str(number)})).status == 303
    assert not scene.numbers("secrets")


async def test_what_a_login_keeps_is_no_token_to_revoke(scene: Scene) -> None:
    browser = await signed_in(scene)
    login = Secret(account="ada", kind="refresh", lookup="x", hash="y")
    number = (await scene.identity.secrets.add(login, scene.by(), at_most=1)).id
    await browser.get("/account")
    assert (await browser.submit("/account/tokens/revoke", {"id": str(number)})).status == 404
    assert scene.numbers("secrets") == [number]


# --- What one may do ------------------------------------------------------------------------------------------------


async def test_the_address_alone_shows_what_is_public_and_the_account_asks_who_one_is(scene: Scene) -> None:
    browser = scene.browser()
    page = await browser.get("/")
    assert page.status == 200
    assert "Nothing here is public" in page.text
    assert (await browser.get("/account")).location == "/login?next=/account"
    assert (await browser.get("/account?x=a+b")).location == "/login?next=/account%3Fx%3Da%2Bb"
    await scene.user()
    await browser.sign_in(next_="/")
    assert "Three steps to the first push" in (await browser.get("/")).text


async def test_the_account_shows_ones_own_rights_and_how_to_sign_in(scene: Scene) -> None:
    browser = await signed_in(scene)
    page = (await browser.get("/account")).text
    assert "docker login registry.example -u ada<" in page
    assert "orlop login registry.example<" in page
    assert "Nothing is granted to you yet" in page
    await scene.identity.groups.add(Group(name="staff"), scene.by())
    await scene.identity.members.set("staff", add=("ada",), by=scene.by())
    team, everything = Place(PlaceKind.NAMESPACE, "team"), Place(PlaceKind.REGISTRY)
    for grant in (
        NewGrant(principal="ada", role="publisher", place=team, tags="v*"),
        NewGrant(principal="group:staff", role="reader", place=everything),
        NewGrant(principal="ada", role="maintainer", place=team, effect=Effect.DENY),
    ):
        await scene.identity.grants.add(grant, scene.by())
    page = (await browser.get("/account")).text
    rows = re.findall(r"<tr><td>([^<]*)</td><td>([^<]*)</td><td>([^<]*)</td><td>([^<]*)</td><td>", page)
    assert ("publisher", "team/", "yourself", "tags v*") in rows
    assert ("reader", "the registry", "the group staff", "–") in rows
    assert ("not maintainer", "team/", "yourself", "–") in rows
    assert "Nothing is granted to you yet" not in page


# --- The password ---------------------------------------------------------------------------------------------------


async def change(browser: Browser, old: str = PASSWORD, new: str = NEW, again: str | None = None) -> Answer:
    await browser.get("/account/password")
    return await browser.submit("/account/password", {"old": old, "new": new, "again": new if again is None else again})


async def test_another_password_ends_every_other_session(scene: Scene) -> None:
    browser, other = await signed_in(scene), await signed_in(scene)
    before = browser.session
    assert (await change(browser)).location == "/account"
    assert browser.session != before
    assert (await browser.get("/account")).status == 200
    assert (await other.get("/account")).status == 303
    assert (await scene.browser().sign_in()).status == 401
    assert (await scene.browser().sign_in("ada", NEW)).status == 303


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", NEW, NEW),
        ("", NEW, NEW),
        (PASSWORD, NEW, "another"),
        (PASSWORD, "short", "short"),
        (PASSWORD, "", ""),
        (PASSWORD, "passwordpassword", "passwordpassword"),
        (PASSWORD, PASSWORD, PASSWORD),
        (PASSWORD, "a\0" + NEW, "a\0" + NEW),
    ],
)
async def test_passwords_that_are_not_changed(scene: Scene, old: str, new: str, again: str) -> None:
    browser = await signed_in(scene)
    answer = await change(browser, old, new, again)
    assert answer.status in {400, 401}
    assert 'role="alert"' in answer.text
    assert (await scene.browser().sign_in()).status == 303


async def test_guessing_the_old_password_has_to_wait(scene: Scene) -> None:
    browser = await signed_in(scene)
    statuses = [(await change(browser, "wrong")).status for _ in range(7)]
    assert statuses[-1] == 429


async def test_whoever_has_to_change_the_password_does_nothing_else(scene: Scene) -> None:
    await scene.user(must_change=True)
    browser = scene.browser()
    await browser.sign_in()
    for page in ("/account", "/account/totp", "/login", "/account/passkeys"):
        assert (await browser.get(page)).location == "/account/password"
    await browser.get("/account/password")
    refused = await browser.submit("/account/tokens", {"name": "x", "use": "all", "days": "90"})
    assert refused.location == "/account/password"
    assert not scene.numbers("secrets")
    assert (await change(browser)).location == "/account"
    assert (await browser.get("/account")).status == 200


async def test_a_password_that_is_kept_elsewhere_is_changed_there(scene: Scene) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    await browser.through(provider)
    assert (await change(browser)).status == 400
    assert "/account/password" not in (await browser.get("/account")).text


# --- Browsers -------------------------------------------------------------------------------------------------------


async def test_one_ends_ones_own_sessions_and_no_others(scene: Scene) -> None:
    ada, elsewhere, grace = await signed_in(scene), await signed_in(scene), await signed_in(scene, "grace")
    page = await ada.get("/account")
    assert "Test &lt;b&gt;1&lt;/b&gt;" in page.text
    ((of_grace,),) = rows(
        scene.memory, "SELECT s.id FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE a.name = 'grace'"
    )
    await ada.submit("/account/sessions/end", {"id": of_grace})
    assert (await grace.get("/account")).status == 200
    await ada.get("/account")
    await ada.submit("/account/sessions/end", {"id": ""})
    assert (await elsewhere.get("/account")).status == 200
    own = re.findall(r'name="id" value="([0-9a-f]{64})"', (await ada.get("/account")).text)
    assert len(own) == 1
    await ada.submit("/account/sessions/end", {"id": own[0]})
    assert (await elsewhere.get("/account")).status == 303
    await ada.get("/account")
    assert (await ada.submit("/account/sessions/end", {"id": "all"})).location == "/login"
    assert (await grace.get("/account")).status == 200


# --- Second factors ---------------------------------------------------------------------------------------------------


async def with_totp(scene: Scene, browser: Browser) -> tuple[pyotp.TOTP, list[str]]:
    await browser.get("/account/totp")
    await browser.submit("/account/totp", {"password": PASSWORD})
    assert browser.page is not None
    found = re.search(r'id="secret">([A-Z2-7]{32})<', browser.page.text)
    assert found
    totp = pyotp.TOTP(found[1])
    page = await browser.submit("/account/totp/confirm", {"code": totp.at(scene.clock.now() // 1_000_000)})
    assert page.status == 200, page.text
    scene.clock.forward(30)
    return totp, re.findall(r"<li>([a-z2-7-]{19})</li>", page.text)


async def test_a_first_second_factor_ends_other_browsers_but_not_the_one_that_set_it_up(scene: Scene) -> None:
    browser, other = await signed_in(scene), scene.browser()
    await other.sign_in()
    assert (await other.get("/account")).status == 200
    await with_totp(scene, browser)
    assert (await browser.get("/account")).status == 200
    assert (await other.get("/account")).location == "/login?next=/account"


async def second(scene: Scene, code: str) -> Answer:
    browser = scene.browser()
    page = await browser.sign_in()
    assert page.status == 200
    assert not browser.session
    return await browser.submit("/login/totp", {"code": code})


async def test_an_authenticator_is_asked_for_from_then_on(scene: Scene) -> None:
    browser = await signed_in(scene)
    totp, codes = await with_totp(scene, browser)
    assert len(set(codes)) == 10
    account = await scene.identity.accounts.get("ada")
    assert account is not None
    assert account.second_factors == ("totp",)
    now = scene.clock.now() // 1_000_000
    assert (await second(scene, "000000" if totp.at(now) != "000000" else "111111")).status == 401
    assert (await second(scene, totp.at(now))).status == 303
    assert (await second(scene, totp.at(now))).status == 401  # it was used
    assert [failure.name for failure in scene.failures] == ["ada", "ada"]
    assert not any(totp.secret in str(each) for each in await scene.memory.catalog.outbox.events(0, 1000))


@pytest.mark.parametrize(("drift", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_clocks_may_differ_by_one_step(scene: Scene, drift: int, good: bool) -> None:
    totp, _ = await with_totp(scene, await signed_in(scene))
    scene.clock.forward(120)
    code = totp.at(scene.clock.now() // 1_000_000 + 30 * drift)
    assert (await second(scene, code)).status == (303 if good else 401)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "123456\0", "x" * 5000, "'; --"])
async def test_what_is_no_code(scene: Scene, code: str) -> None:
    await with_totp(scene, await signed_in(scene))
    assert (await second(scene, code)).status == 401


async def test_a_code_with_spaces_and_a_recovery_code_in_capitals(scene: Scene) -> None:
    totp, codes = await with_totp(scene, await signed_in(scene))
    code = totp.at(scene.clock.now() // 1_000_000)
    assert (await second(scene, f" {code[:3]} {code[3:]} ")).status == 303
    assert (await second(scene, codes[0].upper().replace("-", ""))).status == 303


async def test_a_recovery_code_counts_once(scene: Scene) -> None:
    _, codes = await with_totp(scene, await signed_in(scene))
    assert (await second(scene, codes[3])).status == 303
    assert (await second(scene, codes[3])).status == 401
    assert len((await factors_of(scene)).recovery) == 9
    assert codes[4] not in str(await factors_of(scene))


async def test_guessing_codes_has_to_wait(scene: Scene) -> None:
    await with_totp(scene, await signed_in(scene))
    browser = scene.browser()
    await browser.sign_in()
    step = browser.page.hidden("step") if browser.page else ""
    statuses = []
    for number in range(7):
        page = await browser.submit("/login/totp", {"code": f"00000{number}", "step": step})
        statuses.append(page.status)
    assert statuses[-1] == 429


async def test_of_many_codes_at_once_no_more_are_looked_at_than_of_those_one_after_the_other(scene: Scene) -> None:
    totp, _ = await with_totp(scene, await signed_in(scene))
    browser = scene.browser()
    await browser.sign_in()
    step = browser.page.hidden("step") if browser.page else ""
    right = totp.at(scene.clock.now() // 1_000_000)
    wrong = [f"{number:06}" for number in range(200) if f"{number:06}" != right]
    page, before = browser.page, len(scene.failures)
    answers = await asyncio.gather(*(guess(browser, page, step, code) for code in wrong))
    assert sorted(set(answers)) == [401, 429]
    assert answers.count(401) == len(scene.failures) - before == 5
    assert await guess(browser, page, step, right) == 429, "not even the right one is looked at now"
    scene.clock.forward(1)
    assert await guess(browser, page, step, right) == 303


async def guess(browser: Browser, page: Answer | None, step: str, code: str) -> int:
    assert page is not None
    fields = {"csrf": page.hidden("csrf"), "step": step, "code": code}
    return (await browser.post("/login/totp", fields)).status


async def test_the_second_step_is_of_the_browser_that_did_the_first(scene: Scene) -> None:
    totp, _ = await with_totp(scene, await signed_in(scene))
    first, other = scene.browser(), scene.browser()
    await first.sign_in()
    step = first.page.hidden("step") if first.page else ""
    await other.get("/login")
    code = totp.at(scene.clock.now() // 1_000_000)
    assert (await other.submit("/login/totp", {"code": code, "step": step})).status == 401
    assert (await first.submit("/login/totp", {"code": code})).status == 303
    again = await scene.browser().get("/login/totp")
    assert again.status == 404


async def test_the_second_step_takes_no_longer_than_ten_minutes_and_happens_once(scene: Scene) -> None:
    totp, codes = await with_totp(scene, await signed_in(scene))
    browser = scene.browser()
    page = await browser.sign_in()
    step = page.hidden("step")
    scene.clock.forward(601)
    assert (await browser.submit("/login/totp", {"code": totp.at(scene.clock.now() // 1_000_000)})).status == 401
    page = await browser.sign_in()
    step, visit = page.hidden("step"), dict(browser.cookies)
    assert (await browser.submit("/login/totp", {"code": codes[0]})).status == 303
    thief = scene.browser()
    thief.cookies = visit
    await thief.get("/login")
    assert (await thief.submit("/login/totp", {"code": codes[1], "step": step})).status == 401


async def test_a_change_of_the_account_between_the_steps_begins_anew(scene: Scene) -> None:
    totp, _ = await with_totp(scene, await signed_in(scene))
    browser = scene.browser()
    await browser.sign_in()
    await scene.identity.accounts.change("ada", AccountChange(display="Ada"), scene.by())
    answer = await browser.submit("/login/totp", {"code": totp.at(scene.clock.now() // 1_000_000)})
    assert answer.status == 401
    assert not browser.session


async def test_setting_up_and_removing_asks_for_the_password(scene: Scene) -> None:
    browser = await signed_in(scene)
    for page in ("/account/totp", "/account/recovery", "/account/passkeys"):
        await browser.get(page)
        answer = await browser.submit(page, {"password": "wrong"})
        assert answer.status == 401
        assert (await browser.submit(page, {})).status in {401, 429}
        scene.clock.forward(3600)
        await browser.sign_in()
    await with_totp(scene, browser)
    await browser.get("/account/totp/remove")
    assert (await browser.submit("/account/totp/remove", {"password": "wrong"})).status == 401
    assert (await factors_of(scene)).totp
    assert (await browser.submit("/account/totp/remove", {"password": PASSWORD})).status == 303
    assert await factors_of(scene) == Factors()
    assert (await scene.browser().sign_in()).status == 303


async def test_a_wrong_code_does_not_set_up_anything(scene: Scene) -> None:
    browser = await signed_in(scene)
    await browser.get("/account/totp")
    await browser.submit("/account/totp", {"password": PASSWORD})
    answer = await browser.submit("/account/totp/confirm", {"code": "abc"})
    assert answer.status == 400
    assert await factors_of(scene) == Factors()


async def test_who_comes_through_a_provider_has_second_factors_there(scene: Scene) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    await browser.through(provider)
    assert "Second factors" not in (await browser.get("/account")).text
    for page in ("/account/totp", "/account/recovery", "/account/passkeys", "/account/totp/remove"):
        assert (await browser.get(page)).status == 403


@pytest.mark.parametrize(
    "response",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"id":"a","response":{}}',
        '{"id":"a","rawId":"a","type":"public-key","response":{"userHandle":"MQ","clientDataJSON":"e30",'
        '"authenticatorData":"AA","signature":"AA"}}',
        '{"id":"a","response":{"userHandle":"LTE"}}',
        '{"id":"a","response":{"userHandle":"!!"}}',
        '{"id":"a","response":{"userHandle":"' + "MTEx" * 50 + '"}}',
        "[" * 20_000,
        "x" * 90_000,
    ],
)
async def test_what_no_passkey_signed(scene: Scene, response: str) -> None:
    await scene.user()
    browser = scene.browser()
    await browser.get("/login/passkey")
    answer = await browser.submit("/login/passkey", {"response": response})
    assert answer.status == 401
    assert not browser.session
    own = await signed_in(scene)
    await own.get("/account/passkeys")
    await own.submit("/account/passkeys", {"password": PASSWORD})
    refused = await own.submit("/account/passkeys/add", {"response": response, "name": "x"})
    assert refused.status == 400
    assert await factors_of(scene) == Factors()


# --- What others write is only text ----------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_payloads_are_text_wherever_they_stand(scene: Scene, payload: str) -> None:
    await scene.user(display=payload)
    browser = scene.browser()
    failed = await browser.sign_in(payload, payload)
    await browser.sign_in()
    await scene.identity.accounts.change("ada", AccountChange(display=payload, email=payload), scene.by())
    token = await made(browser, name=payload[:60])
    pages = [failed, token, await browser.get("/account"), await browser.get(f"/login/{payload[:5]}")]
    provider = await scene.provider(text=payload if payload.isprintable() else "x")
    provider.claims["name"] = payload
    provider.claims["preferred_username"] = "other"
    there = scene.browser()
    pages.append(await there.get("/login"))
    await there.through(provider)
    pages.append(await there.get("/account"))
    for page in pages:
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "<svg/onload" not in page.text
        assert "' onfocus='" not in page.text.replace("&#39; onfocus=&#39;", "")
        assert "49" not in re.findall(r"<h1>(.*?)</h1>", page.text)
