"""Header lines as a handler sees them, and entity tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.access import ANONYMOUS, Caller
from orlop.domain.errors import RequestInvalid
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.http.body import RequestBody
from orlop.faces.http.headers import combined, etag_matches


async def never() -> dict[str, object]:
    """No body is read here."""
    raise AssertionError


def exchange(value: bytes) -> Exchange:
    """A request with one header."""
    headers = {b"x": value}
    return Exchange("GET", headers, RequestBody(never, headers, 1.0, http1=True), Caller(ANONYMOUS))


def test_lines_of_one_name_are_joined() -> None:
    lines = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"a", b"")]
    assert combined(lines) == {b"a": b"1, 3, ", b"b": b"2"}
    assert combined([]) == {}


def test_headers_are_bytes_of_any_kind() -> None:
    assert exchange(b"\xe4\xff").header(b"x") == "\xe4\xff"
    assert exchange(b"").header(b"y") == ""


@pytest.mark.parametrize("value", [b"\xe4", b"\x00", b"a\nb", b"\x7f", b"a\tb", b"\x1b[0m"])
def test_what_is_stored_must_be_printable(value: bytes) -> None:
    with pytest.raises(RequestInvalid):
        exchange(value).text_header(b"x")


def test_printable_text_is_taken() -> None:
    assert exchange(b"application/json; a=b").text_header(b"x") == "application/json; a=b"
    assert exchange(b"").text_header(b"x") == ""


@pytest.mark.parametrize(
    ("header", "matches"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ('w/"a"', False),
        ("", False),
        (",", False),
    ],
)
def test_entity_tags(header: str, matches: bool) -> None:
    assert etag_matches(header, '"a"') is matches


@given(st.text())
def test_any_condition_is_answered(header: str) -> None:
    assert etag_matches(header, '"a"') in {True, False}
    assert etag_matches(f'{header},"a"', '"a"')
