"""Signing in through OpenID providers: what begins in a browser ends there, once, and only as it was begun."""

import hashlib
import re
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from orlop.domain.access import Place, PlaceKind
from orlop.ports.identity import AccountChange, NewGrant, Secret
from tests.oidc.simulated import EC, ED, SimulatedProvider, sign
from tests.unit.ui.scene import Answer, Scene


async def account_of(scene: Scene, name: str = "ada") -> Any:
    account = await scene.identity.accounts.get(name)
    assert account is not None
    return account


async def test_somebody_signs_in_and_gets_an_account_in_the_groups_that_are_mapped(scene: Scene) -> None:
    provider = await scene.provider(groups_claim="groups", groups={"devs": "team"})
    provider.claims["groups"] = ["devs", "others"]
    browser = scene.browser()
    answer = await browser.through(provider, "/account?x=1")
    assert (answer.status, answer.location) == (303, "/account?x=1")
    account = await account_of(scene)
    assert (account.source, account.external, account.email) == ("one", "one-248289761001", "ada@example.org")
    assert await scene.identity.members.of_account("ada") == ("team",)
    page = await browser.get("/account")
    assert page.status == 200
    assert "ada" in page.text
    assert "one" in page.text


async def test_the_login_page_has_a_link_for_each_provider(scene: Scene) -> None:
    await scene.provider("one", text="Sign in with <One>")
    await scene.provider("two")
    page = await scene.browser().get("/login?next=/account?a%3Db")
    assert 'href="/login/oidc/one?next=/account%3Fa%3Db">Sign in with &lt;One&gt;</a>' in page.text
    assert 'href="/login/oidc/two' in page.text


async def test_what_the_provider_is_told(scene: Scene) -> None:
    await scene.provider(prompt="consent", scopes=["openid", "offline_access"])
    browser = scene.browser()
    asked = await browser.to_provider()
    assert asked["theme"] == "dark"
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == "https://registry.example/login/callback/one"
    assert asked["scope"] == "openid offline_access"
    assert asked["prompt"] == "consent"
    assert asked["code_challenge_method"] == "S256"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert all(len(asked[name]) == 43 for name in ("state", "nonce", "code_challenge"))
    assert not {*asked.values()} & {*browser.cookies.values()}


async def test_the_client_proves_itself(scene: Scene) -> None:
    provider = await scene.provider()
    await scene.browser().through(provider)
    form = next(form for path, form in provider.heard if path == "/token")
    assert form["authorization"].startswith("Basic ")
    assert "client_secret" not in form
    provider.discovery["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    scene.clock.forward(3601)
    await scene.browser().through(provider)
    form = next(form for path, form in reversed(provider.heard) if path == "/token")
    assert form["client_secret"] == "a secret: with/odd characters"
    assert form["authorization"] == ""


@pytest.mark.parametrize(("key", "algorithm"), [(EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")])
async def test_other_signatures(scene: Scene, key: Any, algorithm: str) -> None:
    provider = await scene.provider()
    provider.id_token = lambda claims: sign(claims, key, algorithm)
    assert (await scene.browser().through(provider)).status == 303


def refused(answer: Answer, scene: Scene, status: int = 401) -> bool:
    assert answer.status == status, answer.text
    assert "set-cookie" not in dict(answer.headers) or "session" not in answer.header("set-cookie")
    return not scene.numbers("sessions")


@pytest.mark.parametrize(
    "change",
    [
        {"state": "x" * 43},
        {"state": ""},
        {"state": None},
        {"code": ""},
        {"code": None},
        {"code": "x" * 5000},
        {"code": "made-up"},
        {"iss": "https://evil.example"},
        {"iss": ""},
        {"error": "access_denied", "code": None},
        {"error": "<script>alert(1)</script>", "code": None},
    ],
)
async def test_an_answer_that_is_not_what_was_begun(scene: Scene, change: dict[str, str | None]) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    asked = await browser.to_provider()
    query = {"code": provider.signed_in(asked), "state": asked["state"], **change}
    answer = await browser.back({name: value for name, value in query.items() if value is not None})
    assert answer.status in {400, 401}
    assert refused(answer, scene, answer.status)
    assert "<script>" not in answer.text


async def test_a_callback_counts_once(scene: Scene) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    asked = await browser.to_provider()
    query = {"code": provider.signed_in(asked), "state": asked["state"]}
    assert (await browser.back(query)).status == 303
    provider.codes[query["code"]] = asked
    again = scene.browser()
    again.cookies = dict(browser.cookies)
    assert (await again.back(query)).status == 401
    assert (await scene.browser().back(query)).status == 401


async def test_a_refused_callback_cannot_be_tried_again_with_another_code(scene: Scene) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    asked = await browser.to_provider()
    assert (await browser.back({"code": "wrong", "state": asked["state"]})).status == 401
    assert (await browser.back({"code": provider.signed_in(asked), "state": asked["state"]})).status == 401


async def test_what_an_attacker_began_does_not_end_in_anothers_browser(scene: Scene) -> None:
    provider = await scene.provider()
    attacker, victim = scene.browser(), scene.browser()
    asked = await attacker.to_provider()
    query = {"code": provider.signed_in(asked), "state": asked["state"]}
    assert refused(await victim.back(query), scene)
    await victim.get("/login")
    assert refused(await victim.back(query), scene)
    await victim.to_provider()
    assert refused(await victim.back(query), scene)
    assert (await attacker.back(query)).status == 303  # it was not used up by others


async def test_two_tabs_of_a_browser_do_not_disturb_each_other(scene: Scene) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    await browser.get("/login")
    first, second = await browser.to_provider(), await browser.to_provider()
    assert (await browser.back({"code": provider.signed_in(first), "state": first["state"]})).status == 303
    assert (await browser.back({"code": provider.signed_in(second), "state": second["state"]})).status == 401


async def test_a_code_of_one_sign_in_is_of_no_use_in_another(scene: Scene) -> None:
    provider = await scene.provider()
    attacker, victim = scene.browser(), scene.browser()
    stolen = provider.signed_in(await victim.to_provider())
    asked = await attacker.to_provider()
    assert refused(await attacker.back({"code": stolen, "state": asked["state"]}), scene)


async def test_providers_are_not_mixed_up(scene: Scene) -> None:
    one, two = await scene.provider("one"), await scene.provider("two")
    browser = scene.browser()
    asked = await browser.to_provider("one")
    code = two.signed_in(asked)
    assert refused(await browser.back({"code": code, "state": asked["state"]}, "two"), scene)
    asked = await browser.to_provider("one")
    assert refused(await browser.back({"code": code, "state": asked["state"], "iss": two.issuer}, "one"), scene)
    asked = await browser.to_provider("one")
    assert (
        await browser.back({"code": one.signed_in(asked), "state": asked["state"], "iss": one.issuer}, "one")
    ).status == 303


async def test_a_provider_that_names_itself_in_its_answers_has_to(scene: Scene) -> None:
    provider = await scene.provider()
    provider.discovery["authorization_response_iss_parameter_supported"] = True
    browser = scene.browser()
    assert refused(await browser.through(provider), scene)


async def test_the_same_name_at_two_providers_is_two_people(scene: Scene) -> None:
    one, two = await scene.provider("one"), await scene.provider("two")
    assert (await scene.browser().through(one)).status == 303
    answer = await scene.browser().through(two)
    assert answer.status == 401
    assert "there is an account ada already" in answer.text
    assert (await account_of(scene)).source == "one"


async def test_a_local_account_is_not_taken_over(scene: Scene) -> None:
    await scene.user("ada")
    assert (await scene.browser().through(await scene.provider())).status == 401
    assert (await account_of(scene)).source == "local"


async def test_it_took_too_long(scene: Scene) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    asked = await browser.to_provider()
    scene.clock.forward(601)
    assert refused(await browser.back({"code": provider.signed_in(asked), "state": asked["state"]}), scene)


@pytest.mark.parametrize("name", ["none", "ONE", "..", "one%2f..", "a" * 80, ""])
async def test_unknown_providers(scene: Scene, name: str) -> None:
    await scene.provider()
    for path in (f"/login/oidc/{name}", f"/login/callback/{name}"):
        assert (await scene.browser().get(path)).status in {401, 404}


async def test_somebody_who_may_not_sign_in_learns_why(scene: Scene) -> None:
    provider = await scene.provider(groups_claim="groups", allowed_groups=["devs"])
    answer = await scene.browser().through(provider)
    assert refused(answer, scene, 403)
    assert [failure.reason for failure in scene.failures] == [
        "the provider says that this account is in none of the groups that may sign in here"
    ]
    assert "none of the groups" in answer.text


async def test_groups_that_only_the_userinfo_endpoint_knows(scene: Scene) -> None:
    provider = await scene.provider(groups_claim="groups", groups={"devs": "team"})
    provider.userinfo = {"sub": provider.claims["sub"], "groups": ["devs"], "preferred_username": "mallory"}
    assert (await scene.browser().through(provider)).status == 303
    assert await scene.identity.members.of_account("ada") == ("team",)
    assert ("/userinfo", "Bearer at") in [(path, said.get("Authorization")) for path, said in provider.heard]


async def test_userinfo_about_somebody_else_is_refused(scene: Scene) -> None:
    provider = await scene.provider(groups_claim="groups", groups={"devs": "team"})
    provider.userinfo = {"sub": "another", "groups": ["devs"]}
    assert refused(await scene.browser().through(provider), scene)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        *((400, {"error": "invalid_grant"}), (200, {}), (200, {"id_token": 5}), (200, {"id_token": ""})),
        *((401, {"error": "invalid_client"}), (500, {}), (302, {}), (200, {"id_token": "a.b.c"})),
    ],
)
async def test_a_provider_that_gives_no_token(scene: Scene, status: int, said: dict[str, Any]) -> None:
    provider = await scene.provider()
    provider.token_answer = (status, said)
    answer = await scene.browser().through(provider)
    assert answer.status in {401, 503}
    assert refused(answer, scene, answer.status)


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "https://user:password@login.example/token"},
        {"token_endpoint": None},
        {"jwks_uri": "http://evil.example/keys"},
        {"jwks_uri": 7},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "//evil.example"},
        {"userinfo_endpoint": "gopher://evil.example"},
        {"response_types_supported": ["id_token"]},
    ],
)
async def test_a_discovery_document_that_cannot_be_used(scene: Scene, discovery: dict[str, Any]) -> None:
    provider = await scene.provider()
    provider.discovery = discovery
    answer = await scene.browser().get("/login/oidc/one")
    assert answer.status == 503
    assert [path for path, _ in provider.heard] == ["/.well-known/openid-configuration"]


async def test_addresses_that_the_issuer_may_not_send_us_to(scene: Scene) -> None:
    provider = await scene.provider()
    provider.discovery["token_endpoint"] = "https://169.254.169.254/token"
    answer = await scene.browser().through(provider)
    assert answer.status == 503
    assert "cannot be reached" in answer.text


async def test_a_provider_that_is_away(scene: Scene) -> None:
    provider = await scene.provider()
    await provider.stop()
    answer = await scene.browser().get("/login/oidc/one")
    assert answer.status == 503
    assert answer.header("retry-after")


async def test_a_provider_that_is_away_is_not_asked_at_every_request_and_holds_no_other_up(scene: Scene) -> None:
    away, there = await scene.provider("one"), await scene.provider("two")
    away.discovery["issuer"] = "https://another.example"
    for _ in range(3):
        assert (await scene.browser().get("/login/oidc/one")).status == 503
    assert len(away.heard) == 1
    assert (await scene.browser().through(there)).status == 303
    scene.clock.forward(5)
    away.discovery.clear()
    assert (await scene.browser().get("/login/oidc/one")).status == 303


async def test_a_key_that_is_new_is_fetched_and_one_that_is_made_up_does_not_make_us_ask_again(scene: Scene) -> None:
    provider = await scene.provider()
    provider.keys = [EC]
    provider.id_token = lambda claims: sign(claims, EC, "ES256")
    assert (await scene.browser().through(provider)).status == 303
    provider.keys = [EC, ED]
    provider.id_token = lambda claims: sign(claims, ED, "EdDSA")
    assert (await scene.browser().through(provider)).status == 401  # asked less than a minute ago
    scene.clock.forward(61)
    assert (await scene.browser().through(provider)).status == 303
    asked = [path for path, _ in provider.heard].count("/keys")
    scene.clock.forward(61)
    for number in range(5):
        provider.id_token = lambda claims, name=f"made-up-{number}": sign(claims, ED, "EdDSA", kid=name)
        assert (await scene.browser().through(provider)).status == 401
    assert [path for path, _ in provider.heard].count("/keys") == asked + 1


async def test_a_key_that_was_withdrawn_is_not_believed_for_longer_than_an_hour(scene: Scene) -> None:
    provider = await scene.provider()
    assert (await scene.browser().through(provider)).status == 303
    provider.keys = [EC]
    scene.clock.forward(3600)
    assert (await scene.browser().through(provider)).status == 401


# --- Disabled there, gone here ------------------------------------------------------------------------------------


async def with_refresh(scene: Scene) -> SimulatedProvider:
    provider = await scene.provider(check_every=60)
    provider.refresh_token = "refresh-1"
    return provider


async def test_somebody_whom_the_provider_still_knows_stays(scene: Scene) -> None:
    provider = await with_refresh(scene)
    browser = scene.browser()
    await browser.through(provider)
    scene.clock.forward(61)
    provider.refresh_answer = (200, {"access_token": "at", "refresh_token": "refresh-2"})
    assert await scene.run("check-sign-ons") == "1 still known, 0 ended"
    assert await scene.run("check-sign-ons") == "0 still known, 0 ended"
    scene.clock.forward(61)
    await scene.run("check-sign-ons")
    assert [form["refresh_token"] for path, form in provider.heard if form.get("refresh_token")] == [
        "refresh-1",
        "refresh-2",
    ]
    assert (await browser.get("/account")).status == 200


async def test_when_the_provider_disables_somebody_all_that_is_theirs_ends(scene: Scene) -> None:
    provider = await with_refresh(scene)
    browser = scene.browser()
    await browser.through(provider)
    for kind in ("token", "refresh"):
        secret = Secret(account="ada", kind=kind, lookup=f"lookup-{kind}", hash="0" * 64)
        await scene.identity.secrets.add(secret, scene.by(), at_most=9)
    scene.clock.forward(61)
    provider.refresh_answer = (400, {"error": "invalid_grant"})
    assert await scene.run("check-sign-ons") == "0 still known, 1 ended"
    assert (await account_of(scene)).disabled == "one does not know it any more"
    assert (await browser.get("/account")).location.startswith("/login")
    assert await scene.identity.secrets.find("lookup-refresh") is None
    found = await scene.identity.secrets.find("lookup-token")
    assert found is not None
    assert found[1].disabled  # whoever uses the token is told so
    assert await scene.run("check-sign-ons") == "0 still known, 0 ended"


async def test_whoever_an_older_release_took_in_is_asked_about_too(scene: Scene) -> None:
    provider = await with_refresh(scene)
    await scene.browser().through(provider)
    await scene.identity.accounts.change("ada", AccountChange(authority=""), scene.by())
    scene.clock.forward(61)
    assert await scene.run("check-sign-ons") == "1 still known, 0 ended"
    scene.clock.forward(61)
    provider.refresh_answer = (400, {"error": "invalid_grant"})
    assert await scene.run("check-sign-ons") == "0 still known, 1 ended"
    assert (await account_of(scene)).disabled == "one does not know it any more"


async def test_whoever_is_known_again_signs_in_again(scene: Scene) -> None:
    provider = await with_refresh(scene)
    await scene.browser().through(provider)
    scene.clock.forward(61)
    provider.refresh_answer = (400, {"error": "invalid_grant"})
    await scene.run("check-sign-ons")
    assert (await scene.browser().through(provider)).status == 303
    assert (await account_of(scene)).disabled == ""


async def test_whom_an_administrator_disabled_stays_so(scene: Scene) -> None:
    provider = await with_refresh(scene)
    await scene.browser().through(provider)
    await scene.identity.accounts.change("ada", AccountChange(disabled="left"), scene.by())
    answer = await scene.browser().through(provider)
    assert answer.status == 401
    assert "left" in answer.text


@pytest.mark.parametrize("answer", [(500, {}), (401, {"error": "invalid_client"}), (200, {"id_token": "a.b.c"})])
async def test_trouble_with_the_provider_ends_nothing(scene: Scene, answer: tuple[int, dict[str, Any]]) -> None:
    provider = await with_refresh(scene)
    browser = scene.browser()
    await browser.through(provider)
    scene.clock.forward(61)
    provider.refresh_answer = answer
    await scene.run("check-sign-ons")
    assert (await browser.get("/account")).status == 200


async def test_groups_follow_with_each_check(scene: Scene) -> None:
    provider = await with_refresh(scene)
    await scene.tell(provider, check_every=60, groups_claim="groups", groups={"devs": "team"})
    provider.claims["groups"] = ["devs"]
    await scene.browser().through(provider)
    await scene.identity.grants.add(
        NewGrant(principal="group:team", role="reader", place=Place(PlaceKind.REGISTRY)), scene.by()
    )
    scene.clock.forward(61)
    renewed = sign({**provider.common(), **provider.claims, "groups": []})
    provider.refresh_answer = (200, {"access_token": "at", "id_token": renewed})
    await scene.run("check-sign-ons")
    assert await scene.identity.members.of_account("ada") == ()


async def test_a_renewal_about_somebody_else_changes_nothing(scene: Scene) -> None:
    provider = await with_refresh(scene)
    browser = scene.browser()
    await browser.through(provider)
    scene.clock.forward(61)
    other = sign({**provider.common(), **provider.claims, "sub": "another", "preferred_username": "root"})
    provider.refresh_answer = (200, {"access_token": "at", "id_token": other})
    await scene.run("check-sign-ons")
    assert await scene.identity.accounts.get("root") is None
    assert (await browser.get("/account")).status == 200


# --- Signed out there, signed out here ----------------------------------------------------------------------------


async def notify(scene: Scene, token: str, name: str = "one") -> Answer:
    return await scene.browser("203.0.113.9").send(
        "POST",
        f"/login/backchannel/{name}",
        f"logout_token={token}".encode(),
        {"content-type": "application/x-www-form-urlencoded"},
    )


async def test_a_logout_there_ends_the_session_that_it_names(scene: Scene) -> None:
    provider = await scene.provider()
    first, second = scene.browser(), scene.browser()
    provider.claims["sid"] = "s-1"
    await first.through(provider)
    provider.claims["sid"] = "s-2"
    await second.through(provider)
    answer = await notify(scene, provider.logout_token(sid="s-1", sub=None))
    assert (answer.status, answer.header("cache-control")) == (200, "no-store")
    assert (await first.get("/account")).status == 303
    assert (await second.get("/account")).status == 200


async def test_a_logout_of_somebody_ends_all_their_sessions_and_no_others(scene: Scene) -> None:
    provider = await scene.provider()
    browser, other = scene.browser(), scene.browser()
    await browser.through(provider)
    await scene.user("grace")
    await other.sign_in("grace")
    assert (await notify(scene, provider.logout_token())).status == 200
    assert (await browser.get("/account")).status == 303
    assert (await other.get("/account")).status == 200


async def test_a_logout_that_comes_again_ends_nothing_new(scene: Scene) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    token = provider.logout_token()
    assert (await notify(scene, token)).status == 200
    await browser.through(provider)
    assert (await notify(scene, token)).status == 200
    assert (await browser.get("/account")).status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"events": None},
        {"events": {}},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": 1}},
        {"events": {"http://schemas.openid.net/event/other": {}}},
        {"nonce": "n"},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"sub": None},
        {"sub": None, "sid": ""},
        {"sub": 5},
        {"sub": "one-248289761001", "sid": ["s"]},
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 1},
        {"iat": None},
    ],
)
async def test_what_is_no_logout_token(scene: Scene, change: dict[str, Any]) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    await browser.through(provider)
    answer = await notify(scene, provider.logout_token(**change))
    assert answer.status == 400
    assert answer.header("cache-control") == "no-store"
    assert (await browser.get("/account")).status == 200


async def test_an_id_token_is_no_logout_token_and_the_other_way_round(scene: Scene) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    await browser.through(provider)
    assert (await notify(scene, sign({**provider.common(), **provider.claims}))).status == 400
    provider.id_token = lambda claims: sign(claims, typ="logout+jwt")
    assert (await scene.browser().through(provider)).status == 401
    assert (await browser.get("/account")).status == 200


async def test_a_logout_token_of_one_provider_is_nothing_to_another(scene: Scene) -> None:
    one, two = await scene.provider("one"), await scene.provider("two")
    browser = scene.browser()
    await browser.through(one)
    assert (await notify(scene, two.logout_token(sub=one.claims["sub"]), "one")).status == 400
    assert (await notify(scene, two.logout_token(sub=one.claims["sub"]), "two")).status == 200
    assert (await browser.get("/account")).status == 200


async def test_pkce_binds_the_code_to_the_browser(scene: Scene) -> None:
    provider = await scene.provider()
    browser = scene.browser()
    asked = await browser.to_provider()
    await browser.back({"code": provider.signed_in(asked), "state": asked["state"]})
    form = next(form for path, form in provider.heard if path == "/token")
    digest = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
    assert digest == asked["code_challenge"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", form["code_verifier"])
