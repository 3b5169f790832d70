"""Digests exist only if they parsed."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.digest import ALGORITHMS, Digest, checked_algorithm, digest_from, digest_of, new_hash
from orlop.domain.errors import DigestInvalid
from tests.wire.names import HEX


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_digest_knows_its_parts(algorithm: str) -> None:
    text = f"{algorithm}:{hashlib.new(algorithm, b'content').hexdigest()}"
    digest = Digest(text)
    assert digest == text == digest_of(b"content", algorithm)
    assert (digest.algorithm, digest.hex) == (algorithm, text.partition(":")[2])
    state = new_hash(algorithm)
    state.update(b"con")
    state.update(memoryview(b"tent"))
    assert digest_from(algorithm, state) == digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is written"),
        ("sha256", "is written"),
        (f"sha256-{HEX}", "is written"),
        (f"{HEX}:sha256:", "is written"),
        (f"sha256:{HEX}\n", "is written"),
        (f"sha256:{HEX}/..", "is written"),
        ("sha256:" + "\u0660" * 64, "is written"),
        (f"sha1:{HEX[:40]}", "not supported"),
        (f"md5:{HEX[:32]}", "not supported"),
        (f"blake2b+x:{HEX}", "not supported"),
        (f"sha256:{HEX[:-1]}", "has 64 lower-case hex"),
        (f"sha256:{HEX}0", "has 64 lower-case hex"),
        (f"sha256:{HEX.upper()}", "has 64 lower-case hex"),
        (f"sha512:{HEX}", "has 128 lower-case hex"),
    ],
)
def test_what_is_no_digest_is_told_why(text: str, said: str) -> None:
    with pytest.raises(DigestInvalid, match=said) as refusal:
        Digest(text)
    assert len(str(refusal.value.detail)) < 200


@given(st.text())
def test_any_text_is_a_digest_or_refused(text: str) -> None:
    try:
        assert Digest(text) == text
    except DigestInvalid:
        return
    assert set(text.partition(":")[2]) <= set("0123456789abcdef")


@given(st.binary(), st.sampled_from(sorted(ALGORITHMS)))
def test_the_digest_of_anything_parses(content: bytes, algorithm: str) -> None:
    assert Digest(str(digest_of(content, algorithm))).algorithm == algorithm


def test_an_algorithm_is_one_of_the_registered_ones() -> None:
    assert [checked_algorithm(name) for name in ("sha256", "sha512")] == ["sha256", "sha512"]
    for name in ("", "md5", "SHA256", "sha-256", "sha256 ", "../sha256"):
        with pytest.raises(DigestInvalid, match="not supported"):
            checked_algorithm(name)
