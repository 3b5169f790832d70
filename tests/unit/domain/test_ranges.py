"""Range headers: what they mean is a part of the content, its whole, or a refusal; never anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.errors import RangeNotSatisfiable
from orlop.domain.ranges import Span, parse_range

_HEADERS = st.one_of(
    st.text(),
    st.from_regex(r"(bytes|Bytes|items)= ?-?[0-9]{0,3}-?[0-9]{0,3}(,[0-9]-)?", fullmatch=True),
)


@given(_HEADERS, st.integers(0, 50))
def test_a_range_lies_within_the_content(header: str, size: int) -> None:
    try:
        span = parse_range(header, size)
    except RangeNotSatisfiable:
        return
    assert span is None or 0 <= span.start < span.stop <= size


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30))
def test_a_range_is_the_slice_it_says(first: int, last: int, size: int) -> None:
    content = bytes(range(size))
    try:
        span = parse_range(f"bytes={first}-{last}", size)
    except RangeNotSatisfiable:
        assert content[first : last + 1] == b""
        return
    assert span is not None
    assert content[span.start : span.stop] == content[first : last + 1]
    assert span.length == len(content[first : last + 1])


@given(st.integers(0, 40), st.integers(0, 30))
def test_a_suffix_is_the_end(count: int, size: int) -> None:
    content = bytes(range(size))
    try:
        span = parse_range(f"bytes=-{count}", size)
    except RangeNotSatisfiable:
        assert min(count, size) == 0
        return
    assert span is not None
    assert content[span.start : span.stop] == content[-count:]


def test_a_refusal_tells_the_size() -> None:
    with pytest.raises(RangeNotSatisfiable) as refusal:
        parse_range("bytes=7-", 7)
    assert refusal.value.size == 7


def test_length() -> None:
    assert Span(3, 10).length == 7
