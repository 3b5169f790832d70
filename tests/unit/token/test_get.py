"""GET /token: what Docker and all others ask, with a password, a secret, or nothing."""

import pytest

from orlop.domain.access import ANONYMOUS, Action, Limit, Place, PlaceKind, Visibility
from orlop.domain.errors import TooManyRequests
from orlop.domain.limits import Allowance
from orlop.ports.clock import SECOND
from orlop.ports.identity import AccountChange, Namespace
from orlop.ports.sign_on import Vouched
from tests.unit.sign_in.scene import PASSWORD, START, Scene, basic, bearer
from tests.unit.sign_in.test_authentication import Issuer
from tests.unit.token.conftest import TokenServer

PULL = "repository:team/app:pull"


async def test_a_password_gets_a_token_for_what_its_owner_may(server: TokenServer) -> None:
    account = await server.scene.user("alice")
    await server.scene.grant("alice", "reader", "team/app")
    answer = await server.get(basic("alice", PASSWORD), scope=("repository:team/app:pull,push",), account="alice")
    assert answer.status == 200
    assert answer.json.keys() == {"token", "access_token", "expires_in", "issued_at"}
    assert answer.json["token"] == answer.json["access_token"]
    assert answer.json["expires_in"] == 300
    assert answer.json["issued_at"] == "2027-01-15T08:00:00Z"
    claims = answer.claims
    assert claims["access"] == [{"type": "repository", "name": "team/app", "actions": ["pull"]}]
    assert (claims["iss"], claims["aud"], claims["sub"]) == ("https://registry.example", "orlop", "alice")
    assert (claims["acc"], claims["cred"], claims["label"]) == (account.id, 0, "password")
    assert claims["exp"] - claims["iat"] == 300
    caller = await server.scene.caller(bearer(answer.json["token"]))
    await server.scene.access.check(caller, Action.PULL, repository="team/app")


async def test_an_answer_is_kept_by_nobody(server: TokenServer) -> None:
    for answer in (await server.get(), await server.get(basic("alice", "wrong"))):
        assert answer.headers[b"cache-control"] == b"no-store"


async def test_whoever_asks_is_counted_and_told_of_the_limit(server: TokenServer) -> None:
    await server.scene.user("alice")
    server.allowance = Allowance("requests-subject", 30, 60, 29, 2)
    for answer in (
        await server.get(basic("alice", PASSWORD)),
        await server.get(),
        await server.post(grant_type="password", username="alice", password=PASSWORD),
    ):
        assert answer.status == 200
        assert answer.headers[b"ratelimit"] == b'"requests-subject";r=29;t=2'
    assert server.admitted == ["alice", ANONYMOUS.name, "alice"]


async def test_whoever_asks_too_often_gets_no_token(server: TokenServer) -> None:
    await server.scene.user("alice")
    used_up = Allowance("requests-subject", 30, 60, 0, 2)
    server.allowance = TooManyRequests("alice made more than 30 requests a minute", retry_after=2, allowance=used_up)
    got = await server.get(basic("alice", PASSWORD))
    posted = await server.post(grant_type="password", username="alice", password=PASSWORD)
    assert (got.status, posted.status) == (429, 429)
    assert (got.json["errors"][0]["code"], posted.json["error"]) == ("TOOMANYREQUESTS", "temporarily_unavailable")
    for answer in (got, posted):
        assert answer.headers[b"retry-after"] == b"2"
        assert answer.headers[b"ratelimit"] == b'"requests-subject";r=0;t=2'
        assert "token" not in answer.json


async def test_several_scopes_in_one_parameter_or_many(server: TokenServer) -> None:
    await server.scene.user("alice")
    await server.scene.grant("alice", "publisher", "team/*")
    scopes = ("repository:team/a:pull repository:team/b:push", "repository:other:pull", "registry:catalog:*")
    claims = (await server.get(basic("alice", PASSWORD), scope=scopes)).claims
    assert [(each["name"], each["actions"]) for each in claims["access"]] == [
        ("team/a", ["pull"]),
        ("team/b", ["push"]),
        ("catalog", ["list"]),
    ]


async def test_a_thousand_scopes_are_no_work(server: TokenServer) -> None:
    await server.scene.user("alice")
    await server.scene.grant("alice", "admin")
    names = [f"repository:{'x' * 200}{number}:pull,push,delete" for number in range(1000)]
    answer = await server.get(basic("alice", PASSWORD), scope=(" ".join(names),))
    assert len(answer.claims["access"]) == 64
    assert (await server.scene.caller(bearer(answer.json["token"]))).subject.name == "alice", "and it is not too long"


async def test_nobody_gets_a_token_for_what_is_open_to_everybody(server: TokenServer) -> None:
    await server.scene.identity.namespaces.put(Namespace(path="open", visibility=Visibility.PUBLIC), server.scene.by())
    answer = await server.get(scope=("repository:open/app:pull,push", PULL), offline_token="true")
    assert answer.status == 200
    assert answer.claims["access"] == [{"type": "repository", "name": "open/app", "actions": ["pull"]}]
    assert (answer.claims["sub"], answer.claims["acc"]) == ("", 0)
    assert "refresh_token" not in answer.json


async def test_a_token_of_a_secret_has_its_limits_and_ends_with_it(server: TokenServer) -> None:
    scene = server.scene
    await scene.user("alice")
    await scene.grant("alice", "publisher")
    limits = (Limit(frozenset({Action.PULL}), Place(PlaceKind.REPOSITORIES, "team/app")),)
    secret = await scene.secret("alice", limits=limits)
    answer = await server.get(
        basic("alice", secret), scope=("repository:team/app:pull,push", "repository:team/b:pull"), offline_token="true"
    )
    assert answer.claims["access"] == [{"type": "repository", "name": "team/app", "actions": ["pull"]}]
    assert answer.json["refresh_token"] == secret, "a secret is kept itself: what is made of it ends with it"
    await scene.identity.secrets.revoke("alice", answer.claims["cred"], scene.by())
    again = await server.post(grant_type="refresh_token", refresh_token=secret)
    assert again.status == 400


async def test_a_login_gets_something_to_keep(server: TokenServer) -> None:
    await server.scene.user("alice")
    for fields in ({"offline_token": "true"}, {"access_type": "offline"}):
        kept = (await server.get(basic("alice", PASSWORD), **fields)).json["refresh_token"]
        assert kept.startswith("orlop_rfr_")
    assert "refresh_token" not in (await server.get(basic("alice", PASSWORD), offline_token="false")).json


async def test_who_is_vouched_for_keeps_nothing_and_has_no_longer_than_that(server: TokenServer) -> None:
    scene = Scene(token_sources=[Issuer({"eyJ.a.b": Vouched("robot+ci", "trust", START + 120 * SECOND)})])
    await scene.robot("robot+ci")
    answer = await TokenServer(scene).get(basic("oidc", "eyJ.a.b"), offline_token="true")
    scene.close()
    assert answer.json["expires_in"] == 120
    assert "refresh_token" not in answer.json


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (basic("alice", "wrong"), "the name or the password is wrong"),
        (basic("nobody", "wrong"), "the name or the password is wrong"),
        (basic("alice", ""), "the password is empty"),
        ("Basic !!!", "the Authorization header has no Base64 after Basic"),
        ("Negotiate abc", "the Authorization header begins with neither Basic nor Bearer"),
        ("Bearer abc", "a token cannot fetch another; send a name and a password or secret with Basic"),
    ],
)
async def test_who_is_refused_is_asked_for_a_password(server: TokenServer, authorization: str, message: str) -> None:
    await server.scene.user("alice")
    answer = await server.get(authorization)
    assert answer.status == 401
    assert answer.headers[b"www-authenticate"] == b'Basic realm="orlop",charset="UTF-8"'
    assert answer.json["errors"] == [{"code": "UNAUTHORIZED", "message": message}]
    assert answer.json["requestId"] == "r1"


async def test_who_is_disabled_gets_none(server: TokenServer) -> None:
    await server.scene.user("alice")
    await server.scene.identity.accounts.change("alice", AccountChange(disabled="left"), server.scene.by())
    answer = await server.get(basic("alice", PASSWORD))
    assert answer.status == 401
    assert "disabled: left" in answer.json["errors"][0]["message"]


async def test_who_guesses_is_told_when_to_come_back(server: TokenServer) -> None:
    for _ in range(8):
        answer = await server.get(basic("alice", "wrong"))
        server.scene.clock.forward(1 if answer.status == 401 else int(answer.headers[b"retry-after"]))
    for _ in range(2):
        answer = await server.get(basic("alice", "wrong"))
    assert answer.status == 429
    assert int(answer.headers[b"retry-after"]) > 1


@pytest.mark.parametrize("service", ["", "orlop"])
async def test_the_service_is_ours_or_left_out(server: TokenServer, service: str) -> None:
    assert (await server.ask("GET", "/token", f"service={service}")).status == 200
    assert (await server.ask("GET", "/token/")).status == 200


@pytest.mark.parametrize("query", ["service=other", "service=orlop&service=orlop", "service=orlop%20", "service=ORLOP"])
async def test_another_service_is_refused(server: TokenServer, query: str) -> None:
    answer = await server.ask("GET", "/token", query)
    assert answer.status == 400
    assert answer.json["errors"][0]["code"] == "UNSUPPORTED"


@pytest.mark.parametrize(
    "query", ["a=%ff", "&".join(f"a{n}=1" for n in range(300)), "account=a&account=b&client_id=x&client_id=y"]
)
async def test_a_query_that_cannot_be_read_is_refused(server: TokenServer, query: str) -> None:
    assert (await server.ask("GET", "/token", query)).status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/token", 405),
        ("HEAD", "/token", 405),
        ("DELETE", "/token", 405),
        ("POST", "/token/keys", 405),
        ("GET", "/token/other", 404),
        ("GET", "/.well-known/other", 404),
        ("GET", "/token//", 404),
    ],
)
async def test_what_is_not_here(server: TokenServer, method: str, path: str, status: int) -> None:
    answer = await server.ask(method, path)
    assert answer.status == status
    assert (b"allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/token/keys", "/.well-known/jwks.json"])
async def test_public_keys(server: TokenServer, path: str) -> None:
    answer = await server.ask("GET", path)
    assert answer.status == 200
    assert answer.headers[b"content-type"] == b"application/jwk-set+json"
    [key] = answer.json["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "Ed25519")
    assert "d" not in key
    assert (await server.ask("HEAD", path)).body == b""


async def test_a_defect_is_told_without_its_details(server: TokenServer) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret of ours")

    server.scene.sign_in.tokens.mint = fails  # type: ignore[method-assign]
    answer = await server.get()
    assert answer.status == 500
    assert b"secret" not in answer.body
