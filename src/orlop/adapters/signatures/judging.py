"""Whose signatures they are, signers by signers."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import msgspec

from orlop.adapters.signatures.keyless import Identity, identified, keyed
from orlop.adapters.signatures.keys import Checks, holds, load, ways
from orlop.adapters.signatures.notary import changes_at, cose_claim, known
from orlop.adapters.signatures.refusals import Refused
from orlop.domain.trust.attested import PROVENANCES, lacks, parse_provenance
from orlop.domain.trust.claims import Claim, bundle_claim, envelope_claim, simple_claim
from orlop.domain.trust.material import Unreadable
from orlop.domain.trust.notation import NotationClaim, jws_claim
from orlop.domain.trust.roots import TrustedRoot, parse_root
from orlop.domain.trust.signers import Signers
from orlop.ports.signatures import FoundSignature, JudgedSignature, Maker, NamedSigners, SignatureForm

#: Reasons that are told of one signature, and characters of each and of all.
_REASONS, _REASON_MAX, _PROBLEM_MAX = 3, 300, 600


class _Made(msgspec.Struct, frozen=True):
    """By which of the signers' own, and who that is."""

    party: str
    who: str


class Judge:
    """What is worked out once for all signatures of an image. `now`: in seconds since 1970."""

    def __init__(self, subjects: Sequence[str], signers: Sequence[NamedSigners], now: int) -> None:
        self._subjects = subjects
        self._signers = signers
        self._now = now
        texts = {each.signers.trusted_root for each in signers} - {""}
        self._roots = {text: parse_root(text) for text in texts}
        self._keys = [[load(key) for key in each.signers.keys] for each in signers]

    def judge(self, found: FoundSignature) -> JudgedSignature:
        """One of them."""
        try:
            claim = _claim(found)
        except Unreadable as unreadable:
            return JudgedSignature(problem=str(unreadable))
        names = {claim.subject} if isinstance(claim, NotationClaim) else claim.subjects
        predicate = "" if isinstance(claim, NotationClaim) else claim.predicate
        subject = next((each for each in self._subjects if each in names), None)
        if subject is None:
            named = min(names, default="nothing")[:140]
            return JudgedSignature(predicate=predicate, problem=f"it signs {named}, and not this image")
        makers: list[Maker] = []
        reasons: dict[int, str] = {}
        who = ""
        moments: set[int] = set()
        asked: dict[str, Identity | Refused] = {}
        for place, named_signers in enumerate(self._signers):
            try:
                if isinstance(claim, NotationClaim) and named_signers.signers.subjects:
                    moments.add(changes_at(claim, named_signers.signers, self._now))
                made = self._made(claim, place, asked)
            except Refused as refused:
                reasons[place] = str(refused)
                continue
            reason = _is_demanded(claim, named_signers.signers)
            makers.append(Maker(signers=place, party=made.party, counts=not reason))
            who = who or made.who
            if reason:
                reasons[place] = reason
        return JudgedSignature(
            subject=subject,
            makers=tuple(makers),
            who=who,
            predicate=predicate,
            problem=self._said(reasons),
            refusals={place: reason[:_REASON_MAX] for place, reason in reasons.items()},
            until=min(moments - {0}, default=0),
        )

    def _said(self, reasons: Mapping[int, str]) -> str:
        """The first reasons, for people."""
        first = (f"{self._signers[place].name}: {reason}" for place, reason in islice(reasons.items(), _REASONS))
        return "; ".join(first)[:_PROBLEM_MAX]

    def _made(self, claim: Claim | NotationClaim, place: int, asked: dict[str, Identity | Refused]) -> _Made:
        """Raises Refused."""
        signers = self._signers[place].signers
        if isinstance(claim, NotationClaim):
            if not signers.subjects:
                raise Refused("it is one of Notation, and no subjects of such are set")
            found = known(claim, signers, self._now)
            return _Made(f"subject {found.party}", found.name)
        root = self._roots.get(signers.trusted_root)
        if not claim.material.certificates:
            return self._by_key(claim, place, root)
        if not signers.identities or root is None:
            raise Refused("it is keyless, and no identities of such are set")
        identity = asked.get(signers.trusted_root)
        if identity is None:
            try:
                identity = identified(claim, root)
            except Refused as refused:
                identity = refused
            asked[signers.trusted_root] = identity
        if isinstance(identity, Refused):
            raise identity
        party = signers.vouches(identity.subject, identity.issuer)
        who = f"{identity.subject[:300]} (by {identity.issuer[:200]})"
        if party is None:
            wanted = ", ".join(signers.identities[:3])
            raise Refused(f"it was made by {who}, and not by {wanted} (by {signers.keyless_issuer})")
        return _Made(f"identity {party}", who)

    def _by_key(self, claim: Claim, place: int, root: TrustedRoot | None) -> _Made:
        if not self._signers[place].signers.keys:
            raise Refused("it was made with a key, and no keys are set")
        for number, key in enumerate(self._keys[place]):
            checks = ways(key, hashed=claim.hashed)
            signature = next((each for each in claim.signatures if _any(checks, each, claim.signed)), None)
            if signature is None:
                continue
            if root is not None:
                keyed(claim, root, key, signature)
            return _Made(f"key {number}", f"key {number + 1}")
        raise Refused("it was made with another key")


def _any(checks: Sequence[Checks], signature: bytes, signed: bytes) -> bool:
    return any(holds(check, signature, signed) for check in checks)


def _is_demanded(claim: Claim | NotationClaim, signers: Signers) -> str:
    """Why it is not what signers have to make; empty where it is."""
    wanted = signers.predicate_type
    said = "" if isinstance(claim, NotationClaim) else claim.predicate
    if not wanted:
        return "it is an attestation, and no signature" if said else ""
    if isinstance(claim, NotationClaim) or not said:
        return f"it is a signature, and no attestation of {wanted}"
    if said != wanted and not said.startswith(f"{wanted}/"):
        return f"it is an attestation of {said}, and not of {wanted}"
    if wanted in PROVENANCES:
        return lacks(parse_provenance(claim.payload), signers.builder, signers.source, signers.branch)
    return ""


_CLAIMS: dict[SignatureForm, Callable[[FoundSignature], Claim | NotationClaim]] = {
    SignatureForm.SIMPLE: lambda found: simple_claim(found.content, found.annotations),
    SignatureForm.ENVELOPE: lambda found: envelope_claim(found.content, found.annotations),
    SignatureForm.BUNDLE: lambda found: bundle_claim(found.content),
    SignatureForm.JWS: lambda found: jws_claim(found.content),
    SignatureForm.COSE: lambda found: cose_claim(found.content),
}


def _claim(found: FoundSignature) -> Claim | NotationClaim:
    return _CLAIMS[found.form](found)
