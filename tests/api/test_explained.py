"""What answers of the API tell those who may not know: nothing of private places, of others' groups and grants, nor why
somebody was shut out."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest

from orlop.domain.access import Action, Effect, Visibility
from orlop.ports.identity import AccountChange, Namespace
from tests.api.harness import REGISTRY, Api, assert_problem, namespace, registry
from tests.catalogs import rows

pytestmark = pytest.mark.slow


@pytest.fixture
def api(runner: asyncio.Runner) -> Iterator[Api]:
    """Two tenants; `eve` reads in `lib`, and is in a group that bob is in, too."""
    made = runner.run(_peopled())
    yield made
    made.close()


async def _peopled() -> Api:
    api = await registry()
    await api.grant("eve", "reader", namespace("lib"))
    await api.group("staff", "eve", "bob")
    await api.grant("group:staff", "publisher", namespace("team-b"))
    return api


async def shown(api: Api, path: str, visibility: Visibility) -> None:
    await api.identity.namespaces.put(Namespace(path=path, visibility=visibility), api.by)


async def explained(api: Api, who: str, action: str, repository: str, subject: str = "", more: str = "") -> Any:
    asked = await api.ask(
        "GET", f"/access/explain?action={action}&repository={repository}&subject={subject}{more}", who
    )
    assert asked.status == 200, asked
    return asked.json()


#: Whatever somebody may ask about a place; the name of its first component stands in for the braces.
ABOUT_PLACES = (
    *(("GET", f"/access/explain?action={action}&repository={{}}/app&tag=v1", None) for action in Action),
    ("GET", "/access/explain?action=pull&repository={}/app&subject=bob", None),
    ("GET", "/access/explain?action=pull&repository={}/app&subject=anonymous", None),
    ("GET", "/access/who?repository={}/app", None),
    ("GET", "/rules?path={}", None),
    ("GET", "/rules?repository={}/app", None),
    ("DELETE", "/repositories/{}/app", None),
    ("GET", "/namespaces/{}", None),
    ("GET", "/namespaces/{}/secret", None),
    ("GET", "/namespaces?below={}", None),
    ("PUT", "/namespaces/{}", {"visibility": "public"}),
    ("DELETE", "/namespaces/{}", None),
    ("DELETE", "/namespaces/{}/secret", None),
    ("POST", "/robots", {"name": "robot+mine", "namespace": "{}"}),
    ("GET", "/robots?namespace={}", None),
    ("GET", "/grants?kind=namespace&path={}", None),
    ("POST", "/grants", {"principal": "eve", "role": "reader", "place": {"kind": "namespace", "path": "{}"}}),
    ("GET", "/audit?place={}", None),
)


@pytest.mark.parametrize("around", [None, Visibility.INTERNAL, Visibility.PUBLIC])
async def test_a_private_place_that_is_there_is_as_one_that_is_not(api: Api, around: Visibility | None) -> None:
    if around is not None:
        await shown(api, "", around)
    await shown(api, "closed", Visibility.PRIVATE)
    await shown(api, "closed/secret", Visibility.PRIVATE)
    await api.repository("closed/app")
    await api.grant("bob", "reader", namespace("closed"))

    async def told(method: str, target: str, body: Any, name: str) -> tuple[int, bytes]:
        filled = {key: _filled(value, name) for key, value in body.items()} if body else None
        answer = await api.ask(method, target.format(name), "eve", filled)
        return answer.status, re.sub(rb'"request_id":"[^"]*"', b"", answer.body.replace(name.encode(), b"{}"))

    for method, target, body in ABOUT_PLACES:
        assert await told(method, target, body, "closed") == await told(method, target, body, "absent"), target


def _filled(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, name) for key, each in value.items()}
    return value.replace("{}", name)


async def test_what_one_may_know_is_still_explained(api: Api) -> None:
    await shown(api, "team", Visibility.INTERNAL)
    found = await explained(api, "eve", "pull", "team/app")
    assert found["allowed"]
    assert found["repository_exists"]
    assert found["visibility"] == {"visibility": "internal", "namespace": "team", "opens": True}
    await api.repository("lib/app")
    await shown(api, "lib", Visibility.PRIVATE)
    found = await explained(api, "eve", "pull", "lib/app")
    assert (found["allowed"], found["repository_exists"]) == (True, True)
    assert found["visibility"]["namespace"] == "lib"
    assert not (await explained(api, "eve", "pull", "lib/none"))["repository_exists"]
    assert found["groups"] == ["staff"]
    assert {one["grant"]["principal"] for one in found["grants"]} == {"eve", "group:staff"}


async def test_an_owner_is_told_of_others_what_belongs_to_their_place(api: Api) -> None:
    mine = await api.grant("eve", "guest", namespace("team"))
    change = AccountChange(disabled="suspected of theft")
    await api.identity.accounts.change("eve", change, api.by)
    found = await explained(api, "ann", "pull", "team/app", "eve")
    assert [one["grant"]["id"] for one in found["grants"]] == [mine]
    assert found["groups"] == []
    assert not found["allowed"]
    assert found["unfit"] == "the account may not sign in now"
    for word in ("staff", "lib", "team-b", "theft", "disabled"):
        assert word not in str(found)
    seen = await explained(api, "aud", "pull", "team/app", "eve")
    assert len(seen["grants"]) == 3
    assert seen["groups"] == ["staff"]
    assert "theft" in seen["unfit"]


async def test_an_owner_is_told_the_truth_by_grants_that_they_may_not_see(api: Api) -> None:
    found = await explained(api, "ann", "delete", "team/app", "root")
    assert found["allowed"]
    assert found["rule"] == "a grant that is not for you to see gives it to root"
    assert (found["grants"], found["changes"]) == ([], [])
    await api.grant("eve", "reader", namespace("team"))
    hidden = await api.grant("group:staff", "reader", REGISTRY, Effect.DENY)
    found = await explained(api, "ann", "pull", "team/app", "eve")
    assert not found["allowed"]
    assert found["rule"] == "a grant that is not for you to see denies it to eve"
    assert hidden not in [one["grant"]["id"] for one in found["grants"]]
    assert "staff" not in str(found)
    assert (await explained(api, "eve", "pull", "team/app"))["rule"].startswith(f"grant {hidden} denies group:staff")


async def test_an_owner_is_told_of_no_secrets_but_those_of_their_robots(api: Api) -> None:
    kept = rows(api.catalog, "SELECT a.name, s.id FROM secrets s JOIN accounts a ON a.id = s.account_id")
    number = dict(kept)
    refused = []
    for credential in (number["eve"], 10_000):
        target = f"/access/explain?action=pull&repository=team/app&subject=eve&credential={credential}"
        told = assert_problem(await api.ask("GET", target, "ann"), 404, "NOT_FOUND")
        refused.append(told["detail"].replace(str(credential), ""))
    assert refused[0] == refused[1]
    robot = f"&credential={number['robot+team']}"
    assert (await explained(api, "ann", "pull", "team/app", "robot%2Bteam", robot))["allowed"]


async def test_who_lists_to_an_owner_the_grants_of_their_place_and_no_members(api: Api) -> None:
    await api.grant("group:staff", "reader", namespace("team"))
    await api.grant("eve", "guest", namespace("team"))
    await api.grant("eve", "publisher", REGISTRY)
    found = (await api.ask("GET", "/access/who?repository=team/app", "ann")).json()
    able = {one["principal"]: one["actions"] for one in found["able"]}
    assert set(able) == {"group:staff", "ann", "eve", "robot+team"}
    assert able["eve"] == ["pull"]
    assert {grant["place"]["path"] for grant in found["grants"]} == {"team"}
    await api.identity.members.set("staff", add=("ann",), by=api.by)
    found = (await api.ask("GET", "/access/who?repository=team/app", "ann")).json()
    assert "bob" in {one["principal"] for one in found["able"]}, "ann is in that group, too"
    everything = (await api.ask("GET", "/access/who?repository=team/app", "aud")).json()
    assert {"root", "aud", "bob"} <= {one["principal"] for one in everything["able"]}


async def test_a_refusal_names_no_grant_that_the_caller_may_not_see(api: Api) -> None:
    await api.group("machines", "robot+team")
    for principal, place in (("robot+team", "other"), ("group:machines", "another")):
        await api.grant(principal, "reader", namespace(place))
        told = assert_problem(await api.ask("POST", "/robots/robot+team/secrets", "ann", {}), 403, "DENIED")
        for word in ("other", "machines", "reader", "grant 1", "scan-read"):
            assert word not in str(told), told
        [(last,)] = rows(api.catalog, "SELECT max(id) FROM grants")
        await api.identity.grants.remove(last, api.by)
    await api.grant("robot+team", "reader", namespace("team/below"), Effect.DENY)
    await api.grant("ann", "reader", namespace("team/below"), Effect.DENY)
    told = assert_problem(await api.ask("DELETE", "/robots/robot+team", "ann"), 403, "DENIED")
    assert "denies robot+team the role reader on team/below" in told["detail"], "which is for ann to see"
