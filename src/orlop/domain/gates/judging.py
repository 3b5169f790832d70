"""What a gate says of an image: nothing, or why it is held back and what can be done."""

from collections.abc import Mapping
from enum import IntEnum

import msgspec

from orlop.domain.durations import span
from orlop.domain.gates.conditions import ImageFacts, wrong_with
from orlop.domain.gates.gate import RATED, Gate, GateMode

#: Characters of an expression that are told.
_EXPRESSION = 200


class Standing(IntEnum):
    """How far an image is known; the worst last."""

    KNOWN = 0
    UNREAD = 1
    """It cannot be read, and never will be as things are."""
    WAITING = 2


class FoundThing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong with an image, and that nothing clears. `changed_at`: when its advisory was last
    changed, in microseconds since 1970; 0: nobody knows."""

    id: str
    package: str
    installed: str
    fixed: tuple[str, ...]
    severity: str
    exploited: bool
    changed_at: int = 0


class LicenceThing(msgspec.Struct, frozen=True):
    """A package whose licence a rule finds wrong, and why, as half a sentence."""

    package: str
    version: str
    why: str


class UnsignedThing(msgspec.Struct, frozen=True):
    """Signers who have not signed an image, and why what there is does not count, as a sentence without its end."""

    signers: str
    why: str


class JudgedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one image. `why` it cannot be read; `said`: what it says of itself, None where nobody asked: of
    the images of an index that is asked of each of them."""

    standing: Standing = Standing.KNOWN
    why: str = ""
    found: tuple[FoundThing, ...] = ()
    licences: tuple[LicenceThing, ...] = ()
    has_sbom: bool = False
    unsigned: tuple[UnsignedThing, ...] = ()
    said: ImageFacts | None = None
    expressed: Mapping[str, str] = {}
    """By expression why the image does not meet it; empty: it does."""


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """Why a gate holds an image back. `why` and `remedy` are half sentences; `until`: when it may be another answer
    though nothing changes, in microseconds since 1970; `waiting`: it is not known yet."""

    gate: str
    path: str
    mode: GateMode
    why: str
    remedy: str
    waiting: bool = False

    def sentence(self, image: str) -> str:
        """As clients are told, of an image by the name that it has below the place."""
        place = self.path or "the registry"
        verb = "refuses" if self.mode is GateMode.ENFORCE else "warns of"
        return f"gate {self.gate} on {place} {verb} {image}: {self.why}; {self.remedy}"


def objection(gate: Gate, name: str, path: str, facts: JudgedFacts, now: int) -> Objection | None:
    """What a gate has against an image; None: nothing."""
    if gate.mode is GateMode.OFF:
        return None
    if gate.needs_read and facts.standing is Standing.WAITING:
        return _objection(gate, name, path, "it is being scanned", "try again in a moment", waiting=True)
    if gate.needs_read and facts.standing is Standing.UNREAD and not gate.unread:
        remedy = "push it in a form that can be read, or ask whoever keeps the gate"
        return _objection(gate, name, path, f"it cannot be read: {facts.why or 'nobody knows why'}", remedy)
    found = _findings(gate, facts, now)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return _objection(gate, name, path, f"{_words(found[0])}{more}", _mending(found))
    if gate.deny_licences and facts.licences:
        first, others = facts.licences[0], len(facts.licences) - 1
        more = f" (and {others} more)" if others else ""
        why = f"the licence of {first.package} {first.version} {first.why}{more}"
        return _objection(gate, name, path, why, "take another package, or ask for an exception")
    if gate.require_sbom and not facts.has_sbom:
        return _objection(gate, name, path, "it has no SBOM", "attach one to it, as oras attach and cosign attest do")
    if unsigned := next((one for one in facts.unsigned if one.signers in gate.signed_by), None):
        why = f"it is not signed by {unsigned.signers}: {unsigned.why}"
        return _objection(gate, name, path, why, f"have it signed by {unsigned.signers}")
    wrong = wrong_with(gate, facts.said, now) if facts.said is not None else ""
    if wrong:
        return _objection(gate, name, path, wrong, "build it anew")
    if gate.expression and facts.said is not None:
        against = facts.expressed.get(gate.expression, "was not asked")
        if against:
            why = f"{_short(gate.expression)} {against}"
            return _objection(gate, name, path, why, "build it so that this is true, or ask whoever keeps the gate")
    return None


def changes_at(gate: Gate, facts: JudgedFacts, now: int) -> int:
    """When time alone may change what a gate says, in microseconds since 1970; 0: never."""
    ends = []
    if gate.older_than:
        ends += [one.changed_at + span(gate.older_than) for one in facts.found if one.changed_at]
    if gate.created_within and facts.said is not None and facts.said.created_at:
        ends.append(facts.said.created_at + span(gate.created_within))
    return min((at for at in ends if at > now), default=0)


def _objection(gate: Gate, name: str, path: str, why: str, remedy: str, *, waiting: bool = False) -> Objection:
    return Objection(gate=name, path=path, mode=gate.mode, why=why, remedy=remedy, waiting=waiting)


def _short(expression: str) -> str:
    words = " ".join(expression.split())
    return words if len(words) <= _EXPRESSION else f"{words[:_EXPRESSION]}…"


def _findings(gate: Gate, facts: JudgedFacts, now: int) -> list[FoundThing]:
    """Those that it does not let pass, the worst first."""
    if not gate.needs_findings:
        return []
    denied = RATED[: RATED.index(gate.deny_severity) + 1] if gate.deny_severity else ()
    before = now - span(gate.older_than) if gate.older_than else 0
    return [
        one
        for one in facts.found
        if (one.severity in denied or (gate.exploited and one.exploited))
        and (one.fixed or not gate.fixable)
        and (not before or one.changed_at <= before)
    ]


def _words(one: FoundThing) -> str:
    rated = "is known to be exploited" if one.exploited else f"is {one.severity}"
    rated = f"is {one.severity} and known to be exploited" if one.exploited and one.severity in RATED else rated
    fixed = f" and fixed in {one.fixed[0]}" if one.fixed else ""
    return f"{one.id} in {one.package} {one.installed} {rated}{fixed}"


def _mending(found: list[FoundThing]) -> str:
    first = found[0]
    if first.fixed:
        return f"build it anew with {first.package} {first.fixed[0]}, or ask for an exception"
    return "ask for an exception, or take what it is in out of the image"
