"""POST /token: OAuth 2 with a password, and with what a login kept."""

import pytest

from orlop.ports.identity import AccountChange
from tests.unit.sign_in.scene import ELSEWHERE, PASSWORD, basic
from tests.unit.token.conftest import TokenServer

FORM = "application/x-www-form-urlencoded"
DAY = 24 * 3600


async def login(server: TokenServer, name: str = "alice") -> str:
    """What Docker keeps after `docker login`."""
    answer = await server.get(basic(name, PASSWORD), offline_token="true", client_id="docker", account=name)
    kept: str = answer.json["refresh_token"]
    return kept


async def test_a_password(server: TokenServer) -> None:
    await server.scene.user("alice")
    await server.scene.grant("alice", "reader", "team/app")
    answer = await server.post(
        grant_type="password", username="alice", password=PASSWORD, scope="repository:team/app:pull,push"
    )
    assert answer.status == 200
    assert answer.json.keys() == {"token", "access_token", "expires_in", "issued_at", "token_type", "scope"}
    assert answer.json["scope"] == "repository:team/app:pull"
    assert answer.json["token_type"] == "Bearer"
    kept = await server.post(grant_type="password", username="alice", password=PASSWORD, access_type="offline")
    assert kept.json["refresh_token"].startswith("orlop_rfr_")


async def test_what_a_login_kept_gets_tokens(server: TokenServer) -> None:
    scene = server.scene
    await scene.user("alice")
    await scene.grant("alice", "reader", "team/app")
    kept = await login(server)
    answer = await server.post(grant_type="refresh_token", refresh_token=kept, scope="repository:team/app:pull")
    assert answer.status == 200
    assert answer.claims["sub"] == "alice"
    assert answer.claims["cred"] > 0
    assert "docker" in answer.claims["label"]
    assert "refresh_token" not in answer.json
    again = await server.post(grant_type="refresh_token", refresh_token=kept, access_type="offline")
    assert again.json["refresh_token"] == kept


@pytest.mark.parametrize("event", ["password", "disabled", "removed", "revoked", "unused", "must change"])
async def test_what_a_login_kept_ends(server: TokenServer, event: str) -> None:
    scene = server.scene
    await scene.user("alice")
    kept = await login(server)
    fetched = await server.post(grant_type="refresh_token", refresh_token=kept)
    match event:
        case "password" | "must change":
            hashed = await scene.hasher.hash("another long phrase")
            must = event == "must change"
            await scene.identity.passwords.set("alice", hashed, must_change=must, by=scene.by())
        case "disabled":
            await scene.identity.accounts.change("alice", AccountChange(disabled="left"), scene.by())
        case "removed":
            await scene.identity.accounts.remove("alice", scene.by())
        case "revoked":
            await scene.identity.secrets.revoke("alice", fetched.claims["cred"], scene.by())
        case "unused":
            scene.clock.forward(90 * DAY)
    answer = await server.post(grant_type="refresh_token", refresh_token=kept)
    assert answer.status == 400
    assert answer.json["error"] == "invalid_grant"
    assert kept not in answer.body.decode()


async def test_a_login_that_is_used_goes_on(server: TokenServer) -> None:
    await server.scene.user("alice")
    kept = await login(server)
    for _ in range(4):
        server.scene.clock.forward(80 * DAY)
        assert (await server.post(grant_type="refresh_token", refresh_token=kept)).status == 200
        await server.scene.sign_in.uses.flush()


async def test_the_login_that_was_not_used_for_longest_makes_room(server: TokenServer) -> None:
    await server.scene.user("alice")
    first = await login(server)
    second = await login(server)
    for _ in range(48):
        server.scene.clock.forward(60)
        await login(server)
    await server.post(grant_type="refresh_token", refresh_token=first)
    await server.scene.sign_in.uses.flush()
    await login(server)
    assert (await server.post(grant_type="refresh_token", refresh_token=first)).status == 200
    assert (await server.post(grant_type="refresh_token", refresh_token=second)).status == 400


async def test_what_a_login_kept_is_no_password(server: TokenServer) -> None:
    await server.scene.user("alice")
    kept = await login(server)
    assert (await server.get(basic("alice", kept))).status == 401
    assert (await server.post(grant_type="password", username="alice", password=kept)).status == 400


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password", "username": "alice", "password": "wrong"}, "invalid_grant"),
        ({"grant_type": "password", "username": "alice"}, "invalid_grant"),
        ({"grant_type": "password", "password": "x"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "garbage"}, "invalid_grant"),
        (
            {"grant_type": "refresh_token", "refresh_token": "orlop_rfr_aaaaaaaaaaaa_" + "a" * 32 + "_aaaaaa"},
            "invalid_grant",
        ),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "header"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "alice", "password": PASSWORD, "service": "other"}, "invalid_request"),
    ],
)
async def test_errors_are_those_of_oauth_and_of_registries(
    server: TokenServer, fields: dict[str, str], error: str
) -> None:
    await server.scene.user("alice")
    answer = await server.post(**fields)
    assert answer.status == 400
    assert answer.json["error"] == error
    assert answer.json["error_description"]
    assert answer.json["errors"][0]["message"]
    assert b"www-authenticate" not in answer.headers
    assert answer.headers[b"cache-control"] == b"no-store"
    assert PASSWORD not in answer.body.decode()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 400),
        (b"grant_type=password", "", 400),
        (b"grant_type=password&username=\xff&password=x", FORM, 400),
        (b"grant_type=password&username=%ff&password=x", FORM, 400),
        (b"grant_type=password&grant_type=refresh_token", FORM, 400),
        (b"", FORM, 400),
        (b"grant_type=password&username=alice&password=" + b"x" * 70_000, FORM, 413),
        (b"&".join(b"a%d=1" % number for number in range(1000)), FORM, 400),
    ],
)
async def test_a_form_that_is_none(server: TokenServer, body: bytes, content_type: str, status: int) -> None:
    answer = await server.ask("POST", "/token", body=body, content_type=content_type)
    assert answer.status == status
    assert answer.json["error"] in {"invalid_request", "unsupported_grant_type"}


async def test_a_content_type_may_name_its_charset(server: TokenServer) -> None:
    await server.scene.user("alice")
    body = f"grant_type=password&username=alice&password={PASSWORD.replace(' ', '+')}".encode()
    assert (await server.ask("POST", "/token", body=body, content_type=f"{FORM}; charset=UTF-8")).status == 200


async def test_who_guesses_is_sent_away(server: TokenServer) -> None:
    for _ in range(6):
        answer = await server.post(grant_type="password", username="alice", password="wrong")
    assert answer.status == 429
    assert answer.json["error"] == "temporarily_unavailable"
    assert answer.headers[b"retry-after"] == b"1"
    elsewhere = await server.post(grant_type="password", username="alice", password="wrong", address=ELSEWHERE)
    assert elsewhere.status == 400
