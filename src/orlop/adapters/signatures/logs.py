"""Whether an entry stands in a log of signatures that is trusted, and is about this signature.

Sources: the promise of Rekor 1 (sigstore/rekor, "SignedEntryTimestamp"), proofs of inclusion (RFC 9162, section
2.1.3.2), checkpoints (transparency-dev/formats, log/README.md) as signed notes (C2SP, signed-note.md), and the types of
entries (sigstore/rekor, pkg/types; sigstore/rekor-tiles, api/proto).
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from orlop.adapters.signatures.keys import checks_of, made
from orlop.adapters.signatures.refusals import Refused
from orlop.domain.trust.claims import Claim
from orlop.domain.trust.material import LogEntry, Proof, Unreadable, decoded, parsed, pem_certificates
from orlop.domain.trust.roots import Log

#: Signatures of one checkpoint that are looked at: those of the log and of its witnesses.
_NOTES = 32


def logged(entry: LogEntry, logs: Sequence[Log], *, proven: bool, stamped: Sequence[int] = ()) -> int:
    """When an entry was taken into a log that is trusted, in seconds since 1970; 0 where the log does not vouch for a
    time. `stamped`: when others vouch that the signature was there: a log of Rekor 2 tells no time, and its key has to
    hold at one of these. Raises Refused."""
    found = [log for log in logs if log.id == entry.log and _held(log, entry, stamped)]
    if not found:
        raise Refused("it stands in no log that is trusted, or not for that time")
    log = found[0]
    if entry.promise:
        said = _canonical(entry)
        if not made(checks_of(log.key), [entry.promise], said):
            raise Refused("the log did not sign the promise that comes with it")
    if entry.proof is not None:
        _included(entry, entry.proof, log)
    elif proven or not entry.promise:
        raise Refused("it does not prove that it stands in its log")
    return entry.at if entry.promise else 0


def _held(log: Log, entry: LogEntry, stamped: Sequence[int]) -> bool:
    """Whether the key of a log was to be believed. Where nobody tells when that was, a key whose time ended is not."""
    if entry.at and not log.span.holds(entry.at):
        return False
    if entry.at and entry.promise:
        return True
    return any(map(log.span.holds, stamped)) if stamped else log.span.until is None


def _canonical(entry: LogEntry) -> bytes:
    """What a promise signs: JSON with its keys in order (RFC 8785)."""
    return msgspec.json.encode(
        {
            "body": base64.b64encode(entry.body).decode(),
            "integratedTime": entry.at,
            "logID": entry.log.hex(),
            "logIndex": entry.index,
        }
    )


def _included(entry: LogEntry, proof: Proof, log: Log) -> None:
    size, root = _checkpoint(proof.checkpoint, log)
    if size != proof.size or root != proof.root:
        raise Refused("the checkpoint of its log is one of another tree than that of the proof")
    if _root_of(entry.body, proof) != root:
        raise Refused("its proof does not lead to the root of the log")


def _root_of(body: bytes, proof: Proof) -> bytes:
    """RFC 9162, section 2.1.3.2."""
    if proof.index >= proof.size:
        raise Refused("its proof is one of an entry that its log has not")
    at, last = proof.index, proof.size - 1
    found = hashlib.sha256(b"\0" + body).digest()
    for each in proof.hashes:
        if not last:
            raise Refused("its proof is longer than its log is high")
        if at & 1 or at == last:
            found = hashlib.sha256(b"\1" + each + found).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\1" + found + each).digest()
        at, last = at >> 1, last >> 1
    if last:
        raise Refused("its proof ends below the root of the log")
    return found


def _checkpoint(note: str, log: Log) -> tuple[int, bytes]:
    """The size and the root of a tree that a log signed. Raises Refused."""
    text, gap, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not gap or len(lines) < 3 or not lines[0]:
        raise Refused("its log's checkpoint cannot be read")
    try:
        size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
    except (ValueError, binascii.Error) as cause:
        raise Refused("its log's checkpoint cannot be read") from cause
    # The origin of Rekor 1 is its name and the number of a tree.
    origin = lines[0].split(" - ")[0]
    checks = checks_of(log.key)
    for line in signatures.splitlines()[:_NOTES]:
        dash, _, rest = line.partition(" ")
        name, _, written = rest.partition(" ")
        if dash != "—" or name != origin or (log.origin and name != log.origin):
            continue
        try:
            signature = base64.b64decode(written, validate=True)
        except binascii.Error:
            continue
        if signature[:4] == log.id[:4] and made(checks, [signature[4:]], f"{text}\n".encode()):
            return size, root
    raise Refused("its log did not sign the checkpoint that comes with it")


class _Verifiers(msgspec.Struct, frozen=True):
    """What an entry says: whose signatures, over what. `hashes` are of what is signed, `payloads` of an envelope's
    payload: one of the two is empty."""

    signatures: tuple[tuple[bytes, bytes], ...]
    """Each with the certificate or key that it is checked by, in DER."""
    hashed: str = ""
    payload: str = ""


def about(entry: LogEntry, claim: Claim, signature: bytes, verifier: Sequence[bytes]) -> None:
    """Whether an entry is about a signature. `verifier`: the certificate or key that made it, in each form in DER that
    an entry may have. Raises Refused."""
    try:
        said = _said(entry)
    except (Unreadable, KeyError, TypeError, IndexError, AttributeError, UnicodeDecodeError) as cause:
        raise Refused("the entry of its log cannot be read") from cause
    signed = claim.signed.hex() if claim.hashed else hashlib.sha256(claim.signed).hexdigest()
    if said.hashed:
        same = said.hashed == signed
    else:
        same = bool(claim.payload) and said.payload == hashlib.sha256(claim.payload).hexdigest()
    if not same:
        raise Refused("the entry of its log is about something else")
    # An entry for an envelope names all of its signatures.
    if len(said.signatures) != (1 if said.hashed else len(claim.signatures)):
        raise Refused("the entry of its log is about other signatures")
    if not any(each in (signature, b"") and by in verifier for each, by in said.signatures):
        raise Refused("the entry of its log is about the signature of somebody else")


def _said(entry: LogEntry) -> _Verifiers:
    """Raises Unreadable, KeyError, TypeError and the like for what has another form than its kind."""
    body: Any = parsed(entry.body, dict[str, Any], "")
    kind, version = body["kind"], body["apiVersion"]
    if (kind, version) != (entry.kind, entry.version) and entry.kind:
        raise Refused("the entry of its log is of another kind than it says")
    spec = body["spec"]
    match kind, version:
        case "hashedrekord", "0.0.1":
            found = spec["signature"]
            return _Verifiers(
                ((decoded(found["content"]), _der(found["publicKey"]["content"])),),
                hashed=_sha256(spec["data"]["hash"]),
            )
        case "hashedrekord", "0.0.2":
            inner = spec["hashedRekordV002"]
            return _Verifiers((_signature_2(inner["signature"]),), hashed=_sha256_2(inner["data"]))
        case "dsse", "0.0.1":
            made_by = tuple((decoded(each["signature"]), _der(each["verifier"])) for each in spec["signatures"])
            return _Verifiers(made_by, payload=_sha256(spec["payloadHash"]))
        case "dsse", "0.0.2":
            inner = spec["dsseV002"]
            return _Verifiers(tuple(map(_signature_2, inner["signatures"])), payload=_sha256_2(inner["payloadHash"]))
        case "intoto", "0.0.1":
            # It has the whole envelope's hash, and no signature of its own.
            return _Verifiers(((b"", _der(spec["publicKey"])),), payload=_sha256(spec["content"]["payloadHash"]))
        case "intoto", "0.0.2":
            signatures = spec["content"]["envelope"]["signatures"]
            made_by = tuple((decoded(decoded(each["sig"]).decode()), _der(each["publicKey"])) for each in signatures)
            return _Verifiers(made_by, payload=_sha256(spec["content"]["payloadHash"]))
    raise Refused(f"the entry of its log is of the kind {str(kind)[:40]} {str(version)[:20]}, which is not known")


def _sha256(written: Any) -> str:
    if written["algorithm"] != "sha256":
        raise Unreadable("another hash")
    return str(written["value"])


def _sha256_2(written: Any) -> str:
    if written["algorithm"] != "SHA2_256":
        raise Unreadable("another hash")
    return decoded(written["digest"]).hex()


def _signature_2(written: Any) -> tuple[bytes, bytes]:
    verifier = written["verifier"]
    return decoded(written["content"]), decoded((verifier.get("x509Certificate") or verifier["publicKey"])["rawBytes"])


def _der(written: str) -> bytes:
    """A certificate or key that an entry has in PEM, in base64 once more."""
    text = decoded(written).decode("ascii")
    if certificates := pem_certificates(text):
        return certificates[0]
    return decoded("".join(line for line in text.splitlines() if not line.startswith("-----")))
