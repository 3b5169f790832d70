"""Keyless signatures count by identity, once all that proves them holds; what does not hold is told."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from orlop.adapters.signatures.judging import Judge
from orlop.domain.trust.signers import Signers
from orlop.ports.signatures import FoundSignature, JudgedSignature, NamedSigners, SignatureForm
from tests.unit.trust.sigstore import (
    AT,
    IDENTITY,
    ISSUER,
    Sigstore,
    authenticated,
    b64,
    bundle,
    dsse_entry,
    hashed_entry,
    hashed_entry_2,
    new_key,
    signed_by,
    statement,
)

IMAGE, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
WANTED = "https://code.example/acme/*"
#: Years later: certificates that counted then still do.
NOW = int((AT + timedelta(days=900)).timestamp())


@pytest.fixture(scope="module")
def sigstore() -> Sigstore:
    return Sigstore()


def judged(
    root: str,
    found: FoundSignature,
    *,
    identity: str = "https://code.example/acme/*",
    issuer: str = ISSUER,
    **more: Any,
) -> JudgedSignature:
    signers = Signers(keyless_issuer=issuer, identities=(identity,), trusted_root=root, **more)
    return Judge([IMAGE], [NamedSigners("ci at prod/", signers)], NOW).judge(found)


def made_with(
    sigstore: Sigstore, change: Callable[[dict[str, Any]], None] = lambda _: None, **leaf: Any
) -> FoundSignature:
    """A bundle as cosign 3 makes one with Rekor 1, and what a test changes of its material."""
    key, payload = new_key(), statement(IMAGE)
    certificate = sigstore.leaf(key, **leaf)
    signature = signed_by(key, authenticated(payload))
    material = {
        "certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
        "tlogEntries": [sigstore.entry(dsse_entry(payload, signature, certificate), ("dsse", "0.0.1"))],
    }
    change(material)
    return FoundSignature(form=SignatureForm.BUNDLE, content=bundle(payload, signature, material))


def test_a_bundle_counts_by_identity(sigstore: Sigstore) -> None:
    said = judged(sigstore.root(), made_with(sigstore))
    assert said.problem == ""
    assert [(each.party, each.counts) for each in said.makers] == [("identity 0", True)]
    assert (said.subject, said.who) == (IMAGE, f"{IDENTITY} (by {ISSUER})")


def test_rekor_2_counts_with_a_timestamp(sigstore: Sigstore) -> None:
    key, payload = new_key(), statement(IMAGE)
    certificate, signature = sigstore.leaf(key), signed_by(key, authenticated(payload))
    body = hashed_entry_2(authenticated(payload), signature, certificate)

    def found(*stamps: bytes) -> FoundSignature:
        material = {
            "certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
            "tlogEntries": [sigstore.entry(body, ("hashedrekord", "0.0.2"), at=None)],
            "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": b64(each)} for each in stamps]},
        }
        return FoundSignature(form=SignatureForm.BUNDLE, content=bundle(payload, signature, material))

    at = AT + timedelta(minutes=1)
    assert judged(sigstore.root(), found(sigstore.stamp(signature, at))).makers
    # A root without logs asks for none.
    assert judged(sigstore.root(logs=False), found(sigstore.stamp(signature, at))).makers
    assert "nothing vouches for when" in judged(sigstore.root(), found()).problem
    assert "something else" in judged(sigstore.root(), found(sigstore.stamp(b"another", at))).problem
    assert "nobody who is trusted" in judged(sigstore.root(), found(sigstore.stamp(signature, at, new_key()))).problem
    late = sigstore.stamp(signature, AT + timedelta(hours=1))
    assert "was valid from" in judged(sigstore.root(), found(late)).problem
    assert "cannot be read" in judged(sigstore.root(), found(b"no timestamp")).problem


def test_the_key_of_a_log_of_rekor_2_has_to_hold_when_it_was_stamped(sigstore: Sigstore) -> None:
    """Its entries tell no time of their own, and what they claim without a promise is no proof."""
    key, payload = new_key(), statement(IMAGE)
    certificate, signature = sigstore.leaf(key), signed_by(key, authenticated(payload))
    body = hashed_entry_2(authenticated(payload), signature, certificate)
    before, behind = ((AT + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ") for days in (-1, 1))

    def found(claimed: Any = None, *stamps: bytes) -> FoundSignature:
        entry = sigstore.entry(body, ("hashedrekord", "0.0.2"), at=None)
        if claimed is not None:
            entry["integratedTime"] = claimed
        material = {
            "certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
            "tlogEntries": [entry],
            "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": b64(each)} for each in stamps]},
        }
        return FoundSignature(form=SignatureForm.BUNDLE, content=bundle(payload, signature, material))

    stamp = sigstore.stamp(signature, AT + timedelta(minutes=1))
    ended = "it stands in no log that is trusted, or not for that time"
    assert judged(sigstore.root(until=behind), found(None, stamp)).makers
    assert ended in judged(sigstore.root(until=before), found(None, stamp)).problem
    claimed = str(int((AT - timedelta(days=2)).timestamp()))
    assert ended in judged(sigstore.root(until=before), found(claimed, stamp)).problem
    assert ended in judged(sigstore.root(until=behind), found()).problem
    assert "nothing vouches for when" in judged(sigstore.root(), found()).problem


def test_a_root_without_logs_asks_for_a_timestamp(sigstore: Sigstore) -> None:
    assert "nothing vouches for when" in judged(sigstore.root(logs=False), made_with(sigstore)).problem


def test_the_annotations_of_cosign_2_count(sigstore: Sigstore) -> None:
    key = new_key()
    critical = {"image": {"docker-manifest-digest": IMAGE}, "type": "cosign container image signature"}
    payload = json.dumps({"critical": critical, "optional": None}).encode()
    certificate, signature = sigstore.leaf(key), signed_by(key, payload)
    body, seconds = hashed_entry(payload, signature, certificate), int(AT.timestamp())
    entry = {
        "SignedEntryTimestamp": b64(sigstore.promise(body, seconds, 7)),
        "Payload": {
            "body": b64(body),
            "integratedTime": seconds,
            "logIndex": 7,
            "logID": sigstore.log_id(sigstore.log_key).hex(),
        },
    }
    annotations = {
        "dev.cosignproject.cosign/signature": b64(signature),
        "dev.sigstore.cosign/certificate": certificate.public_bytes(Encoding.PEM).decode(),
        "dev.sigstore.cosign/chain": sigstore.ca.public_bytes(Encoding.PEM).decode(),
        "dev.sigstore.cosign/bundle": json.dumps(entry),
    }

    def found(**changed: str) -> FoundSignature:
        return FoundSignature(form=SignatureForm.SIMPLE, content=payload, annotations=annotations | changed)

    without_chain = {"dev.sigstore.cosign/chain": ""}
    assert judged(sigstore.root(), found(**without_chain)).makers
    assert (
        judged(sigstore.root(), found()).problem == "" or "root of its own" in judged(sigstore.root(), found()).problem
    )
    missing = without_chain | {"dev.sigstore.cosign/bundle": ""}
    assert "no log of signatures" in judged(sigstore.root(), found(**missing)).problem
    entry["Payload"]["integratedTime"] = seconds + 1
    forged = without_chain | {"dev.sigstore.cosign/bundle": json.dumps(entry)}
    assert "did not sign the promise" in judged(sigstore.root(), found(**forged)).problem


def _without_entry(material: dict[str, Any]) -> None:
    material["tlogEntries"] = []


def _without_proof(material: dict[str, Any]) -> None:
    del material["tlogEntries"][0]["inclusionProof"]


def _with_another_hash(material: dict[str, Any]) -> None:
    material["tlogEntries"][0]["inclusionProof"]["hashes"][0] = b64(b"x" * 32)


def _with_a_longer_proof(material: dict[str, Any]) -> None:
    material["tlogEntries"][0]["inclusionProof"]["hashes"].append(b64(b"x" * 32))


def _with_another_root(material: dict[str, Any]) -> None:
    material["tlogEntries"][0]["inclusionProof"]["rootHash"] = b64(b"x" * 32)


def _with_another_promise(material: dict[str, Any]) -> None:
    material["tlogEntries"][0]["inclusionPromise"]["signedEntryTimestamp"] = b64(b"x" * 70)


def _with_a_forged_checkpoint(material: dict[str, Any]) -> None:
    checkpoint = material["tlogEntries"][0]["inclusionProof"]["checkpoint"]
    checkpoint["envelope"] = checkpoint["envelope"].replace("\n5\n", "\n6\n")


def _with_too_many_entries(material: dict[str, Any]) -> None:
    material["tlogEntries"] *= 5


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_without_entry, "it stands in no log of signatures"),
        (_without_proof, "it does not prove that it stands in its log"),
        (_with_another_hash, "its proof does not lead to the root of the log"),
        (_with_a_longer_proof, "its proof is longer than its log is high"),
        (_with_another_root, "the checkpoint of its log is one of another tree than that of the proof"),
        (_with_another_promise, "the log did not sign the promise that comes with it"),
        (_with_a_forged_checkpoint, "its log did not sign the checkpoint that comes with it"),
        (_with_too_many_entries, "it brings 5 entries of logs, and 4 are looked at"),
    ],
)
def test_what_is_not_in_the_log_does_not_count(
    sigstore: Sigstore, change: Callable[[dict[str, Any]], None], problem: str
) -> None:
    said = judged(sigstore.root(), made_with(sigstore, change))
    assert said.makers == ()
    assert said.problem.removeprefix("ci at prod/: ") == problem


def test_an_entry_of_another_signature_does_not_count(sigstore: Sigstore) -> None:
    key, payload = new_key(), statement(IMAGE)
    certificate = sigstore.leaf(key)
    strange = dsse_entry(payload, b"another", certificate)

    def change(material: dict[str, Any]) -> None:
        material["tlogEntries"] = [sigstore.entry(strange, ("dsse", "0.0.1"))]

    assert "signature of somebody else" in judged(sigstore.root(), made_with(sigstore, change)).problem


def test_a_stranger_is_told_from_those_who_are_known(sigstore: Sigstore) -> None:
    stranger = judged(sigstore.root(), made_with(sigstore, identity="https://code.example/evil/app"))
    assert stranger.makers == ()
    assert "made by https://code.example/evil/app" in stranger.problem
    assert "and not by https://code.example/acme/*" in stranger.problem
    assert judged(sigstore.root(), made_with(sigstore, issuer="https://evil.example")).makers == ()


def test_certificates_of_others_do_not_count(sigstore: Sigstore) -> None:
    assert "no log that is trusted" in judged(Sigstore().root(), made_with(sigstore)).problem
    assert "no log of certificates" in judged(sigstore.root(), made_with(sigstore, ct_key=new_key())).problem
    expired = made_with(sigstore, at=AT - timedelta(hours=1))
    assert "and not at 2026-03-14 09:26 UTC" in judged(sigstore.root(), expired).problem
    newer = judged(sigstore.root(since="2026-06-01T00:00:00Z"), made_with(sigstore))
    assert "or not for that time" in newer.problem


def test_what_names_another_image_is_none_of_this(sigstore: Sigstore) -> None:
    key, payload = new_key(), statement(OTHER)
    found = FoundSignature(
        form=SignatureForm.BUNDLE,
        content=bundle(payload, signed_by(key, authenticated(payload)), {"publicKey": {"hint": "x"}}),
    )
    said = judged(sigstore.root(), found)
    assert (said.subject, said.problem) == ("", f"it signs {OTHER}, and not this image")


@pytest.mark.parametrize(
    ("demands", "reason"),
    [
        ({"predicate": "slsaprovenance1"}, ""),
        ({"predicate": "slsaprovenance1", "builder": "https://code.example/builder/*"}, ""),
        ({"predicate": "slsaprovenance1", "source": "https://code.example/acme/*", "branch": "main"}, ""),
        ({"predicate": "slsaprovenance1", "builder": "https://other.example/*"}, "and not by https://other.example/*"),
        (
            {"predicate": "slsaprovenance1", "source": "https://code.example/evil"},
            "and not from https://code.example/evil",
        ),
        ({"predicate": "slsaprovenance1", "branch": "release"}, "built from refs/heads/main, and not from release"),
        ({"predicate": "spdx"}, "and not of https://spdx.dev/Document"),
        ({}, "it is an attestation, and no signature"),
    ],
)
def test_an_attestation_counts_by_what_it_says(sigstore: Sigstore, demands: dict[str, str], reason: str) -> None:
    key = new_key()
    workflow = {"repository": "https://code.example/acme/app", "ref": "refs/heads/main"}
    said = {
        "buildDefinition": {"externalParameters": {"workflow": workflow}},
        "runDetails": {"builder": {"id": "https://code.example/builder/1"}},
    }
    payload = statement(IMAGE, "https://slsa.dev/provenance/v1", said)
    certificate, signature = sigstore.leaf(key), signed_by(key, authenticated(payload))
    material = {
        "certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
        "tlogEntries": [sigstore.entry(dsse_entry(payload, signature, certificate), ("dsse", "0.0.1"))],
    }
    found = FoundSignature(form=SignatureForm.BUNDLE, content=bundle(payload, signature, material))
    verdict = judged(sigstore.root(), found, **demands)
    assert verdict.predicate == "https://slsa.dev/provenance/v1"
    assert [each.counts for each in verdict.makers] == [not reason]
    assert verdict.problem.endswith(reason)
    assert bool(verdict.problem) == bool(reason)
