"""A Sigstore of our own: authority, logs and timestamps, strictly as their specifications have them.

Sources: Fulcio's certificates (sigstore/fulcio, docs/oid-info.md), logs of certificates (RFC 6962, section 3.2), proofs
(RFC 9162, section 2.1), signed notes (C2SP, signed-note.md), Rekor's promise (sigstore/rekor, "SignedEntryTimestamp"),
timestamps (RFC 3161), bundles and trusted roots (sigstore/protobuf-specs).
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyasn1.codec.der import decoder, encoder
from pyasn1.type import univ, useful
from pyasn1_modules import rfc3161, rfc5035, rfc5652

ISSUER = "https://token.actions.example"
IDENTITY = "https://code.example/acme/app/.github/workflows/release.yml@refs/heads/main"
AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
_SCT = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER_2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_SHA256 = univ.ObjectIdentifier("2.16.840.1.101.3.4.2.1")

_MAY_ISSUE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def signed_by(key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    return key.sign(content, ec.ECDSA(hashes.SHA256()))


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def authority_certificate(text: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """A root that issues."""
    return (
        x509.CertificateBuilder()
        .subject_name(name(text))
        .issuer_name(name(text))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(AT - timedelta(days=365))
        .not_valid_after(AT + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_MAY_ISSUE, critical=True)
        .sign(key, hashes.SHA256())
    )


class Sigstore:
    """`body`, `origin` and the like may be changed by a test between signing and bundling."""

    def __init__(self) -> None:
        self.ca_key, self.log_key, self.ct_key, self.tsa_key, self.tsa_root_key = (new_key() for _ in range(5))
        self.ca = authority_certificate("fulcio", self.ca_key)
        self.tsa_root = authority_certificate("timestamps", self.tsa_root_key)
        self.tsa = (
            x509.CertificateBuilder()
            .subject_name(name("stamps"))
            .issuer_name(self.tsa_root.subject)
            .public_key(self.tsa_key.public_key())
            .serial_number(77)
            .not_valid_before(AT - timedelta(days=30))
            .not_valid_after(AT + timedelta(days=300))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .sign(self.tsa_root_key, hashes.SHA256())
        )

    def root(
        self, *, logs: bool = True, stamps: bool = True, since: str = "2025-01-01T00:00:00Z", until: str = ""
    ) -> str:
        """Its trusted root. `until`: when the key of its log of signatures ends to hold."""
        span = {"start": since}

        def log(key: ec.EllipticCurvePrivateKey) -> Mapping[str, Any]:
            ended = {"end": until} if until and key is self.log_key else {}
            return {
                "baseUrl": "https://rekor.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(spki(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": span | ended,
                },
                "logId": {"keyId": b64(self.log_id(key))},
            }

        def authority(*certificates: x509.Certificate) -> Mapping[str, Any]:
            raw = [{"rawBytes": b64(each.public_bytes(Encoding.DER))} for each in certificates]
            return {"certChain": {"certificates": raw}, "validFor": span}

        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [log(self.log_key)] if logs else [],
                "certificateAuthorities": [authority(self.ca)],
                "ctlogs": [log(self.ct_key)],
                "timestampAuthorities": [authority(self.tsa, self.tsa_root)] if stamps else [],
            }
        )

    @staticmethod
    def log_id(key: ec.EllipticCurvePrivateKey) -> bytes:
        return hashlib.sha256(spki(key)).digest()

    def leaf(
        self,
        key: ec.EllipticCurvePrivateKey,
        identity: str = IDENTITY,
        issuer: str = ISSUER,
        *,
        ct_key: ec.EllipticCurvePrivateKey | None = None,
        at: datetime = AT,
    ) -> x509.Certificate:
        """A certificate for ten minutes, which a log of certificates promised to take in."""
        said = issuer.encode()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.ca.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at)
            .not_valid_after(at + timedelta(minutes=10))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]),
                critical=True,
            )
            .add_extension(
                x509.UnrecognizedExtension(_ISSUER_2, b"\x0c" + bytes([len(said)]) + said),
                critical=False,
            )
        )
        body = builder.sign(self.ca_key, hashes.SHA256()).tbs_certificate_bytes
        log = ct_key or self.ct_key
        milliseconds = int(at.timestamp() * 1000)
        head = b"\0\0" + milliseconds.to_bytes(8, "big") + b"\0\1" + hashlib.sha256(spki(self.ca_key)).digest()
        signature = signed_by(log, head + len(body).to_bytes(3, "big") + body + b"\0\0")
        promise = b"\0" + self.log_id(self.ct_key) + milliseconds.to_bytes(8, "big") + b"\0\0"
        promise += b"\x04\x03" + len(signature).to_bytes(2, "big") + signature
        listed = len(promise).to_bytes(2, "big") + promise
        listed = len(listed).to_bytes(2, "big") + listed
        value = encoder.encode(univ.OctetString(listed))
        return builder.add_extension(x509.UnrecognizedExtension(_SCT, value), critical=False).sign(
            self.ca_key, hashes.SHA256()
        )

    def entry(self, body: bytes, kind: tuple[str, str], *, at: datetime | None = AT, proof: bool = True) -> Any:
        """An entry of the log: with a promise where it has a time."""
        entry: dict[str, Any] = {
            "logIndex": "1007",
            "logId": {"keyId": b64(self.log_id(self.log_key))},
            "kindVersion": {"kind": kind[0], "version": kind[1]},
            "canonicalizedBody": b64(body),
        }
        if at is not None:
            seconds = int(at.timestamp())
            entry["integratedTime"] = str(seconds)
            entry["inclusionPromise"] = {"signedEntryTimestamp": b64(self.promise(body, seconds, 1007))}
        if proof:
            leaves = [b"first", b"second", body, b"fourth", b"fifth"]
            size, root = len(leaves), tree(leaves)
            text = f"rekor.example\n{size}\n{b64(root)}\n"
            signature = self.log_id(self.log_key)[:4] + signed_by(self.log_key, text.encode())
            entry["inclusionProof"] = {
                "logIndex": "2",
                "treeSize": str(size),
                "rootHash": b64(root),
                "hashes": [b64(each) for each in path(2, leaves)],
                "checkpoint": {"envelope": f"{text}\n— rekor.example {b64(signature)}\n"},
            }
        return entry

    def promise(self, body: bytes, seconds: int, index: int) -> bytes:
        said = {
            "body": b64(body),
            "integratedTime": seconds,
            "logID": self.log_id(self.log_key).hex(),
            "logIndex": index,
        }
        return signed_by(self.log_key, json.dumps(said, sort_keys=True, separators=(",", ":")).encode())

    def stamp(
        self,
        signature: bytes,
        at: datetime = AT,
        key: ec.EllipticCurvePrivateKey | None = None,
        *,
        by: x509.Certificate | None = None,
        bound: bool = True,
        accuracy: int = 0,
    ) -> bytes:
        """An answer of the authority of timestamps (RFC 3161, section 2.4.2). `by`: the certificate that it says it was
        signed by (RFC 5035, section 3), where it is `bound` to one; `accuracy` in seconds."""
        info = rfc3161.TSTInfo()
        info["version"], info["policy"], info["serialNumber"] = 1, "1.2.3.4", 5
        info["messageImprint"]["hashAlgorithm"]["algorithm"] = _SHA256
        info["messageImprint"]["hashedMessage"] = hashlib.sha256(signature).digest()
        info["genTime"] = useful.GeneralizedTime(at.strftime("%Y%m%d%H%M%SZ"))
        if accuracy:
            info["accuracy"]["seconds"] = accuracy
        content = encoder.encode(info)

        signed = rfc5652.SignedData()
        signed["version"] = 3
        signed["digestAlgorithms"][0]["algorithm"] = _SHA256
        signed["encapContentInfo"]["eContentType"] = rfc3161.id_ct_TSTInfo
        signed["encapContentInfo"]["eContent"] = content
        written, _ = decoder.decode(self.tsa.public_bytes(Encoding.DER), asn1Spec=rfc5652.CertificateChoices())
        signed["certificates"][0] = written
        signer = signed["signerInfos"][0]
        signer["version"] = 1
        named = signer["sid"]["issuerAndSerialNumber"]
        issuer, _ = decoder.decode(self.tsa.issuer.public_bytes(), asn1Spec=named["issuer"].clone())
        named["issuer"], named["serialNumber"] = issuer, self.tsa.serial_number
        signer["digestAlgorithm"]["algorithm"] = _SHA256
        attributes = [
            (rfc5652.id_contentType, univ.ObjectIdentifier(str(rfc3161.id_ct_TSTInfo))),
            (rfc5652.id_messageDigest, univ.OctetString(hashlib.sha256(content).digest())),
        ]
        if bound:
            certificate = rfc5035.SigningCertificateV2()
            der = (by or self.tsa).public_bytes(Encoding.DER)
            certificate["certs"][0]["certHash"] = hashlib.sha256(der).digest()
            attributes.append((rfc5035.id_aa_signingCertificateV2, certificate))
        listed = univ.SetOf(componentType=rfc5652.Attribute())
        for place, (kind, value) in enumerate(attributes):
            for holder in (listed, signer["signedAttrs"]):
                holder[place]["attrType"] = kind
                holder[place]["attrValues"][0] = encoder.encode(value)
        signer["signatureAlgorithm"]["algorithm"] = "1.2.840.10045.4.3.2"
        signer["signature"] = signed_by(key or self.tsa_key, encoder.encode(listed))

        response = rfc3161.TimeStampResp()
        response["status"]["status"] = 0
        response["timeStampToken"]["contentType"] = rfc5652.id_signedData
        response["timeStampToken"]["content"] = encoder.encode(signed)
        return bytes(encoder.encode(response))


def tree(leaves: Sequence[bytes]) -> bytes:
    """The root of a tree (RFC 9162, section 2.1.1)."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    at = _split(len(leaves))
    return hashlib.sha256(b"\1" + tree(leaves[:at]) + tree(leaves[at:])).digest()


def path(place: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The proof of one (RFC 9162, section 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    at = _split(len(leaves))
    if place < at:
        return [*path(place, leaves[:at]), tree(leaves[at:])]
    return [*path(place - at, leaves[at:]), tree(leaves[:at])]


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def statement(digest: str, predicate: str = "https://sigstore.dev/cosign/sign/v1", said: Any = None) -> bytes:
    """An in-toto statement of an image."""
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "", "digest": {"sha256": digest.removeprefix("sha256:")}}],
            "predicateType": predicate,
            "predicate": said or {},
        }
    ).encode()


def authenticated(payload: bytes) -> bytes:
    """What is signed of an envelope (DSSE, protocol.md)."""
    kind = b"application/vnd.in-toto+json"
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def bundle(payload: bytes, signature: bytes, material: Mapping[str, Any]) -> bytes:
    """A bundle of version 0.3 with an envelope."""
    return json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": material,
            "dsseEnvelope": {
                "payload": b64(payload),
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": b64(signature), "keyid": ""}],
            },
        }
    ).encode()


def dsse_entry(payload: bytes, signature: bytes, certificate: x509.Certificate) -> bytes:
    """The body of an entry of Rekor 1 for an envelope (sigstore/rekor, pkg/types/dsse/v0.0.1)."""
    return json.dumps(
        {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {"algorithm": "sha256", "value": "0" * 64},
                "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
                "signatures": [
                    {"signature": b64(signature), "verifier": b64(certificate.public_bytes(Encoding.PEM))},
                ],
            },
        }
    ).encode()


def hashed_entry(signed: bytes, signature: bytes, certificate: x509.Certificate) -> bytes:
    """The body of an entry of Rekor 1 for what is known by its hash (pkg/types/hashedrekord/v0.0.1)."""
    return json.dumps(
        {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(signed).hexdigest()}},
                "signature": {
                    "content": b64(signature),
                    "publicKey": {"content": b64(certificate.public_bytes(Encoding.PEM))},
                },
            },
        }
    ).encode()


def hashed_entry_2(signed: bytes, signature: bytes, certificate: x509.Certificate) -> bytes:
    """The same of Rekor 2 (sigstore/rekor-tiles, api/proto/rekor/v2/hashedrekord.proto)."""
    return json.dumps(
        {
            "apiVersion": "0.0.2",
            "kind": "hashedrekord",
            "spec": {
                "hashedRekordV002": {
                    "data": {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(signed).digest())},
                    "signature": {
                        "content": b64(signature),
                        "verifier": {
                            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                            "x509Certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
                        },
                    },
                }
            },
        }
    ).encode()
