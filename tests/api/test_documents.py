"""Trusts and providers: bodies held to their type, secrets that are never told."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.api.harness import REGISTRY, Api, assert_problem, registry

pytestmark = pytest.mark.slow

NEW = {"if-none-match": "*"}


@pytest.fixture
def api(runner: asyncio.Runner) -> Iterator[Api]:
    made = runner.run(registry())
    yield made
    made.close()


async def test_a_secret_is_set_and_never_told(api: Api) -> None:
    body = {"url": "x", "bind_password": "hunter22", "replicas": [{"url": "y", "bind_password": "hunter33"}]}
    made = await api.ask("PUT", "/providers/ldap", "root", body, headers=NEW)
    assert made.status == 200, made.body
    shown = (await api.ask("GET", "/providers/ldap", "aud")).json()["body"]
    assert shown["bind_password"] == shown["replicas"][0]["bind_password"] == "(set)"
    assert b"hunter" not in (await api.ask("GET", "/providers", "root")).body
    assert "hunter" not in str(await api.catalog.catalog.outbox.events(0, 1_000))


async def test_a_secret_that_is_set_stays_when_it_is_given_back(api: Api) -> None:
    body = {"url": "x", "bind_password": "hunter22"}
    made = await api.ask("PUT", "/providers/ldap", "root", body, headers=NEW)
    changed = await api.ask(
        "PUT",
        "/providers/ldap",
        "root",
        {"url": "x", "note": "z", "bind_password": "(set)"},
        headers={"if-match": made.header("etag")},
    )
    assert changed.status == 200
    kept = await api.identity.documents.get("provider", "ldap")
    assert kept is not None
    assert b"hunter22" in kept.body
    assert b'"z"' in kept.body
    moved = await api.ask(
        "PUT", "/providers/ldap", "root", {"url": "z", "bind_password": "(set)"}, headers={"if-match": "*"}
    )
    assert "give the secret anew" in assert_problem(moved, 400)["detail"]
    cleared = await api.ask("PUT", "/providers/ldap", "root", {"url": "z"}, headers={"if-match": "*"})
    assert cleared.json()["body"]["bind_password"] == ""


async def test_a_secret_that_is_not_there_cannot_stay(api: Api) -> None:
    answer = await api.ask("PUT", "/providers/x", "root", {"url": "x", "bind_password": "(set)"}, headers=NEW)
    assert "there is none" in assert_problem(answer, 400)["detail"]


@pytest.mark.parametrize("reference", ["env:ORLOP_SECRET_LDAP", "file:/etc/orlop/secrets/ldap"])
async def test_where_a_secret_is_kept_is_no_secret(api: Api, reference: str) -> None:
    await api.ask("PUT", "/providers/ldap", "root", {"url": "x", "bind_password": reference}, headers=NEW)
    assert (await api.ask("GET", "/providers/ldap", "root")).json()["body"]["bind_password"] == reference


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"url": 1}, "Expected `str`"),
        ({}, "missing required field `url`"),
        ({"url": "x", "bind_pasword": "y"}, "the nearest known one is bind_password"),
        ({"url": "x", "replicas": [{"ulr": "y"}]}, "replicas.ulr; the nearest known one is url"),
        ({"url": "x", "replicas": "y"}, "Expected `array`"),
    ],
)
async def test_a_body_that_is_not_of_its_kind_is_refused(api: Api, body: object, said: str) -> None:
    told = assert_problem(await api.ask("PUT", "/providers/x", "root", body, headers=NEW), 400)
    assert said in told["detail"]


@pytest.mark.parametrize("name", ["X", "a%20b", "-", ".x", "x" * 64])
async def test_a_name_is_one(api: Api, name: str) -> None:
    assert_problem(await api.ask("PUT", f"/providers/{name}", "root", {"url": "x"}, headers=NEW), 400)


async def test_nobody_trusts_others_with_more_than_they_have(api: Api) -> None:
    """Who only rules users cannot let strangers in as a robot that may do more."""
    await api.ask("PUT", "/roles/helpdesk", "root", {"actions": ["system"]}, headers=NEW)
    await api.account("help", ("helpdesk", REGISTRY))
    body = {"issuer": "https://ci.example", "robot": "robot+team"}
    told = assert_problem(await api.ask("PUT", "/trusts/ci", "help", body, headers=NEW), 403)
    assert "more than help may pass on" in told["detail"]


async def test_a_robot_that_is_not_there_is_trusted_with_nothing(api: Api) -> None:
    body = {"issuer": "https://ci.example", "robot": "robot+none"}
    assert_problem(await api.ask("PUT", "/trusts/ci", "root", body, headers=NEW), 404)
