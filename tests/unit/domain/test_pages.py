"""The `n` of list requests, and what a page holds."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.errors import PageInvalid
from orlop.domain.pages import (
    DEFAULT_SIZE,
    MAX_SIZE,
    Page,
    PageRequest,
    after_number,
    fitting,
    page_of,
    page_size,
    weight,
)


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


@pytest.mark.parametrize(
    ("size", "most", "count"),
    [(9, 99, 4), (4, 99, 4), (3, 99, 3), (1, 99, 1), (0, 99, 0), (9, 32, 4), (9, 31, 3), (9, 16, 2), (9, 1, 1)],
)
def test_a_page_has_so_many_entries_and_so_many_bytes_but_one_of_any_size(size: int, most: int, count: int) -> None:
    found = ["aaaaa", "bbbbb", "ccccc", "ddddd"]
    for entries in (found, iter(found)):
        assert page_of(entries, PageRequest(size, bytes=most)) == Page(tuple(found[:count]), more=count < 4)
    for largest in (8, 9):
        page = page_of(iter(found), PageRequest(size, bytes=most), largest=largest)
        assert page == Page(tuple(found[:count]), more=count < 4)
    assert page_of(found, PageRequest(size, bytes=most), more=True) == Page(tuple(found[:count]), more=True)
    if size:
        assert fitting([8] * 4, most) == (count if size > 4 else min(4, most // 8))


def test_an_empty_list_is_a_page_without_entries() -> None:
    assert page_of([], PageRequest()) == Page(())
    assert fitting([]) == 0


@pytest.mark.parametrize("item", ["", "v1.0", "\xfc\u2028\N{SPOUTING WHALE}", 'a"b\xe9', {"k": ["v", 7]}])
def test_an_entry_weighs_what_it_takes_as_json(item: object) -> None:
    assert weight(item) == len(json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()) + 1


@pytest.mark.parametrize(("text", "number"), [("", 0), ("0", 0), ("17", 17), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_a_list_by_number_goes_on_after_one(text: str, number: int) -> None:
    assert after_number(PageRequest(1, text)) == number


@pytest.mark.parametrize("text", ["-1", "1.0", " 1", "x", "١", "9" * 19])
def test_a_list_by_number_goes_on_after_nothing_else(text: str) -> None:
    with pytest.raises(PageInvalid):
        after_number(PageRequest(1, text))
