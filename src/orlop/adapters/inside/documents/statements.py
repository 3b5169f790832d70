"""What surrounds a document: statements of in-toto (v0.1 and v1), envelopes (DSSE) and bundles of Sigstore around them.

Signatures are not looked at here: whose word counts is a rule about who attached a document. What checks signatures
gets the same bytes, and decides before they are read.
"""

import base64
import binascii
from typing import Any

import msgspec

from orlop.adapters.inside.documents import cyclonedx, spdx
from orlop.adapters.inside.documents.bounds import Other, Refused
from orlop.domain.inside.layers import LayerFacts

#: Types of predicates (in-toto.io/attestation, "Vetted predicates"), which programs write with a version behind, too.
_SPDX, _CYCLONEDX = "https://spdx.dev/Document", "https://cyclonedx.org/bom"
_IN_TOTO = "application/vnd.in-toto+json"
_SUBJECTS = 1_000


class _Subject(msgspec.Struct):
    digest: dict[str, str] = {}


class _MessageSignature(msgspec.Struct):
    """What a bundle of Sigstore has instead of an envelope: a signature of the image itself."""


class _Envelope(msgspec.Struct, rename="camel"):
    payload_type: str = ""
    payload: str = ""


class _Outer(msgspec.Struct, rename="camel"):
    """Whatever it is: one of its fields tells."""

    dsse_envelope: _Envelope | None = None
    message_signature: _MessageSignature | None = None
    payload: str | None = None
    payload_type: str = ""
    predicate_type: str | None = None
    predicate: msgspec.Raw = msgspec.Raw()
    subject: list[_Subject] | None = None
    bom_format: Any = None
    spdx_version: Any = None


def read(content: bytes) -> LayerFacts:
    """What a document says, whatever surrounds it. Raises Other, Refused, msgspec.MsgspecError, RecursionError."""
    outer = _outer(content)
    envelope = outer.dsse_envelope
    if envelope is None and outer.payload is not None:
        envelope = _Envelope(outer.payload_type, outer.payload)
    if outer.message_signature is not None:
        raise Other
    if envelope is not None:
        if envelope.payload_type != _IN_TOTO:
            raise Other
        try:
            outer = _outer(base64.b64decode(envelope.payload, validate=True))
        except (binascii.Error, ValueError) as error:
            raise Refused("its envelope is damaged") from error
    if outer.predicate_type is not None:
        return _attested(outer)
    return LayerFacts(found=(_document(outer, content),))


def _attested(outer: _Outer) -> LayerFacts:
    kind = outer.predicate_type or ""
    if not kind.startswith((_SPDX, _CYCLONEDX)):
        raise Other
    about = {
        f"{algorithm}:{value}"
        for subject in (outer.subject or [])[:_SUBJECTS]
        for algorithm, value in subject.digest.items()
    }
    predicate: bytes | msgspec.Raw = outer.predicate
    inner = msgspec.json.decode(predicate, type=_Data) if predicate else _Data()
    if isinstance(inner.data, str):  # as cosign 1 wrote a document that it did not read
        predicate = inner.data.encode()
    found = spdx.read(predicate) if kind.startswith(_SPDX) else cyclonedx.read(predicate)
    return LayerFacts(found=(found,), about=tuple(sorted(about)))


class _Data(msgspec.Struct):
    data: Any = msgspec.field(default=None, name="Data")


def _outer(content: bytes) -> _Outer:
    return msgspec.json.decode(content, type=_Outer)


def _document(outer: _Outer, content: bytes) -> Any:
    if outer.bom_format == "CycloneDX":
        return cyclonedx.read(content)
    if isinstance(outer.spdx_version, str):
        return spdx.read(content)
    raise Refused("it is neither SPDX nor CycloneDX in JSON")
