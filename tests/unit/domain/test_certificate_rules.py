"""Which account a certificate stands for: names as they are compared, placeholders, and who goes first."""

from typing import Any

import msgspec
import pytest

from orlop.domain.errors import RequestInvalid, Unauthorized
from orlop.domain.identity.certificates import (
    CERTIFICATE_RULES,
    CertificateRule,
    ClientCertificate,
    account_for,
    folded,
)


def shown(*names: str, issuer: str = "CN=authority") -> ClientCertificate:
    subject = next((name.removeprefix("subject:") for name in names if name.startswith("subject:")), "")
    return ClientCertificate(subject, issuer, tuple(folded(name) for name in names), 1)


def rule(match: str, account: str, **more: Any) -> CertificateRule:
    return CertificateRule(match=match, account=account, **more)


@pytest.mark.parametrize(
    ("match", "account", "name", "found"),
    [
        ("dns:CI.example.org", "robot+ci", "dns:ci.Example.ORG", "robot+ci"),
        ("dns:ci.example.org", "robot+ci", "dns:ciXexample.org", None),
        ("dns:{name}.example.org", "robot+{name}", "dns:web.example.org", "robot+web"),
        ("dns:{name}.example.org", "robot+{name}", "dns:a.b.example.org", None),
        ("dns:{any}.example.org", "robot+ci", "dns:whatever.example.org", "robot+ci"),
        ("email:{name}@example.org", "{name}", "email:Ada@Example.org", "ada"),
        ("email:{name}@example.org", "{name}", "email:ada@example.org.evil", None),
        ("uri:spiffe://x.org/ns/{ns}/sa/{sa}", "robot+{ns}-{sa}", "uri:spiffe://x.org/ns/a/sa/b", "robot+a-b"),
        ("uri:spiffe://example.org/ns/{ns}/sa/{sa}", "robot+{ns}-{sa}", "uri:spiffe://example.org/ns/a/x/sa/b", None),
        ("uri:spiffe://example.org/{sa}", "robot+{sa}", "uri:spiffe://example.org/CI", None),
        ("subject:CN={name},O=Example", "{name}", "subject:CN=ada,O=Example", "ada"),
        ("subject:CN={name},O=Example", "{name}", "subject:CN=ada\\,O=Example,O=Other", None),
        ("subject:CN={name}", "{name}", "subject:CN=anonymous", None),
        ("sha256:" + "a" * 64, "ada", "sha256:" + "a" * 64, "ada"),
    ],
)  # fmt: skip
def test_names(match: str, account: str, name: str, found: str | None) -> None:
    assert rule(match, account).account_of(shown(name)) == found


@pytest.mark.parametrize(
    ("match", "account", "why"),
    [
        ("ci", "robot+ci", "begins with"),
        ("cn:ci", "robot+ci", "begins with"),
        ("dns:", "robot+ci", "begins with"),
        ("dns:a\x00b", "robot+ci", "cannot be shown"),
        ("sha256:AA:BB", "robot+ci", "64 digits"),
        ("dns:{a}.{a}", "robot+ci", "twice"),
        ("dns:{a}.example.org", "robot+{b}", "stands nowhere in match"),
        ("dns:a", "anonymous", "name of no user"),
        ("dns:a", "robot+", "name of no user"),
        ("dns:{a}", "{a}+x", "name of no user"),
    ],
)
def test_what_makes_no_sense_is_refused(match: str, account: str, why: str) -> None:
    with pytest.raises(RequestInvalid, match=why):
        CERTIFICATE_RULES.parse("r", {"match": match, "account": account})


def test_a_rule_of_one_name_goes_before_a_template_and_only_of_its_issuer() -> None:
    rules = [
        ("all", rule("dns:{name}.example.org", "robot+{name}")),
        ("one", rule("dns:web.example.org", "robot+front")),
        ("theirs", rule("subject:CN=web", "root", issuer="CN=other")),
    ]
    certificate = shown("subject:CN=web", "dns:web.example.org")
    assert account_for(rules, certificate) == ("robot+front", "one")
    assert account_for(rules[:1], certificate) == ("robot+web", "all")
    with pytest.raises(Unauthorized, match="for more than one account, by the certificate-rules one and two"):
        account_for([*rules, ("two", rule("subject:CN=web", "ada"))], certificate)
    with pytest.raises(Unauthorized, match="CN=web stands for no account here"):
        account_for(rules[2:], certificate)
    # Several that say the same are no contradiction.
    assert account_for([("a", rule("subject:CN=web", "ada")), ("b", rule("dns:web.example.org", "ada"))], certificate)


def test_a_template_speaks_for_everybody_and_others_for_their_account() -> None:
    assert CERTIFICATE_RULES.speaks_for("r", None, rule("dns:a", "ada")).accounts == ("ada",)
    spoken = CERTIFICATE_RULES.speaks_for("r", None, rule("dns:{a}", "{a}"))
    assert spoken.actions
    assert msgspec.json.decode(msgspec.json.encode(rule("dns:a", "ada"))) == {"match": "dns:a", "account": "ada"}
