"""The `n` of list requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.errors import PageInvalid
from orlop.domain.pages import DEFAULT_SIZE, MAX_SIZE, page_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (None, DEFAULT_SIZE),
        ("0", 0),
        ("1", 1),
        ("007", 7),
        (str(MAX_SIZE), MAX_SIZE),
        (str(2**31), MAX_SIZE),
        ("9" * 19, MAX_SIZE),
    ],
)
def test_sizes(text: str | None, size: int) -> None:
    assert page_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "+1", "1e9", "1.0", " 1", "1 ", "\u0661", "\xb2", "9" * 20, "n", "\0"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(PageInvalid):
        page_size(text)


@given(st.text())
def test_any_text_is_a_size_or_refused(text: str) -> None:
    try:
        assert 0 <= page_size(text) <= MAX_SIZE
    except PageInvalid:
        return
