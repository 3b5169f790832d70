"""Bytes to a VEX document: OpenVEX or CSAF, bare, as an in-toto statement, in a DSSE envelope or a bundle of Sigstore.

Somebody else wrote them. They are read leniently where a field is not needed, and refused where what they say would not
be clear: a statement that is misread hides what somebody would have to mend. No signature is checked here.
"""

from typing import Any

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.carriers import VEX_DOCUMENTS
from orlop.domain.inside.envelopes import unwrapped
from orlop.domain.inside.vex.csaf import csaf
from orlop.domain.inside.vex.fields import mapping, text
from orlop.domain.inside.vex.openvex import openvex
from orlop.domain.inside.vex.statements import BYTES, IDENTIFIER, NAME, VexDocument, refuse_too_much

#: Types of envelopes that hold a document and no statement.
_PAYLOADS = ("application/vnd.openvex+json",)


def parse_vex(content: bytes) -> VexDocument:
    """Read a document. Raises RequestInvalid."""
    document, about = _object(content)
    if "statements" in document:
        name, author, found = text(document, "@id"), text(document, "author"), tuple(openvex(document))
    elif isinstance(document.get("document"), dict):
        tracking, publisher = mapping(document["document"], "tracking"), mapping(document["document"], "publisher")
        name, author, found = text(tracking, "id"), text(publisher, "name"), tuple(csaf(document))
    else:
        raise RequestInvalid("the document is neither OpenVEX (it has no statements) nor CSAF (it has no document)")
    refuse_too_much(found)
    return VexDocument(id=name[:IDENTIFIER], author=author[:NAME], statements=found, about=about)


def _object(content: bytes) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The document, and what it says that it is about."""
    if len(content) > BYTES:
        raise RequestInvalid(f"the VEX document has more than {BYTES >> 20} MiB")
    try:
        found = unwrapped(content, VEX_DOCUMENTS, _PAYLOADS)
        return msgspec.json.decode(found.content, type=dict[str, Any]), found.about
    except msgspec.ValidationError as error:
        raise RequestInvalid("the VEX document is no JSON object") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RequestInvalid(f"the VEX document is no JSON: {error}") from error
