"""What layers hold: read once, from the stream of a layer, within bounds."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Protocol

from orlop.domain.inside.layers import LayerFacts

#: Raised whenever any reader finds something that it did not find before, so that layers are read again.
READER_VERSION = 3


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


#: Raised whenever documents are read differently, so that they are read again. What is kept of one is told apart from
#: what is kept of layers by it.
DOCUMENT_READER_VERSION = 1_000_001

#: Bytes of an SBOM that is read.
DOCUMENT_BYTES = 64 * 1024 * 1024


class DocumentReader(Protocol):
    """Reads SBOMs in bounds of memory, time and output, whatever is in them."""

    async def facts(self, content: AsyncIterator[bytes]) -> LayerFacts:
        """What a document says: SPDX 2.2 and 2.3 or CycloneDX 1.4 to 1.6 in JSON, alone or attested by a statement of
        in-toto, in an envelope (DSSE) or a bundle of Sigstore or without.

        One `Found`, whose `path` is empty, with `spdx` or `cyclonedx` as reader. None, and why as `unread`, for what is
        no such document, or beyond a bound; nothing at all for a statement or a signature about something else.

        Raises what reading `content` raises, and Unavailable where the document can be no reason.
        """
        ...


class LayerReader(Protocol):
    """Reads layers in bounds of memory, time and output, whatever is in them."""

    async def facts(self, content: AsyncIterator[bytes], packing: LayerPacking) -> LayerFacts:
        """What a layer says; of one that is damaged or beyond a bound what was found until then, with the reason as
        `unread`.

        What it says hangs on its bytes alone: `packing` is for the reason. Raises what reading `content` raises, and
        Unavailable where the layer can be no reason. A few are read at once; others wait.
        """
        ...
