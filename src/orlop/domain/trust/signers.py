"""Signers: whose signatures are known at a place, and with how many of them an image has to be signed."""

import base64
import binascii
import re
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.inside.wildcards import matches_words
from orlop.domain.settings import Holds, SettingKind, nobody
from orlop.domain.trust.attested import PREDICATES, PROVENANCES
from orlop.domain.trust.material import Unreadable, pem_certificates
from orlop.domain.trust.roots import parse_root
from orlop.domain.trust.subjects import subject_parts

#: Characters of one key: one of RSA with 8,192 bits takes 1,500.
KEY_MAX = 4_096
#: Keys of one setting.
KEYS_MAX = 32

#: A public key of any kind (RFC 7468, section 13), and nothing beside it.
_PUBLIC = re.compile(r"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*", re.ASCII)
#: How the DER of a SubjectPublicKeyInfo begins, and how many bytes it has, by kind: on a curve with the point written
#: out (RFC 5480, section 2; RFC 8410, section 10.1).
_CURVES = {
    bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"): 91,
    bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004"): 120,
    bytes.fromhex("30819b301006072a8648ce3d020106052b810400230381860004"): 158,
    bytes.fromhex("302a300506032b6570032100"): 44,
}
#: The algorithm of RSA (RFC 3279, section 2.3.1), and the bytes of a key of 2,048 bits.
_RSA, _RSA_MIN = bytes.fromhex("300d06092a864886f70d0101010500"), 294

Key = Annotated[str, Meta(min_length=1, max_length=KEY_MAX)]
Pattern = Annotated[str, Meta(min_length=1, max_length=1_000)]

#: Characters of a trusted root (that of Sigstore's public services has 10,000), of certificates and revocation lists.
_ROOT_MAX, _CERTIFICATES_MAX, _LISTS_MAX = 128 * 1024, 64 * 1024, 256 * 1024
#: Certificates of one setting.
CERTIFICATES = 32
_PEM_FILE = {"contentMediaType": "application/x-pem-file"}


class Level(StrEnum):
    """What a signature of Notation must prove (notaryproject/specifications, trust-store-trust-policy.md, "Signature
    Verification Levels"); its level `audit` is for gates to say, and `skip` is to set no signers."""

    STRICT = "strict"
    """All: who made it, that their certificate is valid or was when it was made, that it has not expired, and that no
    certificate was revoked."""
    PERMISSIVE = "permissive"
    """Who made it; the rest is not asked."""


class Signers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whose signatures count as those of one signer, by keys, identities or certificates; how many of these must have
    signed, and what an attestation of theirs has to say."""

    keys: Annotated[
        tuple[Key, ...],
        Meta(
            max_length=KEYS_MAX,
            description="Public keys in PEM, as cosign.pub holds one: ECDSA on P-256, P-384 or P-521, Ed25519, or RSA "
            "of 2,048 bits or more.",
            extra_json_schema=_PEM_FILE,
        ),
    ] = ()
    keyless_issuer: Annotated[
        str,
        Meta(
            max_length=1_000,
            description="Who vouches for the identities of keyless signatures, such as "
            "https://token.actions.githubusercontent.com; `*` is anything.",
        ),
    ] = ""
    identities: Annotated[
        tuple[Pattern, ...],
        Meta(
            max_length=KEYS_MAX,
            description="The identities of keyless signatures: addresses of mail or of workflows, such as "
            "https://github.com/acme/*; `*` is anything.",
        ),
    ] = ()
    trusted_root: Annotated[
        str,
        Meta(
            max_length=_ROOT_MAX,
            description="Whose certificates, logs and timestamps of keyless signatures are believed: the text of a "
            "trusted_root.json, as cosign trusted-root create writes one.",
            extra_json_schema={"contentMediaType": "application/json"},
        ),
    ] = ""
    certificates: Annotated[
        str,
        Meta(
            max_length=_CERTIFICATES_MAX,
            description="Certificates of authorities in PEM, that those of Notation's signatures lead to.",
            extra_json_schema=_PEM_FILE,
        ),
    ] = ""
    subjects: Annotated[
        tuple[Pattern, ...],
        Meta(
            max_length=KEYS_MAX,
            description="Subjects of certificates of Notation's signatures, such as `C=US, ST=WA, O=acme`: all that it "
            "says is so in the certificate; `*` alone is any.",
        ),
    ] = ()
    timestamp_certificates: Annotated[
        str,
        Meta(
            max_length=_CERTIFICATES_MAX,
            description="Certificates of authorities in PEM, that those of the timestamps of Notation's signatures "
            "lead to.",
            extra_json_schema=_PEM_FILE,
        ),
    ] = ""
    revocation_lists: Annotated[
        str,
        Meta(
            max_length=_LISTS_MAX,
            description="Revocation lists in PEM, of the authorities of Notation's signatures.",
            extra_json_schema=_PEM_FILE,
        ),
    ] = ""
    level: Annotated[
        Level,
        Meta(description="What a signature of Notation must prove: all of it, or who made it."),
    ] = Level.STRICT
    required: Annotated[
        int,
        Meta(ge=1, le=KEYS_MAX, description="How many of the keys, identities and subjects must have signed."),
    ] = 1
    predicate: Annotated[
        str,
        Meta(
            max_length=300,
            description="The type of an attestation that they must have made, in place of a signature: its address, or "
            "slsaprovenance, slsaprovenance02, slsaprovenance1, spdx, cyclonedx, vuln, openvex or link.",
        ),
    ] = ""
    builder: Annotated[
        str, Meta(max_length=1_000, description="The builder that a provenance must name; `*` is anything.")
    ] = ""
    source: Annotated[
        str,
        Meta(
            max_length=1_000,
            description="The source repository that a provenance must name, such as https://github.com/acme/*.",
        ),
    ] = ""
    branch: Annotated[
        str,
        Meta(max_length=300, description="The branch or tag that a provenance must name: main, or refs/tags/v*."),
    ] = ""

    def __post_init__(self) -> None:
        for key in self.keys:
            if "PRIVATE KEY" in key:
                raise ValueError("keys: a private key has no place here; give the public one, and make another pair")
            _check(key)
        if len({"".join(key.split()) for key in self.keys}) < len(self.keys):
            raise ValueError("keys: one is there twice, and would count as two")
        self._check_identities()
        self._check_subjects()
        if not self.parties:
            raise ValueError("the signers are nobody: name keys, identities or subjects")
        if self.required > self.parties:
            raise ValueError(f"required: {self.required} cannot have signed where there are {self.parties} that may")
        if (self.builder or self.source or self.branch) and self.predicate_type not in PROVENANCES:
            raise ValueError("builder, source and branch: only a provenance names them; set predicate, too")

    def _check_identities(self) -> None:
        if bool(self.identities) != bool(self.keyless_issuer):
            raise ValueError("identities, keyless_issuer: one without the other would trust whoever vouches for them")
        if self.identities and not self.trusted_root:
            raise ValueError("trusted_root: say whose certificates are believed; cosign trusted-root create writes one")
        if self.trusted_root:
            try:
                parse_root(self.trusted_root)
            except Unreadable as cause:
                raise ValueError(f"trusted_root: {cause}") from cause

    def _check_subjects(self) -> None:
        if bool(self.subjects) != bool(self.certificates):
            raise ValueError("subjects, certificates: who signs, and by whom they are known; set both")
        for field in ("certificates", "timestamp_certificates"):
            text = getattr(self, field)
            try:
                found = pem_certificates(text, CERTIFICATES)
            except Unreadable as cause:
                raise ValueError(f"{field}: {cause}") from cause
            if text and not found:
                raise ValueError(f"{field}: there is none in PEM, which begins with -----BEGIN CERTIFICATE-----")
        if self.revocation_lists and "-----BEGIN X509 CRL-----" not in self.revocation_lists:
            raise ValueError("revocation_lists: there is none in PEM, which begins with -----BEGIN X509 CRL-----")
        for subject in self.subjects:
            if subject != "*" and not subject_parts(subject):
                raise ValueError(f"subjects: {subject!r} is none; write it as in C=US, ST=WA, O=acme, or as * for any")

    @property
    def parties(self) -> int:
        """How many may have signed."""
        return len(self.keys) + len(self.identities) + len(self.subjects)

    @property
    def predicate_type(self) -> str:
        """The address of the type of an attestation; empty: a signature."""
        return PREDICATES.get(self.predicate, self.predicate)

    def vouches(self, subject: str, issuer: str) -> int | None:
        """The place of the identity that a keyless signature is of; None for that of a stranger."""
        if not matches_words(self.keyless_issuer, issuer):
            return None
        return next((n for n, each in enumerate(self.identities) if matches_words(each, subject)), None)


def _check(key: str) -> None:
    """Raises ValueError for what is no public key of a kind that signs images."""
    found = _PUBLIC.fullmatch(key)
    if found is None:
        raise ValueError("keys: one is no public key in PEM, which begins with -----BEGIN PUBLIC KEY-----")
    try:
        content = base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error as cause:
        raise ValueError("keys: what stands in a PEM is no base64") from cause
    if any(content.startswith(begins) and len(content) == size for begins, size in _CURVES.items()):
        return
    if _RSA in content[:24] and content[:1] == b"0":
        if len(content) < _RSA_MIN:
            raise ValueError("keys: a key of RSA has fewer than 2,048 bits, and can be forged")
        return
    raise ValueError("keys: one is of a kind that signs no images; ECDSA on P-256, P-384 or P-521, Ed25519 and RSA do")


#: Signers as settings. Whoever may pull may see whose signatures are trusted.
SIGNERS = SettingKind(
    kind="signers",
    plural="signers",
    text="Signers: whose signatures and attestations of images are trusted, by keys, identities or certificates.",
    body=Signers,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
    most=100,
)
