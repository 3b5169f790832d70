"""How a directory is described: what is refused, and what groups are called here."""

from typing import Any

import msgspec
import pytest

from orlop.domain.identity.directories import LdapProvider
from orlop.domain.identity.providers import OidcProvider, decode_provider

USUAL: dict[str, Any] = {
    "type": "ldap",
    "servers": ["ldaps://ldap.example"],
    "user_base": "ou=people,dc=example",
    "group_base": "ou=groups,dc=example",
}


def described(**changes: Any) -> LdapProvider:
    """As it is read from a document."""
    found = decode_provider(msgspec.json.encode(USUAL | changes))
    assert isinstance(found, LdapProvider)
    return found


def test_the_type_tells_providers_apart() -> None:
    other = {"type": "oidc", "issuer": "https://login.example", "client_id": "orlop"}
    assert isinstance(decode_provider(msgspec.json.encode(other)), OidcProvider)
    assert described().user_name == "uid"


@pytest.mark.parametrize(
    "changes",
    [
        {"servers": []},
        {"servers": ["ldap.example"]},
        {"servers": ["http://ldap.example"]},
        {"servers": ["ldaps://"]},
        {"servers": ["ldaps://ldap.example:70000"]},
        {"servers": ["ldaps://ldap.example:port"]},
        {"servers": ["ldaps://ldap.example/ou=people"]},
        {"servers": ["ldaps://admin:secret@ldap.example"]},
        {"servers": ["ldap://ldap.example"], "start_tls": False},
        {"servers": ["ldap://127.0.0.1.example"], "start_tls": False},
        {"bind_dn": "cn=orlop"},
        {"bind_dn": "cn=orlop", "bind_password": "env:"},
        {"bind_dn": "cn=orlop", "bind_password": "file:relative"},
        {"user_base": ""},
        {"user_filter": "(uid=ada)"},
        {"user_filter": "(|(uid={name})(cn={name}))"},
        {"user_filter": "uid={name}"},
        {"user_filter": "(uid={name}"},
        {"user_filter": "(uid={name}))"},
        {"user_filter": "(uid={name})(objectClass=*)"},
        {"group_filter": "objectClass=group"},
        {"group_filter": ""},
        {"user_id": ""},
        {"user_name": "uid)(uid=*"},
        {"group_member": "mem ber"},
        {"group_base": "", "groups": {"staff": "staff"}},
        {"groups": {"staff": "Staff"}},
        {"groups": {"staff": ""}},
        {"groups": {"staff": "a/b"}},
        {"groups": {"staff": "corp-*"}},
        {"groups": {"*": "corp"}},
        {"groups": {"*": "*-*"}},
        {"groups": {"*": "Corp-*"}},
        {"timeout": 0},
        {"timeout": 1_000},
        {"userbase": "ou=people"},
        {"servers": "ldaps://ldap.example"},
    ],
)
def test_what_makes_no_sense_or_would_send_passwords_in_clear_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        described(**changes)


def test_a_server_on_this_machine_may_do_without_tls() -> None:
    assert not described(servers=["ldap://127.0.0.1:3890"], start_tls=False).start_tls


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("Engineering", "developers"),
        ("engineering", "developers"),
        ("Staff", "corp-staff"),
        ("R&D", None),
        ("", None),
        ("a b", None),
    ],
)
def test_groups_are_called_what_the_rules_say(name: str, here: str | None) -> None:
    directory = described(groups={"engineering": "developers", "*": "corp-*"})
    assert directory.group_here(name, f"cn={name},ou=groups,dc=example") == here


def test_a_group_may_be_named_by_its_dn() -> None:
    directory = described(groups={"CN=Staff,OU=Groups,DC=Example": "everybody"})
    assert directory.group_here("staff", "cn=staff,ou=groups,dc=example") == "everybody"
    assert directory.group_here("staff", "cn=staff,ou=other,dc=example") is None
