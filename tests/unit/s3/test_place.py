"""Where the bytes of a stage lie: what the row keeps, and which objects that means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.adapters.s3.place import Piece, Place, Run, Tail
from orlop.domain.errors import BlobUploadUnknown

TEN = Place(10, (Run("a", 0, 2), Run("b", 2, 3)), Tail("c", 3, 4))


def test_the_objects_that_hold_the_first_bytes() -> None:
    assert TEN.size == 34
    assert TEN.pieces(34) == [Piece("a/00000", 10), Piece("a/00001", 10), Piece("b/00002", 10), Piece("c/00003-4", 4)]
    assert TEN.pieces(31)[-1] == Piece("c/00003-4", 1)
    assert TEN.pieces(30)[-1] == Piece("b/00002", 10)
    assert TEN.pieces(25)[-1] == Piece("b/00002", 5)
    assert TEN.pieces(0) == [Piece("a/00000", 0)]
    assert Place(10).with_tail("a", 0).pieces(0) == [Piece("a/00000-0", 0)]


def test_there_are_no_more_bytes_than_there_are() -> None:
    with pytest.raises(BlobUploadUnknown):
        TEN.pieces(35)
    with pytest.raises(BlobUploadUnknown):
        Place(10).pieces(1)
    with pytest.raises(BlobUploadUnknown):
        Place.read("")


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(0, 9), st.data())
def test_a_place_is_written_short_and_read_again(writers: list[str], tail: int, data: st.DataObject) -> None:
    place = Place(10)
    for writer in writers:
        place = place.with_part(writer)
    whole = place.with_tail("z", tail)
    assert Place.read(whole.text()) == whole
    assert whole.size == 10 * len(writers) + tail
    names = [piece.name for piece in place.pieces(place.size)] if writers else []
    assert names == [f"{writer}/{number:05}" for number, writer in enumerate(writers)]
    kept = data.draw(st.integers(0, len(writers)))
    assert place.cut(kept).parts == kept
    if kept:
        assert [piece.name for piece in place.cut(kept).pieces(10 * kept)] == names[:kept]


def test_many_parts_by_one_writer_are_one_entry() -> None:
    place = Place(16 * 1024 * 1024)
    for _ in range(10_000):
        place = place.with_part("3f2b6a52-6c0b-4d5e-9c34-000000000001")
    assert len(place.text()) < 100
