"""What every end point has in common: pages, entity tags, keys for creates, refusals, who may come at all."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.harness import Api, assert_problem, basic, namespace, registry

pytestmark = pytest.mark.slow

KEY = "0b5ad7f6-3b9e-4b0f-9a52-8f2d7c2c9a10"


@pytest.fixture
def api(runner: asyncio.Runner) -> Iterator[Api]:
    made = runner.run(registry())
    yield made
    made.close()


async def test_nobody_is_told_how_to_sign_in(api: Api) -> None:
    answer = await api.ask("GET", "/users")
    assert_problem(answer, 401, "UNAUTHORIZED")
    assert answer.header("www-authenticate") == 'Basic realm="orlop", charset="UTF-8"'


async def test_me_says_who_is_signed_in(api: Api) -> None:
    await api.group("staff", "ann")
    told = (await api.ask("GET", "/me", "ann")).json()
    assert told["account"]["name"] == "ann"
    assert told["credential"].startswith("token ")
    assert told["groups"] == ["staff"]
    assert told["limits"] is None
    assert "hash" not in str(told)


async def test_a_robot_is_told_who_it_is(api: Api) -> None:
    told = (await api.ask("GET", "/me", "robot+team")).json()
    assert (told["account"]["name"], told["account"]["namespace"]) == ("robot+team", "team")


@pytest.mark.parametrize("name", ["team/devs", "/devs", "devs/", "Devs", "", "a" * 129])
async def test_a_group_is_called_what_its_address_can_hold(api: Api, name: str) -> None:
    assert_problem(await api.ask("POST", "/groups", "root", {"name": name}), 400)
    assert (await api.ask("GET", "/groups", "root")).json() == []


async def test_a_group_is_found_under_the_name_that_it_was_given(api: Api) -> None:
    made = await api.ask("POST", "/groups", "root", {"name": "team.devs@corp-1_x"})
    assert made.status == 201
    address = made.header("location").removeprefix("/api/v1")
    assert (await api.ask("GET", address, "root")).status == 200
    assert (await api.ask("PUT", f"{address}/members/eve", "root")).status == 204
    assert (await api.ask("DELETE", address, "root")).status == 204


async def test_pages_lead_to_each_other(api: Api) -> None:
    for number in range(5):
        await api.account(f"user{number}")
    seen: list[str] = []
    target = "/users?n=2"
    while target:
        answer = await api.ask("GET", target, "root")
        seen += [user["name"] for user in answer.json()]
        link = answer.header("link")
        assert not link or link.endswith('; rel="next"')
        target = link.partition(">")[0].removeprefix("<") if link else ""
    assert seen == sorted(seen)
    assert {"ann", "aud", "bob", "eve", "root", "user0", "user4"} == set(seen) - {"user1", "user2", "user3"}


async def test_pages_keep_their_filters(api: Api) -> None:
    for number in range(3):
        await api.grant("eve", "reader", namespace(f"team/n{number}"))
    answer = await api.ask("GET", "/grants?n=1&principal=eve", "root")
    assert "principal=eve" in answer.header("link")


@pytest.mark.parametrize("n", ["0", "-1", "1001", "x", "1e9", "2147483648", ""])
async def test_a_page_has_a_sensible_size(api: Api, n: str) -> None:
    assert_problem(await api.ask("GET", f"/users?n={n}", "root"), 400)


@pytest.mark.parametrize("last", ["x", "-1", "1;drop", "9" * 40])
async def test_a_list_by_number_goes_on_after_a_number(api: Api, last: str) -> None:
    assert_problem(await api.ask("GET", f"/grants?last={last}", "root"), 400)


@pytest.mark.parametrize(
    "target", ["GET /jobs/{}", "GET /grants/{}", "GET /deliveries/{}", "POST /deliveries/{}/redeliver"]
)
@pytest.mark.parametrize("number", [0, 2**63, 10**30])
async def test_a_number_that_nothing_has_is_refused(api: Api, target: str, number: int) -> None:
    method, path = target.split()
    answer = await api.ask(method, path.format(number), "root")
    assert answer.status == 400


async def test_a_parameter_that_nobody_knows_is_refused_with_the_nearest(api: Api) -> None:
    told = assert_problem(await api.ask("GET", "/grants?principle=eve", "root"), 400)
    assert "the nearest known one is principal" in told["detail"]


async def test_a_parameter_that_comes_twice_is_refused(api: Api) -> None:
    assert_problem(await api.ask("GET", "/users?n=1&n=2", "root"), 400)


async def test_a_field_that_nobody_knows_is_refused_with_the_nearest(api: Api) -> None:
    told = assert_problem(await api.ask("POST", "/users", "root", {"name": "new", "emial": "x"}), 400)
    assert "there is no field emial; the nearest known one is email" in told["detail"]


async def test_a_field_deep_inside_is_refused_too(api: Api) -> None:
    body = {"principal": "eve", "role": "reader", "place": {"kind": "namespace", "pth": "team"}}
    told = assert_problem(await api.ask("POST", "/grants", "ann", body), 400)
    assert "place.pth; the nearest known one is path" in told["detail"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b'{"name": "\xff"}',
        b'{"name": 1}',
        b'{"name": ""}',
        b'{"name": "' + b"x" * 300 + b'"}',
        b'{"name": "x", "expires_at": "tomorrow"}',
        b'{"name": "x", "expires_at": "2030-01-01T00:00:00"}',
        b'{"name": "x", "expires_at": "0001-01-01T00:00:00Z"}',
        b'{"name": "\\ud800"}',
        b'{"name": "x", "display": "a\\u0000b"}',
        b"[" * 100_000,
        b'{"a":' * 20_000,
    ],
)
async def test_a_body_that_is_none_is_refused(api: Api, raw: bytes) -> None:
    assert_problem(await api.ask("POST", "/users", "root", raw=raw), 400)


async def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    assert_problem(await api.ask("POST", "/users", "root", raw=b" " * (256 * 1024 + 1)), 413)


async def test_a_body_where_none_belongs_is_refused(api: Api) -> None:
    assert_problem(await api.ask("DELETE", "/users/eve", "root", {}), 400)


async def test_a_body_says_that_it_is_json(api: Api) -> None:
    answer = await api.ask("POST", "/users", "root", {"name": "new"}, headers={"content-type": "text/plain"})
    assert_problem(answer, 415, "MEDIA_TYPE_UNKNOWN")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"origin": "http://registry.example:99999"},
        {"origin": "http://registry.example:8080"},
        {"origin": "null", "host": ""},
        {"origin": "http://[", "host": "["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_page_of_another_site_changes_nothing(api: Api, headers: dict[str, str]) -> None:
    assert_problem(await api.ask("POST", "/users", "root", {"name": "new"}, headers=headers), 403, "DENIED")
    assert_problem(await api.ask("GET", "/users/new", "root"), 404)


@pytest.mark.parametrize("host", ["registry.example", "registry.example:80", "REGISTRY.example"])
async def test_a_page_of_the_registry_itself_does(api: Api, host: str) -> None:
    headers = {"origin": "http://registry.example", "sec-fetch-site": "same-origin", "host": host}
    assert (await api.ask("POST", "/users", "root", {"name": "new"}, headers=headers)).status == 201


async def test_paths_and_methods_that_are_none(api: Api) -> None:
    assert_problem(await api.ask("GET", "/nothing", "root"), 404, "NOT_FOUND")
    assert_problem(await api.ask("GET", "/api/v2", "root"), 404, "NOT_FOUND")
    answer = await api.ask("PATCH", "/users", "root", {})
    assert_problem(answer, 405, "UNSUPPORTED")
    assert set(answer.header("allow").replace(" ", "").split(",")) >= {"GET", "POST"}


async def test_head_is_get_without_its_body(api: Api) -> None:
    got, headed = await api.ask("GET", "/users/eve", "root"), await api.ask("HEAD", "/users/eve", "root")
    assert (headed.status, headed.body) == (200, b"")
    assert headed.header("content-length") == str(len(got.body))
    assert headed.header("etag") == got.header("etag")


async def test_what_is_known_is_not_sent_again(api: Api) -> None:
    tag = (await api.ask("GET", "/users/eve", "root")).header("etag")
    answer = await api.ask("GET", "/users/eve", "root", headers={"if-none-match": tag})
    assert (answer.status, answer.body) == (304, b"")
    changed = await api.ask("PATCH", "/users/eve", "root", {"display": "Eve"})
    assert changed.header("etag") != tag
    assert (await api.ask("GET", "/users/eve", "root", headers={"if-none-match": tag})).status == 200


async def test_an_update_that_would_be_lost_is_refused(api: Api) -> None:
    tag = (await api.ask("GET", "/users/eve", "root")).header("etag")
    assert (await api.ask("PATCH", "/users/eve", "root", {"display": "1"}, headers={"if-match": tag})).status == 200
    for method, body in (("PATCH", {"display": "2"}), ("DELETE", None)):
        answer = await api.ask(method, "/users/eve", "root", body, headers={"if-match": tag})
        assert_problem(answer, 412, "STALE")


@pytest.mark.parametrize("target", ["/roles/mine", "/namespaces/team/new"])
async def test_what_is_replaced_is_named(api: Api, target: str) -> None:
    body: dict[str, Any] = {"actions": ["pull"]} if "roles" in target else {"visibility": "public"}
    assert_problem(await api.ask("PUT", target, "root", body), 428, "PRECONDITION_REQUIRED")
    made = await api.ask("PUT", target, "root", body, headers={"if-none-match": "*"})
    assert made.status == 200, made.body
    assert_problem(await api.ask("PUT", target, "root", body, headers={"if-none-match": "*"}), 409, "CONFLICT")
    same = await api.ask("PUT", target, "root", body, headers={"if-match": made.header("etag")})
    assert same.header("etag") == made.header("etag"), "the same again changes nothing"
    assert_problem(await api.ask("PUT", target, "root", body, headers={"if-match": '"77"'}), 412, "STALE")
    assert_problem(await api.ask("PUT", target, "root", body, headers={"if-match": "77"}), 400)
    assert (await api.ask("PUT", target, "root", body, headers={"if-match": "*"})).status == 200
    assert (await api.ask("DELETE", target, "root")).status == 204


async def test_a_create_that_is_sent_again_does_nothing_again(api: Api) -> None:
    first = await api.ask("POST", "/tokens", "eve", {"name": "laptop"}, headers={"idempotency-key": KEY})
    again = await api.ask("POST", "/tokens", "eve", {"name": "laptop"}, headers={"idempotency-key": KEY})
    assert (first.status, first.body) == (again.status, again.body)
    assert first.status == 201
    assert again.header("idempotency-replayed") == "true"
    assert len((await api.ask("GET", "/tokens", "eve")).json()) == 2, "the one that eve signs in with, and this"


async def test_the_same_key_for_something_else_is_refused(api: Api) -> None:
    await api.ask("POST", "/tokens", "eve", {"name": "laptop"}, headers={"idempotency-key": KEY})
    answer = await api.ask("POST", "/tokens", "eve", {"name": "desk"}, headers={"idempotency-key": KEY})
    assert_problem(answer, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_key_belongs_to_whoever_used_it(api: Api) -> None:
    first = await api.ask("POST", "/tokens", "eve", {"name": "x"}, headers={"idempotency-key": KEY})
    other = await api.ask("POST", "/tokens", "ann", {"name": "x"}, headers={"idempotency-key": KEY})
    assert first.json()["secret"] != other.json()["secret"]


async def test_a_refusal_is_not_kept_for_a_key(api: Api) -> None:
    headers = {"idempotency-key": KEY}
    assert_problem(await api.ask("POST", "/users", "root", {"name": "eve"}, headers=headers), 409)
    assert (await api.ask("DELETE", "/users/eve", "root")).status == 204
    assert (await api.ask("POST", "/users", "root", {"name": "eve"}, headers=headers)).status == 201


@pytest.mark.parametrize("key", ["short", "x" * 256, "tab\tin the middle of it"])
async def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    assert_problem(await api.ask("POST", "/tokens", "eve", {}, headers={"idempotency-key": key}), 400)


async def test_two_at_once_with_one_key_make_one(api: Api) -> None:
    answers = await asyncio.gather(
        *(api.ask("POST", "/tokens", "eve", {}, headers={"idempotency-key": KEY}) for _ in range(5))
    )
    made = {answer.body for answer in answers if answer.status == 201}
    assert len(made) == 1
    assert {answer.status for answer in answers} <= {201, 409}
    assert len((await api.ask("GET", "/tokens", "eve")).json()) == 2


async def test_whoever_has_to_change_their_password_can_do_nothing_else(api: Api) -> None:
    await api.password("eve", "correct horse battery", must_change=True)
    old, new = (
        {"authorization": basic("eve", "correct horse battery")},
        {"authorization": basic("eve", "another horse staple")},
    )
    assert_problem(await api.ask("GET", "/me", headers=old), 401)
    for refused in ("short", "correct horse battery"):
        assert_problem(await api.ask("PUT", "/me/password", body={"password": refused}, headers=old), 400)
    assert_problem(await api.ask("GET", "/me", headers=old), 401)
    changed = await api.ask("PUT", "/me/password", body={"password": "another horse staple"}, headers=old)
    assert changed.status == 204, changed.body
    assert (await api.ask("GET", "/me", headers=new)).status == 200
    assert_problem(await api.ask("GET", "/me", headers=old), 401)


async def test_a_token_ends_with_the_password_that_it_was_fetched_with(api: Api) -> None:
    await api.password("eve", "correct horse battery")
    subject = await api.sign_in.authentication.caller(
        basic("eve", "correct horse battery"), address="192.0.2.7", request="r"
    )
    token = {"authorization": f"Bearer {(await api.sign_in.tokens.mint(subject, ())).token}"}
    assert (await api.ask("GET", "/me", headers=token)).status == 200
    reset = {"password": "another horse staple", "must_change": True}
    assert (await api.ask("PUT", "/users/eve/password", "root", reset)).status == 204
    assert_problem(await api.ask("GET", "/me", headers=token), 401)
    assert_problem(await api.ask("POST", "/tokens", body={}, headers=token), 401)
    assert_problem(await api.ask("GET", "/me", "eve"), 401)
    changed = await api.ask(
        "PUT",
        "/me/password",
        body={"password": "a third horse"},
        headers={"authorization": basic("eve", "another horse staple")},
    )
    assert changed.status == 204, changed.body
    assert (await api.ask("GET", "/me", "eve")).status == 200, "her access token waited for that alone"
    assert_problem(await api.ask("GET", "/me", headers=token), 401)


async def test_a_password_is_not_changed_with_a_token(api: Api) -> None:
    assert_problem(await api.ask("PUT", "/me/password", "eve", {"password": "another horse staple"}), 401)


async def test_a_new_user_has_to_choose_another_password(api: Api) -> None:
    body = {"name": "new", "password": "correct horse battery"}
    made = await api.ask("POST", "/users", "root", body)
    assert (made.status, made.header("location")) == (201, "/api/v1/users/new")
    assert made.json()["must_change"] is True
    assert "password" not in made.json()
    assert_problem(await api.ask("GET", "/me", headers={"authorization": basic("new", body["password"])}), 401)


async def test_a_right_that_is_taken_away_counts_from_the_next_request(api: Api) -> None:
    assert (await api.ask("GET", "/namespaces/team", "ann")).status == 200
    [grant] = (await api.ask("GET", "/grants?principal=ann", "root")).json()
    assert (await api.ask("DELETE", f"/grants/{grant['id']}", "root")).status == 204
    assert_problem(await api.ask("GET", "/namespaces/team", "ann"), 404)


async def test_a_token_that_is_revoked_counts_from_the_next_request(api: Api) -> None:
    made = (await api.ask("POST", "/tokens", "eve", {})).json()
    headers = {"authorization": basic("eve", made["secret"])}
    assert (await api.ask("GET", "/me", headers=headers)).status == 200
    assert (await api.ask("DELETE", f"/tokens/{made['kept']['id']}", "eve")).status == 204
    assert_problem(await api.ask("GET", "/me", headers=headers), 401)


async def test_secrets_of_a_robot_overlap_and_rotate(api: Api) -> None:
    await api.account("robot+ci", path="team")
    await api.identity.secrets.revoke(
        "robot+ci", (await api.ask("GET", "/robots/robot+ci/secrets", "ann")).json()[0]["id"], api.by
    )
    first = (await api.ask("POST", "/robots/robot+ci/secrets", "ann", {"name": "ci"})).json()["secret"]
    second = (await api.ask("POST", "/robots/robot+ci/rotate", "ann", {})).json()["secret"]
    for secret in (first, second):
        assert (await api.ask("GET", "/me", headers={"authorization": basic("robot+ci", secret)})).status == 200
    assert_problem(await api.ask("POST", "/robots/robot+ci/secrets", "ann", {}), 409)
    third = (await api.ask("POST", "/robots/robot+ci/rotate", "ann", {})).json()["secret"]
    for secret, status in ((first, 401), (second, 200), (third, 200)):
        answer = await api.ask("GET", "/me", headers={"authorization": basic("robot+ci", secret)})
        assert answer.status == status
    assert [kept["name"] for kept in (await api.ask("GET", "/robots/robot+ci/secrets", "ann")).json()] == ["ci", "ci"]


async def test_lists_show_what_is_the_callers_own(api: Api) -> None:
    async def names(target: str, who: str, field: str = "name") -> list[Any]:
        return [entry[field] for entry in (await api.ask("GET", target, who)).json()]

    assert await names("/users", "ann") == ["ann"]
    assert await names("/users", "aud") == ["ann", "aud", "bob", "eve", "root"]
    assert await names("/robots", "ann") == ["robot+team"]
    assert await names("/robots", "eve") == []
    assert await names("/robots?namespace=team-b", "ann") == []
    assert await names("/robots", "robot+team-b") == ["robot+team-b"]
    assert await names("/namespaces", "ann", "path") == ["team", "team/empty"]
    assert await names("/namespaces?below=team-b", "ann", "path") == []
    assert await names("/namespaces?below=team-b", "root", "path") == ["team-b/empty"]
    assert await names("/repositories", "ann") == ["team/app"]
    assert await names("/repositories", "eve") == []
    assert await names("/grants", "ann", "principal") == ["ann", "robot+team"]
    assert await names("/grants", "eve", "principal") == []
    assert await names("/grants?kind=namespace&path=team-b", "ann", "principal") == []
    assert (await api.ask("GET", "/grants?path=team", "ann")).status == 400


async def test_an_open_registry_manages_nothing() -> None:
    api = Api(everyone=True)
    assert_problem(await api.ask("GET", "/users"), 401)
    api.close()


async def test_the_description_is_for_everybody(api: Api) -> None:
    answer = await api.ask("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert answer.json()["openapi"] == "3.1.0"
