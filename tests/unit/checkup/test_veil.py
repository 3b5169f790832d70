"""What is hidden of a text: known secrets, what looks like one, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.identity.secrets import new_secret
from orlop.domain.veil import Veil

TOKEN = new_secret("token", bytes)
NOTHING = Veil(())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://orlop:s3cr3t@db:5432/orlop", "postgresql://orlop:***@db:5432/orlop"),
        ("Authorization: Bearer abcdefghijk", "Authorization: Bearer ***"),
        ('"authorization": "Basic YWxhZGRpbjpvcGVu"', '"authorization": "Basic ***"'),
        ("Cookie: __Host-session=abc; other=def", "Cookie: ***"),
        ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2ln", "***"),
        (f"logged in with {TOKEN}.", "logged in with ***."),
        ("ORLOP_BLOBS_SECRET_ACCESS_KEY=wJalrXUtnFEMI", "ORLOP_BLOBS_SECRET_ACCESS_KEY=***"),
        ('{"client_secret": "hunter2", "name": "x"}', '{"client_secret": "***", "name": "x"}'),
        ("GET /b?X-Amz-Signature=abcdef&x=1", "GET /b?X-Amz-Signature=***&x=1"),
        (
            "-----BEGIN EC PRIVATE KEY-----\nMHcC\nAQEE\n-----END EC PRIVATE KEY-----",
            "-----BEGIN EC PRIVATE KEY-----***-----END EC PRIVATE KEY-----",
        ),
        ("a token of ann expires in 3 days", "a token of ann expires in 3 days"),
        ('{"key": "secrets.prefix", "value": ""}', '{"key": "secrets.prefix", "value": ""}'),
        ("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"),
    ],
)
def test_what_looks_like_a_secret(text: str, shown: str) -> None:
    assert NOTHING.over(text) == shown


@given(st.text(min_size=4, max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_a_known_secret_is_nowhere(secret: str, before: str, after: str) -> None:
    shown = Veil((secret,)).over(before + secret + after)
    assert secret not in shown.replace("***", "\0") or secret in "***"


def test_what_is_too_short_hides_nothing() -> None:
    assert Veil(("", "a", "abc")).over("abc a") == "abc a"
