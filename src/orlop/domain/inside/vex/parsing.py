"""Bytes to a VEX document: OpenVEX or CSAF, bare, as an in-toto statement, in a DSSE envelope or a bundle of Sigstore.

Somebody else wrote them. They are read leniently where a field is not needed, and refused where what they say would not
be clear: a statement that is misread hides what somebody would have to mend. No signature is checked here.
"""

import base64
import binascii
from typing import Any

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.vex.csaf import csaf
from orlop.domain.inside.vex.fields import listed, mapping, text
from orlop.domain.inside.vex.openvex import openvex
from orlop.domain.inside.vex.statements import BYTES, IDENTIFIER, NAME, VexDocument, refuse_too_much

#: How the type of an in-toto predicate begins whose predicate is an OpenVEX document.
PREDICATE = "https://openvex.dev/ns"
#: Types of what an envelope holds (in-toto attestation framework, envelope.md).
_PAYLOADS = frozenset({"application/vnd.in-toto+json", "application/vnd.openvex+json"})


def parse_vex(content: bytes) -> VexDocument:
    """Read a document. Raises RequestInvalid."""
    document = _unwrapped(_object(content))
    about: tuple[str, ...] = ()
    if "predicateType" in document:
        if not text(document, "predicateType").startswith(PREDICATE):
            raise RequestInvalid(f"the attestation is no VEX document: {text(document, 'predicateType')[:100]!r}")
        about = tuple(
            f"{name}:{value}"[:IDENTIFIER]
            for subject in listed(document, "subject")[:100]
            for name, value in mapping(subject, "digest").items()
            if isinstance(value, str)
        )
        document = dict(mapping(document, "predicate"))
    if "statements" in document:
        name, author, found = text(document, "@id"), text(document, "author"), tuple(openvex(document))
    elif isinstance(document.get("document"), dict):
        tracking, publisher = mapping(document["document"], "tracking"), mapping(document["document"], "publisher")
        name, author, found = text(tracking, "id"), text(publisher, "name"), tuple(csaf(document))
    else:
        raise RequestInvalid("the document is neither OpenVEX (it has no statements) nor CSAF (it has no document)")
    refuse_too_much(found)
    return VexDocument(id=name[:IDENTIFIER], author=author[:NAME], statements=found, about=about)


def _object(content: bytes) -> dict[str, Any]:
    if len(content) > BYTES:
        raise RequestInvalid(f"the VEX document has more than {BYTES >> 20} MiB")
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RequestInvalid(f"the VEX document is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise RequestInvalid("the VEX document is no JSON object")
    return document


def _unwrapped(document: dict[str, Any]) -> dict[str, Any]:
    """Without the bundle (sigstore/protobuf-specs) and the envelope (secure-systems-lab/dsse) around it."""
    envelope = dict(mapping(document, "dsseEnvelope")) or document
    if "payloadType" not in envelope:
        return document
    if text(envelope, "payloadType") not in _PAYLOADS:
        raise RequestInvalid(f"the envelope holds no VEX document: {text(envelope, 'payloadType')[:100]!r}")
    try:
        return _object(base64.b64decode(text(envelope, "payload"), validate=True))
    except (binascii.Error, ValueError) as error:
        if isinstance(error, RequestInvalid):
            raise
        raise RequestInvalid("the payload of the envelope is no base64") from error
