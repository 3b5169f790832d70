"""The `n` of list requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.errors import PageInvalid
from orlop.domain.pages import DEFAULT_SIZE, MAX_SIZE, PageRequest, after_number, page_size


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


@pytest.mark.parametrize(("text", "number"), [("", 0), ("0", 0), ("17", 17), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_a_list_by_number_goes_on_after_one(text: str, number: int) -> None:
    assert after_number(PageRequest(1, text)) == number


@pytest.mark.parametrize("text", ["-1", "1.0", " 1", "x", "١", "9" * 19])
def test_a_list_by_number_goes_on_after_nothing_else(text: str) -> None:
    with pytest.raises(PageInvalid):
        after_number(PageRequest(1, text))
