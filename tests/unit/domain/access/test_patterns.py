"""Patterns match what they say, whatever the pattern and the text, and in time that grows with the text alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.access.patterns import PATTERN_MAX, is_pattern, pattern

texts = st.text("ab/", max_size=8)


def slowly(tokens: str, text: str, separator: str) -> bool:
    """The same by trying everything."""
    parts = re.split(r"(\*+)", tokens)
    written = "".join(
        re.escape(part)
        if not part.startswith("*")
        else (".*" if len(part) > 1 or not separator else f"[^{separator}]*")
        for part in parts
    )
    return re.fullmatch(written, text, re.DOTALL) is not None


@given(st.text("ab/*", max_size=8), texts)
def test_it_matches_what_a_regular_expression_matches(tokens: str, text: str) -> None:
    assert pattern(tokens, "/").matches(text) is slowly(tokens, text, "/")
    assert pattern(tokens).matches(text) is slowly(tokens, text, "")


@given(st.text("ab/*", max_size=8), texts)
def test_every_match_begins_with_the_prefix(tokens: str, text: str) -> None:
    found = pattern(tokens, "/")
    if found.matches(text):
        assert text.startswith(found.prefix)


def test_a_hostile_pattern_takes_no_longer_than_another() -> None:
    """A regular expression would try some 10^40 ways before it gave up."""
    assert not pattern("*a" * 120, "/").matches("a" * 255 + "b")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("*", True),
        ("team/*", True),
        ("team/**/app-*", True),
        ("v1.*", True),
        ("a" * PATTERN_MAX, True),
        ("", False),
        ("a" * (PATTERN_MAX + 1), False),
        ("team/[ab]", False),
        ("team/?", False),
        ("ümlaut", False),
        ("a\n", False),
        ("a b", False),
        ("a\0", False),
    ],
)
def test_what_can_match_no_name_is_no_pattern(text: str, is_one: bool) -> None:
    assert is_pattern(text) is is_one
