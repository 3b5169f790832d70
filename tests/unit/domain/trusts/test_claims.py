"""Claims of tokens against what trusts ask for; names of AWS; the head and the times of tokens."""

import base64
from typing import Any

import msgspec
import pytest

from orlop.domain.errors import Unauthorized
from orlop.domain.identity.trusts import check_times, head_of, is_for, mismatch, names, principal_of, subject_of

NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("wanted", "found", "fits"),
    [
        ("octo-org/octo-repo", "octo-org/octo-repo", True),
        ("octo-org/octo-repo", "Octo-Org/octo-repo", False),
        ("octo-org/octo-repo", "evil-org/octo-repo", False),
        ("octo-org/octo-repo", "octo-org/octo-repo-fork", False),
        ("octo-org/octo-repo", "octo-org/octo-repo ", False),
        ("octo-org/*", "octo-org/anything", True),
        ("octo-org/*", "octo-org/", True),
        ("octo-org/*", "octo-org-evil/anything", False),
        ("octo-org/*", "octo-org/a/b", False),
        ("octo-org/**", "octo-org/a/b", True),
        (("octo-org/a", "octo-org/b"), "octo-org/b", True),
        (("octo-org/a", "octo-org/b"), "octo-org/c", False),
        ("octo-org/a.b", "octo-org/aXb", False),
        ("true", True, True),
        ("true", "true", True),
        ("true", "True", False),
        ("true", 1, False),
        ("74", 74, True),
        ("74", 74.0, False),
        ("octo-org/a", ["x", "octo-org/a"], True),
        ("octo-org/a", [["octo-org/a"]], False),
        ("octo-org/a", {"octo-org/a": True}, False),
        ("octo-org/a", None, False),
        ("None", None, False),
    ],
)
def test_a_claim_is_compared(wanted: Any, found: Any, *, fits: bool) -> None:
    assert (mismatch("", {"it": wanted}, {"it": found}) is None) is fits


def test_a_claim_that_is_missing_is_no_match() -> None:
    wrong = mismatch("github", {"repository": "o/r", "environment": "production"}, {"repository": "o/r"})
    assert wrong is not None
    assert (wrong.claim, wrong.wanted, wrong.found) == ("environment", ("production",), "")


def test_a_wildcard_of_a_sub_does_not_reach_into_the_next_part() -> None:
    wanted = {"sub": "repo:octo-org/*:ref:refs/heads/main"}
    assert mismatch("github", wanted, {"sub": "repo:octo-org/a:ref:refs/heads/main"}) is None
    assert mismatch("github", wanted, {"sub": "repo:octo-org/a:environment:x:ref:refs/heads/main"}) is not None
    assert mismatch("github", wanted, {"sub": "repo:octo-org/a:pull_request"}) is not None


def test_claims_of_kubernetes_lie_deeper() -> None:
    wanted = {"namespace": "build", "serviceaccount": "pusher"}
    token = {"kubernetes.io": {"namespace": "build", "serviceaccount": {"name": "pusher", "uid": "1"}}}
    assert mismatch("kubernetes", wanted, token) is None
    assert mismatch("kubernetes", wanted, {"namespace": "build", "serviceaccount": "pusher"}) is not None
    assert mismatch("kubernetes", wanted, {"kubernetes.io": "build"}) is not None
    assert mismatch("", {"https://example.com/team": "a"}, {"https://example.com/team": "a"}) is None


def test_an_email_of_google_has_to_be_verified() -> None:
    wanted = {"email": "a@b.iam.gserviceaccount.com"}
    assert mismatch("google", wanted, {**wanted, "email_verified": True}) is None
    for verified in (False, "true", None, 1):
        wrong = mismatch("google", wanted, {**wanted, "email_verified": verified})
        assert wrong is not None
        assert wrong.claim == "email_verified"


def test_a_subject_is_one_line() -> None:
    assert subject_of({"sub": "repo:o/r\n:x\x1b[0m"}) == "repo:o/r :x [0m"
    assert subject_of({}) == "without a subject"


ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("trusted", "arn", "is_named"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/ci", f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/session", True),
        (f"arn:aws:iam::{ACCOUNT}:role/ci", f"arn:aws:sts::{ACCOUNT}:assumed-role/ci-2/session", False),
        (f"arn:aws:iam::{ACCOUNT}:role/ci-*", f"arn:aws:sts::{ACCOUNT}:assumed-role/ci-2/session", True),
        (f"arn:aws:iam::{ACCOUNT}:role/ci", "arn:aws:sts::210987654321:assumed-role/ci/session", False),
        (f"arn:aws:iam::{ACCOUNT}:role/ci", f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/ci/session", False),
        (f"arn:aws:iam::{ACCOUNT}:role/ci", f"arn:aws:iam::{ACCOUNT}:user/ci", False),
        (f"arn:aws:iam::{ACCOUNT}:user/ops/ci", f"arn:aws:iam::{ACCOUNT}:user/ops/ci", True),
        (f"arn:aws:iam::{ACCOUNT}:user/ops/*", f"arn:aws:iam::{ACCOUNT}:user/ops/x/ci", False),
        (f"arn:aws:iam::{ACCOUNT}:user/ci", f"arn:aws:iam::{ACCOUNT}:user/ops/ci", False),
    ],
)
def test_a_principal_is_compared(trusted: str, arn: str, *, is_named: bool) -> None:
    principal = principal_of(arn)
    assert principal is not None
    assert names(trusted, principal) is is_named


@pytest.mark.parametrize(
    "arn",
    [
        "",
        f"arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:sts::{ACCOUNT}:federated-user/ci",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/ci",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/session/more",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/session\n",
        "arn:aws:sts::123:assumed-role/ci/session",
        f"arn:aws:iam::{ACCOUNT}:role/ci",
        f"arn:aws:iam::{ACCOUNT}:user/",
    ],
)
def test_what_is_neither_session_nor_user_stands_for_nobody(arn: str) -> None:
    assert principal_of(arn) is None


def part(value: Any) -> str:
    """A part of a token."""
    raw = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def token(header: Any, claims: Any) -> str:
    """A token with a signature that means nothing."""
    return f"{part(header)}.{part(claims)}.c2ln"


def test_the_head_of_a_token() -> None:
    head = head_of(token({"alg": "RS256", "kid": "a", "typ": "JWT"}, {"iss": "https://issuer.example.com"}))
    assert head is not None
    assert (head.algorithm, head.key_id, head.issuer) == ("RS256", "a", "https://issuer.example.com")


GOOD_HEADER = {"alg": "RS256"}
GOOD_CLAIMS = {"iss": "https://issuer.example.com"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password",
        "a.b",
        "a.b.c.d",
        "a.b.c",
        "." * 2,
        token(GOOD_HEADER, b"{"),
        token(b"[]", GOOD_CLAIMS),
        token(GOOD_HEADER, {}),
        token(GOOD_HEADER, {"iss": 1}),
        token({}, GOOD_CLAIMS),
        token({"alg": 1}, GOOD_CLAIMS),
        token({"alg": "RS256", "kid": 1}, GOOD_CLAIMS),
        token({"alg": "RS256", "kid": "k" * 300}, GOOD_CLAIMS),
        token({"alg": "RS256", "crit": ["exp"]}, GOOD_CLAIMS),
        token({"alg": "RS256", "b64": False}, GOOD_CLAIMS),
        token({"alg": "RSA-OAEP", "enc": "A128GCM"}, GOOD_CLAIMS),
        token({"alg": "RS256", "typ": "logout+jwt"}, GOOD_CLAIMS),
        token({"alg": "RS256", "typ": 1}, GOOD_CLAIMS),
        token(b'{"a":' * 5000 + b"1" + b"}" * 5000, GOOD_CLAIMS),
        token(GOOD_HEADER, {**GOOD_CLAIMS, "x": "y" * 20_000}),
        token(GOOD_HEADER, GOOD_CLAIMS) + "\n",
        token(GOOD_HEADER, GOOD_CLAIMS).replace(".", "=.", 1),
    ],
)
def test_what_is_no_token_of_this_kind_has_no_head(text: str) -> None:
    assert head_of(text) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW + 300, "iat": NOW},
        {"exp": NOW + 300, "iat": NOW + 20},
        {"exp": NOW - 20, "iat": NOW - 300},
        {"exp": NOW + 300.5, "iat": NOW - 0.5, "nbf": NOW},
    ],
)
def test_times_that_are_good(claims: dict[str, Any]) -> None:
    check_times(claims, NOW * 1_000_000)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": NOW + 300},
        {"iat": NOW},
        {"exp": NOW - 30, "iat": NOW - 300},
        {"exp": NOW + 300, "iat": NOW + 31},
        {"exp": NOW + 300, "iat": NOW, "nbf": NOW + 31},
        {"exp": NOW, "iat": NOW + 10},
        {"exp": str(NOW + 300), "iat": NOW},
        {"exp": True, "iat": NOW},
        {"exp": 1e300, "iat": NOW},
        {"exp": -1, "iat": NOW},
        {"exp": NOW + 300, "iat": NOW, "nbf": [NOW]},
        {"exp": None, "iat": NOW},
        {"exp": NOW * 1000, "iat": NOW * 1000},
    ],
)
def test_times_that_are_not(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        check_times(claims, NOW * 1_000_000)


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        ("r", True),
        (["r"], True),
        (["r", "other"], False),
        (["other"], False),
        ("other", False),
        ("R", False),
        ("r/", False),
        (None, False),
        ([], False),
        ({"r": 1}, False),
    ],
)
def test_an_audience_is_ours_alone(value: Any, *, ours: bool) -> None:
    assert is_for({"aud": value}, "r") is ours
