"""The life of a session, every transition of it, and the arithmetic of chunks."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.errors import BlobUploadInvalid, UploadRangeInvalid
from orlop.domain.names import RepositoryName
from orlop.domain.upload import (
    TRANSITIONS,
    ChunkRange,
    Upload,
    UploadEvent,
    UploadState,
    check_chunk,
    parse_chunk_range,
    uploaded_range,
)

OPEN, WRITING = UploadState.OPEN, UploadState.WRITING
ENDS = {UploadState.COMMITTED, UploadState.CANCELLED, UploadState.EXPIRED}
LEGAL = {
    (OPEN, UploadEvent.CLAIM): WRITING,
    (OPEN, UploadEvent.COMMIT): UploadState.COMMITTED,
    (OPEN, UploadEvent.CANCEL): UploadState.CANCELLED,
    (OPEN, UploadEvent.EXPIRE): UploadState.EXPIRED,
    (WRITING, UploadEvent.ADVANCE): OPEN,
    (WRITING, UploadEvent.COMMIT): UploadState.COMMITTED,
    (WRITING, UploadEvent.CANCEL): UploadState.CANCELLED,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(UploadState, UploadEvent)))
def test_every_transition(state: UploadState, event: UploadEvent) -> None:
    assert TRANSITIONS.get((state, event)) == LEGAL.get((state, event))


def test_no_end_has_a_way_out_and_every_state_a_way_to_an_end() -> None:
    assert not [state for state, _ in TRANSITIONS if state in ENDS]
    for state in (OPEN, WRITING):
        assert ENDS & {after for (before, _), after in TRANSITIONS.items() if before is state}


def session(*, lease_until: int, expires_at: int) -> Upload:
    """A session with these two times."""
    return Upload(
        id="x",
        repository=RepositoryName("app"),
        created_by="alice",
        algorithm="sha256",
        lease_until=lease_until,
        started_at=0,
        expires_at=expires_at,
    )


@pytest.mark.parametrize(
    ("lease_until", "expires_at", "state"),
    [
        (0, 101, OPEN),
        (100, 101, OPEN),
        (101, 200, WRITING),
        (101, 50, WRITING),
        (0, 100, UploadState.EXPIRED),
        (100, 100, UploadState.EXPIRED),
        (0, 0, UploadState.EXPIRED),
    ],
)
def test_the_state_at_a_time(lease_until: int, expires_at: int, state: UploadState) -> None:
    """A session that somebody writes to does not expire; at its last microsecond a lease or a session is over."""
    assert session(lease_until=lease_until, expires_at=expires_at).state(100) is state


@pytest.mark.parametrize(
    ("text", "chunk"),
    [
        ("0-0", ChunkRange(0, 0)),
        ("0-1023", ChunkRange(0, 1023)),
        (" 5-9 ", ChunkRange(5, 9)),
        ("bytes 5-9/*", ChunkRange(5, 9)),
        ("bytes 5-9/10", ChunkRange(5, 9)),
        ("bytes=5-9", ChunkRange(5, 9)),
        ("9" * 19 + "-" + "9" * 19, ChunkRange(10**19 - 1, 10**19 - 1)),
    ],
)
def test_chunk_ranges(text: str, chunk: ChunkRange) -> None:
    assert parse_chunk_range(text) == chunk
    assert chunk.length == chunk.last - chunk.first + 1


@given(st.text())
def test_any_text_is_a_chunk_range_or_refused(text: str) -> None:
    try:
        chunk = parse_chunk_range(text)
    except BlobUploadInvalid:
        return
    assert 0 <= chunk.first <= chunk.last


@given(st.integers(0, 2**63), st.integers(0, 2**40))
def test_ranges_that_are_written_are_read(first: int, more: int) -> None:
    assert parse_chunk_range(f"{first}-{first + more}") == (first, first + more)


@given(st.integers(0, 1_000), st.integers(0, 1_000), st.integers(0, 1_000), st.none() | st.integers(0, 1_000))
def test_a_chunk_follows_only_where_the_session_stands(offset: int, first: int, more: int, length: int | None) -> None:
    chunk = ChunkRange(first, first + more)
    if first != offset:
        with pytest.raises(UploadRangeInvalid) as refusal:
            check_chunk(offset, chunk, length)
        assert refusal.value.offset == offset
    elif length is not None and length != chunk.length:
        with pytest.raises(BlobUploadInvalid):
            check_chunk(offset, chunk, length)
    else:
        check_chunk(offset, chunk, length)
    check_chunk(offset, None, length)


def test_how_far_a_session_came() -> None:
    """ "0-0" is both an empty session and one of a single byte: the specification has no way to tell them apart."""
    assert [uploaded_range(offset) for offset in (0, 1, 2, 1_024)] == ["0-0", "0-0", "0-1", "0-1023"]
