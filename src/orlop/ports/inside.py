"""What layers hold: read once, from the stream of a layer, within bounds."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Protocol

from orlop.domain.inside.layers import LayerFacts

#: Raised whenever any reader finds something that it did not find before, so that layers are read again.
READER_VERSION = 1


class LayerPacking(StrEnum):
    """How a layer is packed, as its media type says. What it is in truth is said by its first bytes."""

    TAR = "tar"
    TAR_GZIP = "tar+gzip"
    TAR_ZSTD = "tar+zstd"
    UNKNOWN = "unknown"
    """No type of a layer of files that is known."""


#: Ends of media types: of the OCI, of Docker, of foreign layers of both, and of old versions of Docker.
_ENDINGS = {
    ".tar": LayerPacking.TAR,
    ".tar+gzip": LayerPacking.TAR_GZIP,
    ".tar.gzip": LayerPacking.TAR_GZIP,
    ".tar+zstd": LayerPacking.TAR_ZSTD,
    ".tar.zstd": LayerPacking.TAR_ZSTD,
    "+x-gtar": LayerPacking.TAR_GZIP,
}


def packing_of(media_type: str) -> LayerPacking:
    """How a layer of this media type is packed, without parameters."""
    kind = media_type.lower()
    return next((packing for ending, packing in _ENDINGS.items() if kind.endswith(ending)), LayerPacking.UNKNOWN)


class LayerReader(Protocol):
    """Reads layers in bounds of memory, time and output, whatever is in them."""

    async def facts(self, content: AsyncIterator[bytes], packing: LayerPacking) -> LayerFacts:
        """What a layer says; of one that is damaged or beyond a bound what was found until then, with the reason as
        `unread`.

        What it says hangs on its bytes alone: `packing` is for the reason. Raises what reading `content` raises, and
        Unavailable where the layer can be no reason. A few are read at once; others wait.
        """
        ...
