"""Signatures of Notation and time: timestamps prove when one was made, and a verdict says until when it holds."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from orlop.ports.signatures import FoundSignature, SignatureForm
from tests.unit.trust.notaries import Notary
from tests.unit.trust.sigstore import AT, Sigstore, new_key
from tests.unit.trust.test_notation import NOW, cose, judged, jws

_DAY = 86_400
#: The certificate of the notary has ended by then.
_LATE = NOW + 40 * _DAY
_SCHEME, _EXPIRY = "io.cncf.notary.signingScheme", "io.cncf.notary.expiry"


@pytest.fixture(scope="module")
def notary() -> Notary:
    return Notary()


@pytest.fixture(scope="module")
def stamps() -> Sigstore:
    return Sigstore()


def _roots(stamps: Sigstore) -> str:
    return stamps.tsa_root.public_bytes(Encoding.PEM).decode()


def _signature(found: FoundSignature) -> bytes:
    text = json.loads(found.content)["signature"]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _stamped(found: FoundSignature, stamp: bytes) -> FoundSignature:
    content = json.loads(found.content)
    content["header"]["io.cncf.notary.timestampSignature"] = base64.b64encode(stamp).decode()
    return FoundSignature(form=SignatureForm.JWS, content=json.dumps(content).encode())


def test_a_timestamp_lets_a_signature_outlive_its_certificate(notary: Notary, stamps: Sigstore) -> None:
    signed = jws(notary)
    signature, known = _signature(signed), notary.signers(timestamp_certificates=_roots(stamps))
    assert "was valid from" in judged(signed, known, _LATE).problem
    assert judged(_stamped(signed, stamps.stamp(signature)), known, _LATE).problem == ""
    # Where no authority of timestamps is trusted, it counts for nothing.
    assert "was valid from" in judged(_stamped(signed, stamps.stamp(signature)), notary.signers(), _LATE).problem


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"signature": b"another"}, "its timestamp is one of something else"),
        ({"key": new_key()}, "its timestamp was made by nobody who is trusted"),
        ({"at": AT + timedelta(days=50)}, "was valid from"),
        ({"at": AT + timedelta(days=30) - timedelta(minutes=1), "accuracy": 120}, "was valid from"),
        ({"bound": False}, "its timestamp does not say by which certificate it was signed"),
        ({"by": Sigstore().tsa}, "its timestamp was signed by another certificate than it says"),
    ],
)
def test_a_timestamp_has_to_hold(notary: Notary, stamps: Sigstore, change: dict, reason: str) -> None:
    signed = jws(notary)
    stamp = stamps.stamp(**{"signature": _signature(signed)} | change)
    said = judged(_stamped(signed, stamp), notary.signers(timestamp_certificates=_roots(stamps)), _LATE)
    assert said.makers == ()
    assert reason in said.problem


def test_a_signature_that_is_older_than_what_its_certificate_was_revoked_for_counts(
    notary: Notary, stamps: Sigstore
) -> None:
    signed = jws(notary)
    stamped = _stamped(signed, stamps.stamp(_signature(signed)))

    def asked(found: FoundSignature, since: datetime | None) -> str:
        lists = notary.revoking(4711, invalid_since=since)
        known = notary.signers(revocation_lists=lists, timestamp_certificates=_roots(stamps))
        return judged(found, known).problem

    assert asked(stamped, AT + timedelta(seconds=1)) == ""
    assert "was revoked" in asked(stamped, AT)
    assert "was revoked" in asked(stamped, AT - timedelta(days=1))
    assert "was revoked" in asked(stamped, None)
    assert "was revoked" in asked(signed, AT + timedelta(days=1))  # Nothing proves when it was made.


def test_a_verdict_says_until_when_it_holds(notary: Notary) -> None:
    first, last = (int(each.timestamp()) for each in (AT - timedelta(days=30), AT + timedelta(days=30)))
    assert judged(jws(notary), notary.signers()).until == last + 1
    assert judged(jws(notary), notary.signers(), first - 5).until == first
    lists = notary.revoking(5)
    assert judged(jws(notary), notary.signers(revocation_lists=lists)).until == NOW + 3 * _DAY + 1
    expires = NOW + _DAY
    told = datetime.fromtimestamp(expires, UTC)
    for expiring in (
        jws(notary, crit=[_SCHEME, _EXPIRY], **{_EXPIRY: told.strftime("%Y-%m-%dT%H:%M:%SZ")}),
        cose(notary, (_SCHEME, _EXPIRY), **{_EXPIRY: told}),
    ):
        assert judged(expiring, notary.signers()).until == expires
        assert judged(expiring, notary.signers(), expires - 1).problem == ""
        assert "it expired at" in judged(expiring, notary.signers(), expires).problem
    # What does not ask for the time is never another: that of other signers, and what nobody can read.
    assert judged(FoundSignature(form=SignatureForm.JWS, content=b"{}"), notary.signers()).until == 0
