"""Texts within archives that strangers packed: charts, and documents of models."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.domain.errors import RegistryError


class ArchiveRefused(RegistryError):
    """An archive is not what it says, or beyond the bounds of the reader; the message says which."""

    code = "ARCHIVE_REFUSED"


class Packing(StrEnum):
    """How texts are packed: in a tar archive, in one that is compressed, or one text as it is."""

    TAR = "tar"
    TAR_GZIP = "tar+gzip"
    PLAIN = "plain"


class WantedText(msgspec.Struct, frozen=True):
    """A file by its name in lower case, so many folders deep. `rendered`: it is Markdown, and wanted as HTML, too."""

    name: str
    depth: int
    rendered: bool = False


class FoundText(msgspec.Struct, frozen=True):
    """A file of an archive. `cut`: there is more of it. `html` holds nothing but what cannot do harm: no script, style,
    picture or form, and links to http, https and mailto alone."""

    text: str
    cut: bool = False
    html: str = ""


class ArchiveReader(Protocol):
    """Reads texts out of archives in bounds of memory, time and output, whatever is in them."""

    async def texts(
        self, content: AsyncIterator[bytes], packing: Packing, wanted: tuple[WantedText, ...], asker: str
    ) -> dict[str, FoundText]:
        """What is there of the files that are wanted, by their names in lower case; of several alike the first.

        Of what is packed plain, `wanted` has one, which it is. `asker`: whoever waits for it, and shuts nobody out.
        Raises ArchiveRefused, TooManyRequests for who has too many being read, and Unavailable where all have.
        """
        ...
