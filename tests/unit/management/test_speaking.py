"""A document that speaks for others is written by those alone who may do what those may: every kind, every way."""

from typing import Any

import pytest

from orlop.adapters.sql.statements import SQLITE
from orlop.domain.access import Caller
from orlop.domain.errors import Conflict, Denied, NotFound, RequestInvalid
from orlop.domain.kinds import KINDS
from orlop.domain.settings import nobody
from orlop.ports.browser import SignOn
from orlop.ports.identity import Account, Group
from tests.unit.management.scene import BY, NOW, REGISTRY, Scene, scene
from tests.unit.management.test_escalation import helpdesk

OIDC = {"type": "oidc", "issuer": "https://login.example", "client_id": "orlop", "client_secret": "hunter22"}
LDAP = {
    "type": "ldap",
    "servers": ["ldaps://ldap.example"],
    "bind_dn": "cn=orlop",
    "bind_password": "hunter22",
    "user_base": "ou=people,dc=example",
}
TRUST = {
    "kind": "oidc",
    "robot": "robot+boss",
    "issuer": "https://ci.example",
    "audience": "registry",
    "claims": {"sub": "project:1"},
}

#: A document of each kind that lets strangers in as somebody who may do everything: a new kind is missing here first.
LETS_IN: dict[str, tuple[str, dict[str, Any]]] = {
    "provider": ("corp", OIDC),
    "trust": ("ci", TRUST),
    "certificate-rule": ("ci", {"match": "subject:CN=ci", "account": "robot+boss"}),
}


async def a_registry() -> tuple[Scene, Caller]:
    """With `help`, who has the action `system` alone; `boss` of the provider `corp` and `robot+boss` rule."""
    made = await scene(dict(KINDS))
    await helpdesk()(made)
    await made.identity.accounts.add(
        Account(name="boss", source="corp", external="sub-1", authority="https://login.example"), BY
    )
    await made.grant("boss", "admin", REGISTRY)
    await made.robot("robot+boss", "", ("admin", REGISTRY))
    return made, await made.caller("help")


#: Kinds that let nobody in.
LETS_NOBODY_IN = {
    *("tag-rule", "repository-rule", "retention", "trash-rule", "clean-up-rule", "quota", "webhook", "job-schedule"),
    *("upstream", "virtual", "exception", "sbom-rule", "vex-trust", "vex", "licence-rule", "advisory-source"),
    *("signers", "scanner", "gate", "quarantine-rule", "pipeline", "receipt-rule", "read-only"),
    "backup-schedule",
}
#: Kinds that give something to those who are there: see test_widening.
GIVES = {"role"}


def test_every_kind_of_settings_is_tried() -> None:
    assert LETS_IN.keys() | LETS_NOBODY_IN | GIVES == KINDS.keys()
    assert {kind.kind for kind in KINDS.values() if kind.speaks_for is nobody} == LETS_NOBODY_IN


@pytest.mark.parametrize("kind", LETS_IN)
async def test_who_may_do_less_cannot_let_others_in(kind: str) -> None:
    made, caller = await a_registry()
    name, body = LETS_IN[kind]
    made.marked()
    with pytest.raises(Denied, match="more than help may"):
        await made.management.settings.put(caller, kind, name, body, None)
    assert made.is_as_marked()
    await made.management.settings.put(await made.caller("root"), kind, name, body, None)


async def test_a_certificate_that_says_who_it_is_may_be_anybody() -> None:
    made, caller = await a_registry()
    template = {"match": "dns:{name}.example.org", "account": "robot+{name}"}
    made.marked()
    with pytest.raises(Denied, match="more than help may"):
        await made.management.settings.put(caller, "certificate-rule", "all", template, None)
    assert made.is_as_marked()
    fixed = {"match": "dns:{name}.example.org", "account": "help"}
    await made.management.settings.put(caller, "certificate-rule", "mine", fixed, None)


@pytest.mark.parametrize(
    "change",
    [
        {"algorithms": ["RS256"]},
        {"ca": "/etc/orlop/theirs.pem"},
        {"client_id": "another"},
        {"groups": {"*": "corp-staff"}},
        {"user_name": {"claim": "email"}},
        {"allowed_domains": ["example.org"]},
    ],
)
async def test_what_decides_whom_a_provider_vouches_for_is_changed_by_those_who_may_all_of_it(change: Any) -> None:
    made, caller = await a_registry()
    documents = made.management.settings
    await documents.put(await made.caller("root"), "provider", "corp", OIDC, None)
    made.marked()
    with pytest.raises(Denied, match="the provider corp speaks for more than help may do"):
        await documents.put(caller, "provider", "corp", {**OIDC, **change}, None)
    assert made.is_as_marked()
    await documents.put(caller, "provider", "corp", {**OIDC, "text": "Sign in at the office", "check_every": 60}, None)


async def test_a_directory_elsewhere_is_another_for_whom_it_vouches() -> None:
    made, caller = await a_registry()
    account = Account(name="chief", source="ldap", external="uuid-1", authority=LDAP["user_base"])
    await made.identity.accounts.add(account, BY)
    await made.grant("chief", "admin", REGISTRY)
    await made.management.settings.put(await made.caller("root"), "provider", "ldap", LDAP, None)
    for change in ({"servers": ["ldaps://theirs.example"]}, {"user_id": "uid"}, {"user_filter": "(cn={name})"}):
        body = {**LDAP, **change, "bind_password": "hunter33"}
        with pytest.raises(Denied):
            await made.management.settings.put(caller, "provider", "ldap", body, None)


async def test_a_provider_with_another_identity_speaks_for_nobody_until_somebody_with_the_rights_says_so() -> None:
    made, caller = await a_registry()
    root, documents, adoption = await made.caller("root"), made.management.settings, made.management.adoption
    await documents.put(root, "provider", "corp", OIDC, None)
    await made.identity.sign_ons.put(
        SignOn(provider="corp", external="sub-1", account="boss", refresh_token="r-1", checked_at=NOW)
    )
    theirs = {**OIDC, "issuer": "https://theirs.example", "client_secret": "hunter33"}
    await documents.put(caller, "provider", "corp", theirs, None)
    assert await made.identity.external.external("corp", "https://theirs.example", "sub-1") is None
    made.marked()
    with pytest.raises(Denied, match="more than help may pass on"):
        await adoption.adopt(caller, "corp")
    with pytest.raises(Denied):
        await adoption.adopt(caller, "corp", ("boss",))
    assert made.is_as_marked()
    assert await adoption.adopt(root, "corp") == ("boss",)
    found = await made.identity.external.external("corp", "https://theirs.example", "sub-1")
    assert found is not None
    assert found.name == "boss"
    assert await made.identity.sign_ons.due("corp", NOW + 1, 9) == (), "what the old one gave is not shown to the new"
    assert await adoption.adopt(root, "corp") == (), "there is nobody left"


async def test_whoever_may_do_everything_is_not_compared_with_each_account() -> None:
    made, _ = await a_registry()
    root, documents = await made.caller("root"), made.management.settings
    statements: list[str] = []
    made.catalog.engine.connection.exec_trace = lambda _, text, __: not statements.append(text)  # type: ignore[attr-defined]
    await documents.put(root, "provider", "corp", OIDC, None)
    assert not {SQLITE[name] for name in ("account_page_of_source", "groups_of_account")} & set(statements)


async def test_only_accounts_of_the_provider_are_carried_over() -> None:
    made, _ = await a_registry()
    root, adoption = await made.caller("root"), made.management.adoption
    with pytest.raises(NotFound, match="no sign-on provider corp"):
        await adoption.adopt(root, "corp")
    await made.management.settings.put(root, "provider", "corp", OIDC, None)
    with pytest.raises(Conflict, match="ann is an account of local"):
        await adoption.adopt(root, "corp", ("ann",))
    with pytest.raises(NotFound, match="no account nobody"):
        await adoption.adopt(root, "corp", ("boss", "nobody"))


async def test_groups_of_a_provider_are_filled_by_those_who_may_what_they_may() -> None:
    """Its next people would be in them."""
    made, caller = await a_registry()
    await made.identity.accounts.remove("boss", BY)
    await made.identity.groups.add(Group(name="corp-admins", source="corp"), BY)
    await made.grant("group:corp-admins", "admin", REGISTRY)
    with pytest.raises(Denied, match="the provider corp speaks for more"):
        await made.management.settings.put(caller, "provider", "corp", OIDC, None)


async def test_an_account_whose_authority_nobody_knows_is_spoken_for() -> None:
    made, caller = await a_registry()
    await made.identity.accounts.add(Account(name="older", source="corp", external="sub-2"), BY)
    await made.grant("older", "admin", REGISTRY)
    theirs = {**OIDC, "issuer": "https://theirs.example"}
    with pytest.raises(Denied):
        await made.management.settings.put(caller, "provider", "corp", theirs, None)


@pytest.mark.parametrize(
    ("name", "body", "secret", "elsewhere"),
    [
        ("corp", OIDC, "client_secret", {"issuer": "https://theirs.example"}),
        ("corp", OIDC, "client_secret", {"ca": "/etc/orlop/theirs.pem"}),
        ("ldap", LDAP, "bind_password", {"servers": ["ldaps://theirs.example"]}),
        ("ldap", LDAP, "bind_password", {"servers": ["ldaps://ldap.example", "ldaps://theirs.example"]}),
        ("ldap", LDAP, "bind_password", {"ca": "/etc/orlop/theirs.pem"}),
        ("ldap", LDAP, "bind_password", {"servers": ["ldap://localhost"], "start_tls": False}),
    ],
)
async def test_a_secret_is_not_kept_for_another_destination(
    name: str, body: dict[str, Any], secret: str, elsewhere: dict[str, Any]
) -> None:
    made, _ = await a_registry()
    root, documents = await made.caller("root"), made.management.settings
    await documents.put(root, "provider", name, body, None)
    made.marked()
    with pytest.raises(RequestInvalid, match="give the secret anew"):
        await documents.put(root, "provider", name, {**body, **elsewhere, secret: "(set)"}, None)
    assert made.is_as_marked()
    await documents.put(root, "provider", name, {**body, **elsewhere, secret: "hunter33"}, None)
    harmless = {"text": "x"} if name == "corp" else {"timeout": 5}
    await documents.put(root, "provider", name, {**body, **elsewhere, **harmless, secret: "(set)"}, None)
    kept = await made.identity.documents.get("provider", name)
    assert kept is not None
    assert b"hunter33" in kept.body


@pytest.mark.parametrize(
    "reference", ["file:/proc/self/environ", "file:/etc/orlop/secrets/../key", "env:ORLOP_BLOBS_SECRET_ACCESS_KEY"]
)
@pytest.mark.parametrize(("name", "body", "secret"), [("corp", OIDC, "client_secret"), ("ldap", LDAP, "bind_password")])
async def test_a_secret_is_named_where_secrets_are_kept(
    name: str, body: dict[str, Any], secret: str, reference: str
) -> None:
    made, _ = await a_registry()
    root, documents = await made.caller("root"), made.management.settings
    with pytest.raises(RequestInvalid, match=f"{secret}: .* may not be read"):
        await documents.put(root, "provider", name, {**body, secret: reference}, None)
    await documents.put(root, "provider", name, {**body, secret: "file:/etc/orlop/secrets/it"}, None)


async def test_a_secret_does_not_follow_a_provider_that_becomes_one_of_another_type() -> None:
    made, _ = await a_registry()
    root, documents = await made.caller("root"), made.management.settings
    both = {**LDAP, "bind_password": "hunter22"}
    await documents.put(root, "provider", "corp", both, None)
    with pytest.raises(RequestInvalid):
        await documents.put(root, "provider", "corp", {**OIDC, "client_secret": "(set)"}, None)
