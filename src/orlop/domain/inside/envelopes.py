"""What surrounds documents about images: in-toto statements (v0.1 and v1), DSSE envelopes and bundles of Sigstore.

No signature is looked at here: whose word counts is a rule about who attached a document. What checks signatures gets
the same bytes, and decides before they are read.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.carriers import Carried

_IN_TOTO = "application/vnd.in-toto+json"
#: Subjects of a statement that are looked at, and characters of what is said of one.
_SUBJECTS, _NAMED = 1_000, 256


class SomethingElse(RequestInvalid):
    """It attests or signs something else than what is looked for."""


class Unwrapped(msgspec.Struct, frozen=True):
    """A document without what was around it. `about`: what a statement says that it is about, as `sha256:…`; empty
    where it says nothing, or there is none. `predicate`: the type that the statement gives; empty: there is none."""

    content: bytes | msgspec.Raw
    about: tuple[str, ...] = ()
    predicate: str = ""


class _Outer(msgspec.Struct, rename="camel"):
    """Whatever it is: one of its fields tells. Of another type than expected they say nothing."""

    dsse_envelope: Any = None
    message_signature: Any = None
    payload_type: Any = None
    payload: Any = None
    predicate_type: Any = None
    predicate: msgspec.Raw = msgspec.Raw()
    subject: Any = None


def unwrapped(content: bytes, carried: Carried, payloads: Sequence[str] = ()) -> Unwrapped:
    """A document of this kind without what is around it; what has nothing around it is given back, whatever it is.
    `payloads`: types of envelopes that hold such a document and no statement.

    Raises SomethingElse, RequestInvalid where it is damaged, and what msgspec raises for what is no object of JSON.
    """
    outer = msgspec.json.decode(content, type=_Outer)
    if isinstance(outer.message_signature, dict):
        raise SomethingElse("it signs the image, and says nothing of it")
    kind, payload = outer.payload_type, outer.payload
    if isinstance(outer.dsse_envelope, dict):
        kind, payload = outer.dsse_envelope.get("payloadType"), outer.dsse_envelope.get("payload")
    if isinstance(kind, str):
        if kind != _IN_TOTO and kind not in payloads:
            raise SomethingElse(f"the envelope holds no {carried.called}: {kind[:100]!r}")
        content = _decoded(payload)
        outer = msgspec.json.decode(content, type=_Outer)
    if outer.predicate_type is None:
        return Unwrapped(content)
    predicate = outer.predicate_type if isinstance(outer.predicate_type, str) else ""
    if not predicate.startswith(carried.predicates):
        raise SomethingElse(f"the attestation is no {carried.called}: {predicate[:100]!r}")
    return Unwrapped(outer.predicate or msgspec.Raw(b"null"), _about(outer.subject), predicate)


def _decoded(payload: Any) -> bytes:
    try:
        return base64.b64decode(payload if isinstance(payload, str) else "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestInvalid("the payload of the envelope is no base64") from error


def _about(subjects: Any) -> tuple[str, ...]:
    digests = [
        each.get("digest")
        for each in (subjects[:_SUBJECTS] if isinstance(subjects, list) else ())
        if isinstance(each, dict)
    ]
    named = (
        f"{name}:{value}"[:_NAMED]
        for digest in digests
        if isinstance(digest, dict)
        for name, value in digest.items()
        if isinstance(value, str)
    )
    return tuple(dict.fromkeys(named))
