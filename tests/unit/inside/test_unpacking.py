"""Bytes out of gzip and zstd: in one go and byte by byte, several one after another, damaged, and without end."""

import gzip
import os

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.adapters.inside.bounds import Beyond, Bounds, Damaged
from tests.unit.inside.streams import unpacked

CONTENT = b"".join(b"%d" % number for number in range(40_000))
LONG = 50_000_000
_CHECKED = {zstd.CompressionParameter.checksum_flag: 1}
_SKIPPED = b"\x5a\x2a\x4d\x18" + (7).to_bytes(4, "little") + b"skipped"


def _checked(content: bytes) -> bytes:
    return zstd.compress(content, options=_CHECKED)


PACKED = {
    "plain": CONTENT,
    "gzip": gzip.compress(CONTENT),
    "gzip members": b"".join(gzip.compress(CONTENT[at : at + 50_000]) for at in range(0, len(CONTENT), 50_000)),
    "zstd": _checked(CONTENT),
    "zstd frames": _SKIPPED
    + b"".join(_checked(CONTENT[at : at + 50_000]) + _SKIPPED for at in range(0, len(CONTENT), 50_000)),
}


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("size", [1, 7, 65_536, 10_000_000])
def test_it_gives_what_was_packed(packing: str, size: int) -> None:
    source = unpacked(PACKED[packing], size=size)
    assert source.some(len(CONTENT) + 5) == CONTENT
    assert source.given == len(PACKED[packing])


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 90_000)), max_size=20), packing=st.sampled_from(list(PACKED))
)
def test_reading_and_skipping(steps: list[tuple[bool, int]], packing: str) -> None:
    source, at = unpacked(PACKED[packing], size=10_000), 0
    for skips, size in steps:
        if at + size > len(CONTENT):
            break
        if skips:
            source.skip(size)
        else:
            assert source.read(size) == CONTENT[at : at + size]
        at += size
    assert source.some(100) == CONTENT[at : at + 100]


@pytest.mark.parametrize("packing", ["gzip", "gzip members", "zstd", "zstd frames"])
def test_what_is_cut_off_or_followed_by_something_else(packing: str) -> None:
    whole = PACKED[packing]
    for content in (whole[:-1], whole[: len(whole) // 2], whole + b"garbage", whole[:100] + b"\xff" * 9 + whole[109:]):
        with pytest.raises(Damaged):
            unpacked(content).some(len(CONTENT) + 1)


@pytest.mark.parametrize("size", [1, 100])
def test_beginnings_alone(size: int) -> None:
    for content in (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"):
        with pytest.raises(Damaged):
            unpacked(content, size=size).some(1)
    for content in (b"", b"\x28", b"\x1f"):
        assert unpacked(content, size=size).some(9) == content


def test_the_end_of_what_is_there() -> None:
    source = unpacked(b"abc")
    with pytest.raises(Damaged):
        source.read(4)
    with pytest.raises(Damaged):
        unpacked(b"abc").skip(4)


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_what_comes_out_is_bounded(pack: object) -> None:
    """By its size, and by its ratio to what goes in."""
    bomb = pack(bytes(LONG))  # type: ignore[operator]
    source = unpacked(bomb, Bounds(unpacked=10_000_000))
    with pytest.raises(Beyond, match="more than the 9 MiB"):
        source.skip(LONG)
    assert source.came < 12_000_000
    source = unpacked(bomb, Bounds(ratio=100, ratio_from=5_000_000))
    with pytest.raises(Beyond, match="100 times its size"):
        source.skip(LONG)
    assert source.came < 12_000_000


def test_all_zeros_in_gzip_are_read() -> None:
    """Deflate makes 1,032 bytes of one at most: a swap file is no bomb."""
    unpacked(gzip.compress(bytes(LONG)), Bounds(ratio_from=1)).skip(LONG)


def test_a_window_of_zstd_is_bounded() -> None:
    wide = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.enable_long_distance_matching: 1}
    piece = os.urandom(1_000_000)
    packer = zstd.ZstdCompressor(options=wide)
    content = packer.compress(piece) + packer.flush()
    with pytest.raises(Damaged, match="window"):
        unpacked(content).some(1)
