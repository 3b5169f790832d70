"""The process that looks at signatures of one image: `python -m orlop.adapters.signatures.child`.

What it is asked comes on standard input as MessagePack, and its answer goes to standard output. Whoever starts it kills
it when it takes too long.
"""

import sys

import msgspec

from orlop.adapters.confined import confine
from orlop.adapters.signatures.keys import checks_of, made
from orlop.domain.trust.claims import Claim, Unreadable, bundle_claim, envelope_claim, simple_claim
from orlop.ports.signatures import FoundSignature, JudgedSignature, SignatureForm

#: Bytes of address space, and seconds of a processor.
MEMORY, SECONDS = 512 * 1024 * 1024, 10
_FILES = 32


class Question(msgspec.Struct, frozen=True):
    """What it is asked: which of the keys made which of the signatures, of an image by its digest."""

    subject: str
    found: tuple[FoundSignature, ...]
    keys: tuple[str, ...]


def judge(asked: Question) -> list[JudgedSignature]:
    """See SignatureVerifier.judge."""
    keys = [checks_of(key) for key in asked.keys]
    judged: list[JudgedSignature] = []
    for found in asked.found:
        try:
            claim = _claim(found)
        except Unreadable as unreadable:
            judged.append(JudgedSignature(problem=str(unreadable)))
            continue
        makers = tuple(place for place, checks in enumerate(keys) if made(checks, claim.signatures, claim.signed))
        judged.append(_judged(asked.subject, claim, makers))
    return judged


def _claim(found: FoundSignature) -> Claim:
    match found.form:
        case SignatureForm.SIMPLE:
            return simple_claim(found.content, found.signature)
        case SignatureForm.ENVELOPE:
            return envelope_claim(found.content)
        case SignatureForm.BUNDLE:
            return bundle_claim(found.content)


def _judged(subject: str, claim: Claim, makers: tuple[int, ...]) -> JudgedSignature:
    if subject not in claim.subjects:
        named = ", ".join(sorted(claim.subjects)[:1]) or "nothing"
        return JudgedSignature(predicate=claim.predicate, problem=f"it signs {named}, and not this image")
    problem = "" if makers else "it was made by none of the keys that are trusted here"
    return JudgedSignature(keys=makers, predicate=claim.predicate, problem=problem)


if __name__ == "__main__":
    confine(MEMORY, SECONDS, _FILES)
    sys.stdout.buffer.write(
        msgspec.msgpack.encode(judge(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Question)))
    )
