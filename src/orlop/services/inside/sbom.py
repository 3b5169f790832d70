"""What all formats of a software bill of materials have in common: who made it, of what, and which texts fit."""

import hashlib
import re

from orlop.domain.audit import timestamp
from orlop.domain.inside.purl import made
from orlop.services.inside.image import ImageInside

TOOL = "orlop"

#: What XML, which both formats are written in too, cannot hold, and what breaks lines.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
#: "Name string is a URL" (RFC 9562, section 6.6).
_URLS = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")


def fit(text: str) -> str:
    """A text with U+FFFD for what is no character of a text. Package URLs have all of it, encoded."""
    return _UNFIT.sub("\ufffd", text)


def made_at_second(at: int) -> str:
    """A time as RFC 3339 writes it, to the second."""
    return f"{timestamp(at).partition('.')[0]}Z"


def image_purl(image: ImageInside) -> str:
    """The package URL of an image: type `oci`, whose name is "the last fragment of the repository name"."""
    architecture = image.platform.split("/")[1] if "/" in image.platform else ""
    name = image.repository.rpartition("/")[2]
    return str(made("oci", "", name, image.digest, {"arch": architecture}))


def document_id(image: ImageInside) -> str:
    """The UUID, version 5, of all documents on an image of a repository (RFC 9562, section 5.5)."""
    named = f"pkg:oci/{image.repository}@{image.digest}"
    hashed = bytearray(hashlib.sha1(_URLS + named.encode(), usedforsecurity=False).digest()[:16])
    hashed[6] = hashed[6] & 0x0F | 0x50
    hashed[8] = hashed[8] & 0x3F | 0x80
    text = hashed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
