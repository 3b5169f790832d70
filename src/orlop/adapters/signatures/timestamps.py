"""When something was there, as an authority of timestamps says (RFC 3161, as CMS of RFC 5652)."""

import hashlib
from collections.abc import Sequence
from datetime import UTC
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyasn1.codec.der import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ
from pyasn1_modules import rfc3161, rfc5035, rfc5652

from orlop.adapters.signatures.chains import chain, loaded
from orlop.adapters.signatures.refusals import Refused
from orlop.domain.trust.roots import Authority

#: Bytes of an answer, and certificates in it that are looked at.
_ANSWER_MAX, _CERTIFICATES = 64 * 1024, 8

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
#: The baseline policy of timestamps, and seconds by which one may be wrong at most.
_BASELINE, _ACCURACY_MAX = "0.4.0.2023.1.1", 86_400
#: What reading one raises: the library for what is no DER or of another form, look-ups for hashes and attributes that
#: are not known, and the calendar for times that are none.
_UNREADABLE = (PyAsn1Error, LookupError, ValueError, OverflowError)


class Stamp(NamedTuple):
    """When something was there at the latest: between two times in seconds since 1970, as exactly as an authority
    knows; and the certificates of that authority, that of its root last."""

    at: int
    earliest: int
    latest: int
    path: Sequence[x509.Certificate]


def stamped(answer: bytes, signature: bytes, authorities: Sequence[Authority]) -> int:
    """When an authority that is trusted was shown a signature, in seconds since 1970. Raises Refused."""
    return stamp_of(answer, signature, authorities).at


def stamp_of(answer: bytes, signature: bytes, authorities: Sequence[Authority], *, bound: bool = False) -> Stamp:
    """The same, with all that is known of it. `bound`: it has to say by a signed hash which certificate signed it
    (RFC 5035, section 3), so that none of the same key can stand for it; where it says so, that has to be so anyway.
    Raises Refused."""
    try:
        signed, info = _token(answer)
        imprint = info["messageImprint"]
        hashed_by = _HASHES[str(imprint["hashAlgorithm"]["algorithm"])]
        told = info["genTime"].asDateTime
        at = int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())
        if bytes(imprint["hashedMessage"]) != hashlib.new(hashed_by.name, signature).digest():
            raise Refused("its timestamp is one of something else")
        written = signed["certificates"]
        embedded = [
            loaded(encoder.encode(each["certificate"]))
            for each in (list(written)[:_CERTIFICATES] if written.isValue else ())
        ]
        signer = signed["signerInfos"][0]
        attributes = _attributes(signed, signer)
        by = _certificate_hash(signer)
        accuracy = _accuracy(info)
    except _UNREADABLE as cause:
        raise Refused("its timestamp cannot be read") from cause
    for authority in authorities:
        path = _signed_by(authority, embedded, signer, attributes, at) if authority.span.holds(at) else None
        if path is not None:
            if by is None and bound:
                raise Refused("its timestamp does not say by which certificate it was signed")
            if by is not None and by[1] != hashlib.new(by[0], path[0].public_bytes(Encoding.DER)).digest():
                raise Refused("its timestamp was signed by another certificate than it says")
            return Stamp(at, at - accuracy, at + accuracy, path)
    raise Refused("its timestamp was made by nobody who is trusted, or not for that time")


def _token(answer: bytes) -> tuple[Any, Any]:
    """The signed data of an answer, or of a token alone, and what it says."""
    if len(answer) > _ANSWER_MAX:
        raise Refused("its timestamp is longer than one may be")
    try:
        response, rest = decoder.decode(answer, asn1Spec=rfc3161.TimeStampResp())
        if int(response["status"]["status"]) not in (0, 1):
            raise Refused("its timestamp was not granted")
        token = response["timeStampToken"]
    except PyAsn1Error:
        token, rest = decoder.decode(answer, asn1Spec=rfc5652.ContentInfo())
    if rest or token["contentType"] != rfc5652.id_signedData:
        raise Refused("its timestamp cannot be read")
    signed, _ = decoder.decode(bytes(token["content"]), asn1Spec=rfc5652.SignedData())
    content = signed["encapContentInfo"]
    if str(content["eContentType"]) != _TST_INFO or len(signed["signerInfos"]) != 1:
        raise Refused("its timestamp cannot be read")
    info, _ = decoder.decode(bytes(content["eContent"]), asn1Spec=rfc3161.TSTInfo())
    return signed, info


def _attributes(signed: Any, signer: Any) -> bytes:
    """What the signer signed: attributes, with the hash of the content among them (RFC 5652, section 5.4)."""
    found = {str(each["attrType"]): each["attrValues"] for each in signer["signedAttrs"]}
    if len(found) != len(signer["signedAttrs"]):
        raise Refused("its timestamp says one thing twice")
    digest, _ = decoder.decode(bytes(found[_MESSAGE_DIGEST][0]), asn1Spec=univ.OctetString())
    kind, _ = decoder.decode(bytes(found[_CONTENT_TYPE][0]), asn1Spec=univ.ObjectIdentifier())
    content = bytes(signed["encapContentInfo"]["eContent"])
    hashed_by = _HASHES[str(signer["digestAlgorithm"]["algorithm"])]
    if str(kind) != _TST_INFO or bytes(digest) != hashlib.new(hashed_by.name, content).digest():
        raise Refused("its timestamp signs something else than it says")
    attributes = univ.SetOf(componentType=rfc5652.Attribute())
    attributes.extend(signer["signedAttrs"])
    return bytes(encoder.encode(attributes))


def _certificate_hash(signer: Any) -> tuple[str, bytes] | None:
    """The hash of the certificate by which it says that it was signed, with that hash's name (RFC 5035, section 3)."""
    for each in signer["signedAttrs"]:
        if each["attrType"] == rfc5035.id_aa_signingCertificateV2:
            said, _ = decoder.decode(bytes(each["attrValues"][0]), asn1Spec=rfc5035.SigningCertificateV2())
            first = said["certs"][0]
            return _HASHES[str(first["hashAlgorithm"]["algorithm"])].name, bytes(first["certHash"])
    return None


def _accuracy(info: Any) -> int:
    """By how many whole seconds the time may be wrong (RFC 3161, section 2.4.2; RFC 3628, section 5.2: one second where
    the baseline policy is followed and nothing is said)."""
    said = info["accuracy"]
    if not said.isValue:
        return 1 if str(info["policy"]) == _BASELINE else 0
    found = [int(said[name]) if said[name].isValue else 0 for name in ("seconds", "millis", "micros")]
    if not 0 <= found[0] <= _ACCURACY_MAX:
        raise Refused("its timestamp does not know its time")
    return found[0] + (1 if found[1] or found[2] else 0)


def _signed_by(
    authority: Authority, embedded: Sequence[x509.Certificate], signer: Any, attributes: bytes, at: int
) -> Sequence[x509.Certificate] | None:
    """The path of the certificate of an authority that signed, which was valid then."""
    trusted = [loaded(each) for each in authority.certificates]
    for candidate in (*trusted, *embedded):
        if not _names(signer["sid"], candidate) or not _verifies(candidate, signer, attributes):
            continue
        try:
            return chain(candidate, [*trusted[:-1], *embedded], trusted[-1:], at, ExtendedKeyUsageOID.TIME_STAMPING)
        except Refused:
            continue
    return None


def _names(sid: Any, candidate: x509.Certificate) -> bool:
    if sid.getName() != "issuerAndSerialNumber":
        try:
            found = candidate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        except x509.ExtensionNotFound:
            return False
        return bytes(sid["subjectKeyIdentifier"]) == found
    named = sid["issuerAndSerialNumber"]
    return (
        int(named["serialNumber"]) == candidate.serial_number
        and encoder.encode(named["issuer"]) == candidate.issuer.public_bytes()
    )


def _verifies(candidate: x509.Certificate, signer: Any, attributes: bytes) -> bool:
    key, signature = candidate.public_key(), bytes(signer["signature"])
    hashed_by = _HASHES[str(signer["digestAlgorithm"]["algorithm"])]
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, attributes, ec.ECDSA(hashed_by))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, attributes, padding.PKCS1v15(), hashed_by)
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, attributes)
        else:
            return False
    except InvalidSignature:
        return False
    return True
