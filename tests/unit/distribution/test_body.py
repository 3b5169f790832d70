"""Request bodies: counted, bounded, and never taken for whole when they are not."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from orlop.domain.errors import BodyInterrupted, RequestInvalid, TooLarge
from orlop.faces.http.body import DRAIN, RequestBody

CHUNKED = {"transfer-encoding": "chunked"}
LEFT = {"type": "http.disconnect"}


def piece(content: bytes, more: bool = True) -> dict[str, Any]:
    """A part of a body as a server hands it over."""
    return {"type": "http.request", "body": content, "more_body": more}


def body(
    messages: Sequence[dict[str, Any]],
    headers: Mapping[str, str],
    *,
    idle: float = 5.0,
    http1: bool = True,
    pause: float = 0.0,
) -> RequestBody:
    """A body that arrives as `messages`, `pause` seconds before each, and then stands still."""
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        for message in waiting:
            return message
        await asyncio.Event().wait()
        raise AssertionError("nothing more comes")

    lines = {name.encode(): value.encode() for name, value in headers.items()}
    return RequestBody(receive, lines, idle, http1=http1)


@pytest.mark.parametrize(
    ("http1", "headers", "finished"),
    [
        (True, {}, True),
        (True, {"content-length": "0"}, True),
        (True, {"content-length": "5"}, False),
        (True, CHUNKED, False),
        (False, {}, False),
        (False, {"content-length": "0"}, True),
    ],
)
def test_whether_there_is_a_body(http1: bool, headers: dict[str, str], finished: bool) -> None:
    assert body([], headers, http1=http1).finished is finished


@pytest.mark.parametrize("text", ["-1", "+1", "1.0", "1e3", "", " 1", "five", "5, 5", "\u0665", "9" * 20])
def test_a_length_that_is_no_number(text: str) -> None:
    with pytest.raises(RequestInvalid):
        body([], {"content-length": text})


async def test_pieces_arrive_as_they_come() -> None:
    arriving = body([piece(b"ab"), piece(b""), piece(b"c"), piece(b"", more=False)], CHUNKED)
    assert [part async for part in arriving.pieces()] == [b"ab", b"c"]
    assert (arriving.received, arriving.finished) == (3, True)
    assert [part async for part in arriving.pieces()] == []


@pytest.mark.parametrize(
    ("messages", "headers"),
    [
        ([piece(b"abc"), LEFT], {"content-length": "5"}),
        ([piece(b"abc"), LEFT], CHUNKED),
        ([LEFT], {"content-length": "5"}),
        ([piece(b"abc", more=False)], {"content-length": "5"}),
        ([piece(b"abcdef", more=False)], {"content-length": "5"}),
        ([piece(b"abc")], {"content-length": "5"}),
    ],
)
async def test_a_body_that_is_not_what_it_said(messages: list[dict[str, Any]], headers: dict[str, str]) -> None:
    arriving = body(messages, headers, idle=0.05)
    with pytest.raises(BodyInterrupted):
        await arriving.read(100, "a test")


async def test_a_reader_that_takes_its_time_does_not_count_against_the_client() -> None:
    arriving = body([piece(b"a"), piece(b"b", more=False)], {"content-length": "2"}, idle=0.05)
    parts = []
    async for part in arriving.pieces():
        await asyncio.sleep(0.1)
        parts.append(part)
    assert parts == [b"a", b"b"]


async def test_small_bodies_have_a_limit() -> None:
    assert await body([piece(b"ab"), piece(b"c", more=False)], CHUNKED).read(3, "a test") == b"abc"
    unread = body([piece(b"abcd", more=False)], {"content-length": "4"})
    with pytest.raises(TooLarge):
        await unread.read(3, "a test")
    assert unread.received == 0, "what is announced as too large is not read"
    with pytest.raises(TooLarge):
        await body([piece(b"ab"), piece(b"cd")], CHUNKED).read(3, "a test")


@pytest.mark.parametrize(
    ("messages", "headers", "drained"),
    [
        ([piece(b"x" * 1_000, more=False)], {"content-length": "1000"}, True),
        ([piece(b"x" * DRAIN, more=False)], CHUNKED, True),
        ([piece(b"x" * DRAIN), piece(b"x")], CHUNKED, False),
        ([piece(b"x")], {"content-length": str(DRAIN + 1)}, False),
        ([piece(b"x"), LEFT], CHUNKED, False),
        ([piece(b"x")], CHUNKED, False),
    ],
)
async def test_what_nobody_wants_is_drained_up_to_a_cap(
    messages: list[dict[str, Any]], headers: dict[str, str], drained: bool
) -> None:
    assert await body(messages, headers, idle=0.05).drain() is drained


async def test_draining_ends_although_a_byte_comes_now_and_then() -> None:
    trickle = body([piece(b"x")] * 1_000, CHUNKED, idle=0.1, pause=0.02)
    assert not await trickle.drain()
    assert trickle.received < 100
