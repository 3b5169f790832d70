"""Settings of upstreams: what is refused when it is written, in one sentence that repeats no secret."""

import json
from typing import Any

import pytest

from orlop.domain.errors import RequestInvalid
from orlop.domain.upstreams.upstream import UPSTREAMS, Upstream
from tests.receivers import Authority

SECRET = "hunter22"
ECR = "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com"
HUB = {"url": "https://registry-1.docker.io"}
KEY = json.dumps(
    {"client_email": "a@b", "private_key": "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"}
)

_authority = Authority()
CERTIFICATE, PRIVATE = _authority.certificate("orlop")
ENCRYPTED = PRIVATE.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")

PASSWORD = {"user": "me", "password": SECRET}

GOOD: list[dict[str, Any]] = [
    HUB,
    HUB | PASSWORD,
    HUB | {"user": "me", "password": "file:/run/secrets/hub"},
    HUB | {"proxy": "http://proxy.example.org:3128"},
    HUB | {"proxy": f"socks5h://me:{SECRET}@[2001:db8::1]:1080"},
    HUB | {"proxy": "env:ORLOP_SECRET_PROXY"},
    HUB | {"ca_certificate": _authority.pem, "client_certificate": CERTIFICATE, "client_key": PRIVATE},
    HUB | {"client_certificate": CERTIFICATE, "client_key": "file:/run/secrets/key"},
    {"url": ECR, "sign_in": "ecr"},
    {"url": ECR, "sign_in": "ecr", **PASSWORD, "session_token": "file:/run/secrets/session"},
    {"url": "https://mirror.example.org", "sign_in": "ecr", "region": "us-gov-west-1"},
    {"url": "https://europe-docker.pkg.dev", "sign_in": "google", "user": "a@b", "password": KEY},
    {"url": "https://europe-docker.pkg.dev", "sign_in": "google"},
    {"url": "https://europe-docker.pkg.dev", "user": "_json_key", "password": KEY},
    {"url": "https://x.azurecr.io", "sign_in": "azure"},
    {"url": "https://x.azurecr.io", "sign_in": "azure", **PASSWORD, "tenant": "contoso.onmicrosoft.com"},
    {"url": ECR, "sign_in": "ecr", "sign_in_url": "https://vpce.example.org/", "trust_realms": ["vpce.example.org"]},
]

BAD: list[tuple[dict[str, Any], str]] = [
    ({"url": "registry-1.docker.io"}, "url: write where the registry is, such as https://registry-1.docker.io"),
    ({"url": f"https://me:{SECRET}@registry.example.org"}, "url: write where the registry is"),
    (HUB | {"proxy": f"https://me:{SECRET}@proxy.example.org"}, "proxy: write it as http://proxy.example.org:3128 or"),
    (HUB | {"proxy": f"socks4://me:{SECRET}@proxy.example.org"}, "proxy: write it as http://proxy.example.org:3128 or"),
    (HUB | {"proxy": "http://proxy.example.org:99999"}, "proxy: write it as http://proxy.example.org:3128 or"),
    (HUB | {"proxy": "proxy.example.org:3128"}, "proxy: write it as http://proxy.example.org:3128 or"),
    (HUB | {"ca_certificate": "none"}, "ca_certificate: it holds no certificate in PEM"),
    (HUB | {"ca_certificate": PRIVATE}, "ca_certificate: it holds no certificate in PEM"),
    (HUB | {"ca_certificate": _authority.pem.replace("M", "*")}, "ca_certificate: it holds no certificate in PEM"),
    (HUB | {"client_certificate": CERTIFICATE}, "client_certificate and client_key go together"),
    (HUB | {"client_certificate": SECRET, "client_key": PRIVATE}, "client_certificate: it holds no certificate"),
    (HUB | {"client_certificate": CERTIFICATE, "client_key": SECRET}, "client_key: it holds no private key in PEM"),
    (
        HUB | {"client_certificate": CERTIFICATE, "client_key": CERTIFICATE},
        "client_key: it holds no private key in PEM",
    ),
    (HUB | {"client_certificate": CERTIFICATE, "client_key": ENCRYPTED}, "client_key: it has a password; write it"),
    (HUB | {"user": "me"}, "user and password go together"),
    (HUB | {"credentials": [PASSWORD]}, "credentials are accounts beside user and password: give these first"),
    ({"url": "http://registry.example.org", **PASSWORD}, "credentials are sent over https alone, or to this machine"),
    (HUB | {"region": "eu-central-1"}, "region is for the sign-in ecr alone"),
    (HUB | {"tenant": "t"}, "tenant is for the sign-in azure alone"),
    (HUB | {"session_token": SECRET}, "session_token is for the sign-in ecr alone"),
    (
        HUB | {"sign_in_url": "https://x/"},
        "sign_in_url is for the sign-ins ecr, google and azure; a registry names its",
    ),
    (
        {"url": "https://mirror.example.org", "sign_in": "ecr"},
        "region: it cannot be told from mirror.example.org, which is not like "
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com; write it",
    ),
    ({"url": ECR, "sign_in": "ecr", "region": "Frankfurt"}, "region: 'Frankfurt' is no region such as eu-central-1"),
    ({"url": ECR, "sign_in": "ecr", "session_token": SECRET}, "session_token goes with user and password"),
    (
        {"url": "https://europe-docker.pkg.dev", "sign_in": "google", **PASSWORD},
        "password: for the sign-in google it is the key of a service account, as JSON;",
    ),
    (
        {
            "url": "https://europe-docker.pkg.dev",
            "sign_in": "google",
            "user": "a@b",
            "password": KEY.replace("KEY", ""),
        },
        "password: the key of the service account has no private_key in PEM",
    ),
    (
        {
            "url": "https://europe-docker.pkg.dev",
            "sign_in": "google",
            "user": "a",
            "password": KEY,
            "credentials": [PASSWORD],
        },
        "password: for the sign-in google it is the key of a service account, as JSON;",
    ),
    (
        {"url": "https://x.azurecr.io", "sign_in": "azure", **PASSWORD},
        "tenant: name the directory that the service principal is of, by its id or a domain",
    ),
    (
        {"url": "https://x.azurecr.io", "sign_in": "azure", **PASSWORD, "tenant": "../../x?"},
        "tenant: write the id of the directory, or a domain of it",
    ),
    (
        {"url": ECR, "sign_in": "ecr", "sign_in_url": "https://evil.example.org/"},
        "sign_in_url: credentials go to evil.example.org only if trust_realms names it",
    ),
    (
        {"url": ECR, "sign_in": "ecr", "sign_in_url": "http://vpce.example.org/", "trust_realms": ["vpce.example.org"]},
        "sign_in_url: credentials are sent over https alone, or to this machine",
    ),
    ({"url": ECR, "sign_in": "ecr", "sign_in_url": "vpce"}, "sign_in_url: write it as https://tokens.example.org/path"),
]


@pytest.mark.parametrize("body", GOOD)
def test_what_makes_sense_is_taken(body: dict[str, Any]) -> None:
    assert isinstance(UPSTREAMS.parse("hub", body), Upstream)


@pytest.mark.parametrize(("body", "said"), BAD)
def test_what_cannot_be_used_is_refused_in_a_sentence(body: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        UPSTREAMS.parse("hub", body)
    assert f"the upstream hub is not valid: {said}" in caught.value.message
    assert SECRET not in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "change",
    [
        {"sign_in_url": "https://vpce.example.org/other"},
        {"region": "eu-west-1"},
        {"trust_realms": ["vpce.example.org", "other.example.org"]},
        {"url": "https://other.example.org"},
        {"proxy": "http://proxy.example.org:3128"},
    ],
)
def test_a_secret_is_given_anew_for_another_place(change: dict[str, Any]) -> None:
    assert UPSTREAMS.destination is not None
    body = {
        "url": "https://mirror.example.org",
        "sign_in": "ecr",
        "region": "eu-central-1",
        **PASSWORD,
        "sign_in_url": "https://vpce.example.org/",
        "trust_realms": ["vpce.example.org"],
    }
    before, after = UPSTREAMS.parse("hub", body), UPSTREAMS.parse("hub", body | change)
    assert UPSTREAMS.destination(before) != UPSTREAMS.destination(after)
    assert UPSTREAMS.destination(before) == UPSTREAMS.destination(UPSTREAMS.parse("hub", body | {"fresh": "1m"}))


def test_accounts_are_numbered_as_they_are_written() -> None:
    several = UPSTREAMS.parse("hub", HUB | PASSWORD | {"credentials": [{"user": "you", "password": "x"}]})
    assert several.accounts == ("me", "you")
    assert UPSTREAMS.parse("hub", HUB).accounts == ("",)
