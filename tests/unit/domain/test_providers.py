"""Sign-on providers: every value is checked when it is decoded, and claims become people by the provider's rules."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orlop.domain.errors import Denied
from orlop.domain.identity.claims import Person, names_groups, person_of
from orlop.domain.identity.providers import OidcProvider, check_provider_name, decode_provider
from orlop.domain.identity.secret_references import parse_secret

LEAST = {"type": "oidc", "issuer": "https://login.example.org", "client_id": "orlop"}
ADA = {"sub": "248289761001", "preferred_username": "ada", "name": "Ada L.", "email": "ada@example.org"}


def provider(**more: Any) -> OidcProvider:
    decoded = decode_provider(json.dumps({**LEAST, **more}).encode())
    assert isinstance(decoded, OidcProvider)
    return decoded


def person(claims: dict[str, Any], **more: Any) -> Person:
    return person_of(provider(**more), {**ADA, **claims})


def test_the_least_that_can_be_said_is_enough() -> None:
    assert provider().scopes == ("openid", "profile", "email")


@pytest.mark.parametrize(
    "issuer",
    [
        *("https://login.example.org", "https://login.example.org/realms/a", "https://login.example.org:8443/a/b/"),
        *("http://localhost:8080", "http://127.0.0.1:9/x", "http://[::1]:9", "https://10.0.0.1"),
    ],
)
def test_issuers(issuer: str) -> None:
    assert provider(issuer=issuer).issuer == issuer


WRONG: list[tuple[dict[str, Any], str]] = [
    *(
        ({"issuer": issuer}, "issuer")
        for issuer in (
            *(
                "",
                "login.example.org",
                "ftp://login.example.org",
                "https://",
                "https://a b",
                "https://a?x=1",
                "https://a?",
            ),
            *("https://a#x", "https://u:p@a", "https://a:0", "https://a:65536", "https://a:x", "https://a\\b"),
            *("https://a\nb", "https://ä.example", "https://[::1", "//a", "https:a", "javascript://a"),
        )
    ),
    *(
        ({"issuer": issuer}, "https")
        for issuer in ("http://login.example.org", "http://10.0.0.1", "http://127.0.0.1.nip.io")
    ),
    ({"client_id": ""}, "client_id"),
    ({"client_secret": "env:9"}, "client_secret"),
    ({"client_secret": "env:"}, "client_secret"),
    ({"client_secret": "file:relative"}, "client_secret"),
    ({"client_secret": "a\nb"}, "client_secret"),
    ({"client_secret": "x" * 5000}, "client_secret"),
    ({"scopes": ["profile"]}, "openid"),
    ({"scopes": ["openid", "a b"]}, "scope"),
    ({"prompt": "none"}, "prompt"),
    ({"algorithms": ["HS256"]}, "HS256"),
    ({"algorithms": ["none"]}, "none"),
    ({"algorithms": []}, "algorithms"),
    ({"allowed_domains": ["Example.org"]}, "allowed_domains"),
    ({"allowed_domains": ["@example.org"]}, "allowed_domains"),
    ({"groups_claim": "groups", "groups": {"a": "not a group"}}, "groups"),
    ({"groups": {"a": "b"}}, "groups_claim"),
    ({"allowed_groups": ["a"]}, "groups_claim"),
    ({"user_name": {"strip_domain": True}}, "allowed_domains"),
    ({"user_name": {"prefix": "-a"}}, "prefix"),
    ({"ca": "relative.pem"}, "ca"),
    ({"check_every": 1}, "check_every"),
    ({"isuer": "x"}, "isuer"),
    ({"type": "saml"}, "saml"),
    ({"text": "a\x07"}, "text"),
]


@pytest.mark.parametrize(("said", "named"), WRONG)
def test_what_is_wrong_is_named(said: dict[str, Any], named: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        provider(**said)
    assert named in str(refused.value)


def test_what_the_manual_shows_can_be_used() -> None:
    page = (Path(__file__).parents[3] / "docs" / "single-sign-on.md").read_text()
    [shown] = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    known = decode_provider(shown.encode())
    assert isinstance(known, OidcProvider)
    assert person_of(known, {**ADA, "email_verified": True, "groups": ["developers"]}).groups == ("staff", "team")


def test_an_error_about_a_secret_does_not_show_it() -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        provider(client_secret="hidden\x00hidden")
    assert "hidden" not in str(refused.value)
    assert "hidden" not in repr(parse_secret("hidden"))
    assert "hidden" not in repr(provider(client_secret="hidden"))


@pytest.mark.parametrize("name", ["", "A", "a/b", "-a", "a-", "local", "a" * 65, "a.b", "..", "a b"])
def test_names_that_no_provider_has(name: str) -> None:
    with pytest.raises(ValueError, match="provider's name"):
        check_provider_name(name)


def test_somebody_as_the_provider_knows_them() -> None:
    assert person({}) == Person("248289761001", "ada", "Ada L.", "", None)
    assert person({"email_verified": True}).email == "ada@example.org"


@pytest.mark.parametrize("sub", [None, "", 5, ["a"], "a" * 256, "a\nb"])
def test_nobody_without_a_sub(sub: Any) -> None:
    with pytest.raises(Denied, match="who this is"):
        person({"sub": sub})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(("Ada", "ada"), ("Ada Lovelace", "ada-lovelace"), ("ada@example.org", "ada@example.org"), ("_ada_", "ada")),
        *(("ada/../root", "ada-..-root"), ("Ådä x", "d-x"), ("DOMAIN\\ada", "domain-ada")),
    ],
)
def test_names_are_made_to_fit(text: str, name: str) -> None:
    assert person({"preferred_username": text}).name == name


@pytest.mark.parametrize("text", ["", "---", "robot", "anonymous", "orlop", "oidc", "Ω", "a" * 129, None, 7, ["ada"]])
def test_names_that_do_not_fit_are_refused(text: Any) -> None:
    with pytest.raises(Denied):
        person({"preferred_username": text})


def test_a_stranger_cannot_choose_a_name_by_their_address() -> None:
    rules = {"user_name": {"claim": "email", "strip_domain": True}, "allowed_domains": ["example.org"]}
    assert person({"email_verified": True}, **rules).name == "ada"
    for claims in (
        {"email_verified": False},
        {"email_verified": True, "email": "ada@evil.example"},
        {"email_verified": True, "email": "ada@evil.example@example.org"},
        {"email_verified": True, "email": "ada@example.org.evil.example"},
        {"email_verified": True, "email": "ada"},
        {},
    ):
        with pytest.raises(Denied):
            person(claims, **rules)


def test_a_stripped_name_of_another_domain_is_refused() -> None:
    rules = {"user_name": {"strip_domain": True}, "allowed_domains": ["example.org"]}
    with pytest.raises(Denied, match="domain"):
        person({"preferred_username": "admin@evil.example", "email_verified": True}, **rules)


def test_addresses_that_are_not_vouched_for_do_not_count() -> None:
    assert person({}, trust_email=True).email == "ada@example.org"
    assert person({"email_verified": False}, trust_email=True).email == ""
    with pytest.raises(Denied, match="vouches"):
        person({}, allowed_domains=["example.org"])


def test_groups_are_those_that_are_mapped() -> None:
    rules = {"groups_claim": "groups", "groups": {"developers": "team", "Admins": "owners", "*": "staff"}}
    assert person({"groups": ["developers", "owners", 5, None]}, **rules).groups == ("staff", "team")
    assert person({"groups": "Admins"}, **rules).groups == ("owners", "staff")
    assert person({}, **rules).groups == ("staff",)
    assert person({"groups": {"developers": True}}, **rules).groups == ("staff",)


def test_groups_may_lie_deep_or_under_an_address() -> None:
    rules = {"groups": {"a": "b"}}
    assert person({"realm": {"roles": ["a"]}}, groups_claim="realm.roles", **rules).groups == ("b",)
    assert person({"https://x.example/g": ["a"]}, groups_claim="https://x.example/g", **rules).groups == ("b",)
    assert person({"realm": ["roles"]}, groups_claim="realm.roles", **rules).groups == ()


def test_groups_that_were_left_out_are_not_none() -> None:
    with pytest.raises(Denied, match="left out"):
        person({"_claim_names": {"groups": "src1"}}, groups_claim="groups")


def test_only_some_groups_may_sign_in() -> None:
    rules = {"groups_claim": "groups", "allowed_groups": ["a", "b"]}
    assert person({"groups": ["b"]}, **rules).groups == ()
    with pytest.raises(Denied, match="none of the groups"):
        person({"groups": ["c"]}, **rules)
    assert not names_groups(provider(**rules), ADA)
    assert names_groups(provider(**rules), {"groups": []})


def test_what_is_shown_is_one_bounded_line() -> None:
    assert person({"name": "a\r\nb\u202e<script>" + "x" * 500}).display.startswith("a b <script>")
    assert len(person({"name": "x" * 5000}).display) == 128
