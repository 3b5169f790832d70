"""When something was there, as an authority of timestamps says (RFC 3161, as CMS of RFC 5652)."""

import hashlib
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyasn1.codec.der import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ
from pyasn1_modules import rfc3161, rfc5652

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


def stamped(answer: bytes, signature: bytes, authorities: Sequence[Authority]) -> int:
    """When an authority that is trusted was shown a signature, in seconds since 1970. Raises Refused."""
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
    except Refused:
        raise
    except Exception as cause:  # A library that reads what a stranger wrote raises whatever it likes.
        raise Refused("its timestamp cannot be read") from cause
    for authority in authorities:
        if authority.span.holds(at) and _signed_by(authority, embedded, signer, attributes, at):
            return at
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


def _signed_by(
    authority: Authority, embedded: Sequence[x509.Certificate], signer: Any, attributes: bytes, at: int
) -> bool:
    """Whether a certificate of an authority signed, which was valid then."""
    trusted = [loaded(each) for each in authority.certificates]
    for candidate in (*trusted, *embedded):
        if not _names(signer["sid"], candidate) or not _verifies(candidate, signer, attributes):
            continue
        try:
            chain(candidate, [*trusted[:-1], *embedded], trusted[-1:], at, ExtendedKeyUsageOID.TIME_STAMPING)
        except Refused:
            continue
        return True
    return False


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
