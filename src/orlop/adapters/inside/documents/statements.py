"""What a document says, whatever surrounds it (domain.inside.envelopes)."""

from typing import Any

import msgspec

from orlop.adapters.inside.documents import cyclonedx, spdx
from orlop.adapters.inside.documents.bounds import Refused
from orlop.domain.inside.carriers import SBOM_DOCUMENTS
from orlop.domain.inside.envelopes import unwrapped
from orlop.domain.inside.layers import Found, LayerFacts


class _Kind(msgspec.Struct, rename="camel"):
    bom_format: Any = None
    spdx_version: Any = None


class _Data(msgspec.Struct):
    data: Any = msgspec.field(default=None, name="Data")


def read(content: bytes) -> LayerFacts:
    """What a document says. Raises Refused, RequestInvalid, msgspec.MsgspecError, RecursionError."""
    found = unwrapped(content, SBOM_DOCUMENTS)
    document = found.content
    if found.predicate:
        inner = msgspec.json.decode(document, type=_Data).data
        if isinstance(inner, str):  # as cosign 1 wrote a document that it did not read
            document = inner.encode()
    return LayerFacts(found=(_document(document),), about=found.about)


def _document(content: bytes | msgspec.Raw) -> Found:
    kind = msgspec.json.decode(content, type=_Kind)
    if kind.bom_format == "CycloneDX":
        return cyclonedx.read(content)
    if isinstance(kind.spdx_version, str):
        return spdx.read(content)
    raise Refused("it is neither SPDX nor CycloneDX in JSON")
