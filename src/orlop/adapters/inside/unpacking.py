"""The bytes of an archive, out of gzip or zstd where they are packed so, within bounds."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

from orlop.adapters.inside.bounds import WINDOW, Beyond, Bounds, Damaged

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd
try:
    import isal.isal_zlib as zlib
except ImportError:  # a processor that it is not made for
    import zlib  # type: ignore[no-redef]

#: Bytes that are unpacked at once.
PIECE = 1024 * 1024
_GZIP, _ZSTD, _SKIPPABLE = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"
_GZIP_FORMAT = 31
_GZIP_ERROR: type[Exception] = zlib.error  # type: ignore[assignment]  # the stubs of isal take it for an instance
_EARLY = "it ends too early"
_FOLLOWED = "something else follows on what is packed"


class Unpacked:
    """Reads what comes out of an archive, in order. `give` gives the next bytes that go in, and none at the end.

    Whatever a media type says, the first bytes say how it is packed: programs that unpack layers go by them, too.
    """

    def __init__(self, give: Callable[[], bytes], bounds: Bounds) -> None:
        self._give, self._bounds = give, bounds
        self.given = self.came = 0
        self._pieces = self._unpack()
        self._piece, self._at = b"", 0

    def _next(self) -> bytes:
        piece = self._give()
        self.given += len(piece)
        return piece

    def _unpack(self) -> Iterator[bytes]:
        first = self._next()
        while len(first) < 4 and (more := self._next()):
            first += more
        if first.startswith(_GZIP):
            return self._gzip(first)
        if first.startswith(_ZSTD) or _is_skippable(first):
            return self._zstd(first)
        return self._plain(first)

    def _plain(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            yield piece
            piece = self._next()

    def _gzip(self, packed: bytes) -> Iterator[bytes]:
        """Members one after another, as several processors make them."""
        while packed:
            if not packed.startswith(_GZIP[: len(packed)]):
                raise Damaged(_FOLLOWED)
            unpacker: Any = zlib.decompressobj(_GZIP_FORMAT)
            while not unpacker.eof:
                packed = packed or self._next()
                if not packed:
                    raise Damaged(_EARLY)
                piece = unpacker.decompress(packed, PIECE)
                packed = unpacker.unconsumed_tail
                if piece:
                    yield piece
            packed = unpacker.unused_data or self._next()

    def _zstd(self, packed: bytes) -> Iterator[bytes]:
        """Frames one after another; those that are to be skipped hold nothing."""
        while packed:
            while len(packed) < 4 and (more := self._next()):
                packed += more
            if not packed.startswith(_ZSTD) and not _is_skippable(packed):
                raise Damaged(_FOLLOWED)
            unpacker = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW})
            while not unpacker.eof:
                if unpacker.needs_input:
                    packed = packed or self._next()
                    if not packed:
                        raise Damaged(_EARLY)
                piece = unpacker.decompress(packed, PIECE)
                packed = b""
                if piece:
                    yield piece
            packed = unpacker.unused_data or self._next()

    def _fill(self) -> bool:
        """Whether there is another piece. Raises Beyond and Damaged."""
        try:
            self._piece, self._at = next(self._pieces, b""), 0
        except _GZIP_ERROR as cause:
            raise Damaged("what is packed by gzip is damaged") from cause
        except zstd.ZstdError as cause:
            raise Damaged(
                f"what is packed by zstd is damaged, or needs a window of more than 2^{WINDOW} bytes"
            ) from cause
        self.came += len(self._piece)
        if self.came > self._bounds.unpacked:
            raise Beyond(f"it holds more than the {self._bounds.unpacked >> 20} MiB that are read")
        if self.came > self._bounds.ratio_from and self.came > self._bounds.ratio * self.given:
            raise Beyond(f"it unpacks to more than {self._bounds.ratio} times its size")
        return bool(self._piece)

    def some(self, size: int, before: bytes = b"") -> bytes:
        """The next bytes, fewer only at the end, after those of `before`. Raises Beyond and Damaged."""
        at = self._at
        if not before and at + size <= len(self._piece):
            self._at = at + size
            return self._piece[at : at + size]
        pieces = [before, self._piece[at : at + size]]
        self._at += len(pieces[1])
        missing = size - len(pieces[1])
        while missing and self._fill():
            piece = self._piece[:missing]
            self._at = len(piece)
            missing -= len(piece)
            pieces.append(piece)
        if missing:
            self._piece, self._at = b"", 0
        return b"".join(pieces)

    def read(self, size: int, before: bytes = b"") -> bytes:
        """The next bytes, so many, after those of `before`. Raises Beyond and Damaged."""
        content = self.some(size, before)
        if len(content) < size + len(before):
            raise Damaged(_EARLY)
        return content

    def skip(self, size: int) -> None:
        """Go on behind the next bytes, so many. Raises Beyond and Damaged."""
        size -= len(self._piece) - self._at
        while size > 0:
            if not self._fill():
                raise Damaged(_EARLY)
            size -= len(self._piece)
        self._at = len(self._piece) + size


def _is_skippable(first: bytes) -> bool:
    """RFC 8878, 3.1.2."""
    return 0x50 <= first[0] <= 0x5F and first[1:4] == _SKIPPABLE if len(first) >= 4 else False
