"""Signatures of Notation: what an envelope says, before anything of it is believed.

Sources: notaryproject/specifications, specs/signature-specification.md, specs/signature-envelope-jws.md.
"""

from typing import Any

import msgspec

from orlop.domain.trust.material import CERTIFICATES_MAX, Unreadable, decoded, parsed
from orlop.domain.trust.roots import seconds_of

#: The type of the manifest, and those of its layer.
ARTIFACT = "application/vnd.cncf.notary.signature"
JWS, COSE = "application/jose+json", "application/cose"
#: The type of what is signed.
PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"
ENVELOPE_MAX = 1024 * 1024

SCHEME, TIME = "io.cncf.notary.signingScheme", "io.cncf.notary.signingTime"
EXPIRY = "io.cncf.notary.expiry"
STAMP = "io.cncf.notary.timestampSignature"
#: The scheme by which certificates lead to authorities that the verifier trusts; the other one has not come into use.
X509 = "notary.x509"
#: What may stand among the things that have to be understood.
UNDERSTOOD = frozenset({SCHEME, EXPIRY})


class NotationClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed by whoever can make `signature` over `signed` in the way that `algorithm` names. `certificates`:
    in DER, that of the signer first; `expires`: in seconds since 1970, 0 for never; `timestamp`: an answer of an
    authority, where there is one."""

    signed: bytes
    signature: bytes
    algorithm: str
    subject: str
    certificates: tuple[bytes, ...]
    expires: int = 0
    timestamp: bytes = b""


class _Target(msgspec.Struct, frozen=True):
    digest: str


class _Payload(msgspec.Struct, frozen=True):
    target: _Target = msgspec.field(name="targetArtifact")


class _Header(msgspec.Struct, frozen=True):
    x5c: tuple[str, ...]
    stamp: str = msgspec.field(name=STAMP, default="")


class _Jws(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    payload: str
    protected: str
    header: _Header
    signature: str


def jws_claim(content: bytes) -> NotationClaim:
    """What a JWS in its flattened form says (RFC 7515, section 7.2.2). Raises Unreadable."""
    said = parsed(content, _Jws, "it is no JWS of Notation")
    header = parsed(_unpadded(said.protected), dict[str, Any], "it is no JWS of Notation")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise Unreadable("it does not say how it is signed")
    if len(said.header.x5c) > CERTIFICATES_MAX:
        raise Unreadable(f"it brings {len(said.header.x5c)} certificates, and {CERTIFICATES_MAX} are looked at")
    check_header(header, header.get("crit"), header.get("cty"))
    return NotationClaim(
        signed=f"{said.protected}.{said.payload}".encode(),
        signature=_unpadded(said.signature),
        algorithm=algorithm,
        subject=subject_of(_unpadded(said.payload)),
        certificates=tuple(map(decoded, said.header.x5c)),
        expires=_expiry(header),
        timestamp=decoded(said.header.stamp),
    )


def check_header(header: Any, critical: Any, kind: Any) -> None:
    """Whether all that has to be understood is, and an image is signed. Raises Unreadable."""
    if kind != PAYLOAD:
        raise Unreadable(f"it signs {str(kind)[:80]!r}, and no image")
    if header.get(SCHEME) != X509:
        raise Unreadable(f"it is signed by the scheme {str(header.get(SCHEME))[:80]!r}, which is not known")
    if not isinstance(critical, list) or SCHEME not in critical or (EXPIRY in header and EXPIRY not in critical):
        raise Unreadable("it does not name all that has to be understood")
    strange = [str(each) for each in critical if each not in UNDERSTOOD]
    if strange:
        raise Unreadable(f"it demands to understand {strange[0][:80]!r}, which is not known")


def subject_of(payload: bytes) -> str:
    """The digest of what is signed. Raises Unreadable."""
    said = parsed(payload, _Payload, "what it signs cannot be read")
    return str(said.target.digest)


def _expiry(header: dict[str, Any]) -> int:
    return seconds_of(str(header[EXPIRY])) if EXPIRY in header else 0


def _unpadded(text: str) -> bytes:
    return decoded(text + "=" * (-len(text) % 4))
