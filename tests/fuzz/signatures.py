"""What signatures of images are read from: bundles, envelopes and payloads of cosign, Notation in JWS and COSE, with
their certificates, entries of logs and timestamps; and trusted roots."""

from contextlib import suppress
from datetime import timedelta
from functools import cache

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from orlop.adapters.signatures.judging import Judge
from orlop.domain.trust.material import Unreadable
from orlop.domain.trust.roots import parse_root
from orlop.domain.trust.signers import Signers
from orlop.ports.signatures import FoundSignature, NamedSigners, SignatureForm
from tests.unit.trust.notaries import Notary
from tests.unit.trust.sigstore import (
    AT,
    ISSUER,
    Sigstore,
    authenticated,
    b64,
    bundle,
    dsse_entry,
    hashed_entry_2,
    new_key,
    signed_by,
    statement,
)
from tests.unit.trust.test_notation import cose, jws

_IMAGE = "sha256:" + "a" * 64
_NOW = int((AT + timedelta(days=1)).timestamp())
_SIGSTORE, _NOTARY, _KEY = Sigstore(), Notary(), new_key()


@cache
def _judge() -> Judge:
    """Asks about keys, identities and subjects."""
    public = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    keyless = Signers(keyless_issuer=ISSUER, identities=("*",), trusted_root=_SIGSTORE.root())
    signers = (Signers(keys=(public,)), keyless, _NOTARY.signers("*"))
    return Judge([_IMAGE], [NamedSigners(f"signers {place}", each) for place, each in enumerate(signers)], _NOW)


def signature(form: SignatureForm, given: bytes) -> None:
    """Whatever it is, there is a verdict on it, and the same one again."""
    found = FoundSignature(form=form, content=given)
    assert _judge().judge(found) == _judge().judge(found)


def root(given: bytes) -> None:
    """A trusted root is read, or refused by that name."""
    with suppress(Unreadable):
        parse_root(given.decode("utf-8", "replace"))


def _bundles() -> tuple[bytes, ...]:
    payload = statement(_IMAGE)
    certificate = _SIGSTORE.leaf(_KEY)
    made = signed_by(_KEY, authenticated(payload))
    leaf = {"certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))}}
    stamps = {"rfc3161Timestamps": [{"signedTimestamp": b64(_SIGSTORE.stamp(made, AT + timedelta(minutes=1)))}]}
    first = _SIGSTORE.entry(dsse_entry(payload, made, certificate), ("dsse", "0.0.1"))
    second = _SIGSTORE.entry(
        hashed_entry_2(authenticated(payload), made, certificate), ("hashedrekord", "0.0.2"), at=None
    )
    return (
        bundle(payload, made, leaf | {"tlogEntries": [first]}),
        bundle(payload, made, leaf | {"tlogEntries": [second], "timestampVerificationData": stamps}),
        bundle(payload, made, {"publicKey": {"hint": "key"}}),
    )


SIGNATURES = {
    SignatureForm.BUNDLE: _bundles(),
    SignatureForm.ENVELOPE: (
        b'{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"AAAA","keyid":""}]}',
    ),
    SignatureForm.SIMPLE: (b'{"critical":{"image":{"docker-manifest-digest":"%b"},"type":"x"}}' % _IMAGE.encode(),),
    SignatureForm.JWS: (jws(_NOTARY).content,),
    SignatureForm.COSE: (cose(_NOTARY).content,),
}
ROOTS = (_SIGSTORE.root().encode(), _SIGSTORE.root(logs=False, stamps=False).encode())
