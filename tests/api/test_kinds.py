"""Trusts and providers as they really are, through the API: what is refused says what to write."""

import asyncio
from collections.abc import Iterator

import pytest

from orlop.domain.kinds import KINDS
from tests.api.harness import Api, assert_problem, registry

pytestmark = pytest.mark.slow

NEW = {"if-none-match": "*"}
OIDC = {"type": "oidc", "issuer": "https://login.example", "client_id": "orlop", "client_secret": "hunter22"}
LDAP = {
    "type": "ldap",
    "servers": ["ldaps://ldap.example"],
    "bind_dn": "cn=orlop",
    "bind_password": "env:ORLOP_SECRET_LDAP",
    "user_base": "ou=people,dc=example",
}
TRUST = {
    "kind": "oidc",
    "robot": "robot+team",
    "issuer": "https://token.actions.githubusercontent.com",
    "audience": "registry.example",
}


@pytest.fixture
def api(runner: asyncio.Runner) -> Iterator[Api]:
    made = runner.run(registry(KINDS))
    yield made
    made.close()


@pytest.mark.parametrize(("name", "body"), [("corp", OIDC), ("ldap", LDAP)])
async def test_providers_are_kept_without_telling_their_secrets(api: Api, name: str, body: dict[str, object]) -> None:
    made = await api.ask("PUT", f"/providers/{name}", "root", body, headers=NEW)
    assert made.status == 200, made.body
    assert b"hunter22" not in made.body
    shown = made.json()["body"]
    again = await api.ask("PUT", f"/providers/{name}", "root", shown, headers={"if-match": made.header("etag")})
    assert again.header("etag") == made.header("etag"), "what was shown, given back, changes nothing"


@pytest.mark.parametrize(
    ("target", "body", "said"),
    [
        ("/providers/corp", {**OIDC, "issuer": "http://login.example"}, "https"),
        ("/providers/corp", {**OIDC, "client_idd": "x"}, "the nearest known one is client_id"),
        ("/providers/corp", {**OIDC, "type": "saml"}, "saml"),
        ("/providers/local", OIDC, "cannot be a provider's name"),
        ("/providers/ldap", {**LDAP, "servers": []}, "servers"),
        ("/providers/ldap", {**LDAP, "bind_password": ""}, "bind_password"),
        ("/trusts/ci", {"kind": "oidc", "robot": "ann"}, ""),
    ],
)
async def test_what_makes_no_sense_is_refused(api: Api, target: str, body: dict[str, object], said: str) -> None:
    told = assert_problem(await api.ask("PUT", target, "root", body, headers=NEW), 400)
    assert said in told["detail"]
