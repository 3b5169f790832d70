"""Gates as settings: conditions that images of a place have to meet, and when they are looked at."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.patterns import is_pattern
from orlop.domain.durations import span
from orlop.domain.gates.expressions import EXPRESSION_MAX, is_about_findings
from orlop.domain.inside.severity import SEVERITIES
from orlop.domain.settings import Holds, SettingKind, is_name, nobody
from orlop.domain.sizes import size_of
from orlop.domain.trust.signers import SIGNERS

Patterns = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=512)], ...], Meta(max_length=64)]

#: Severities that a gate may name.
RATED = SEVERITIES[:4]
#: The key of a label, and perhaps a value, which may have `*` for anything.
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}(?:=.{0,256})?", re.ASCII)


class GateAt(StrEnum):
    """When a gate is looked at."""

    PULL = "pull"
    PUSH = "push"
    PROMOTION = "promotion"


class GateMode(StrEnum):
    """What comes of an image that does not meet it."""

    OFF = "off"
    WARN = "warn"
    ENFORCE = "enforce"


class Gate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What images have to be like. Every condition that is set has to be met."""

    on: Annotated[
        tuple[GateAt, ...],
        Meta(
            min_length=1,
            max_length=3,
            description="When it is looked at: pull, push, promotion. At a push only what an image says of itself is "
            "known.",
        ),
    ] = (GateAt.PULL,)
    mode: Annotated[
        GateMode,
        Meta(description="off; warn: the image is given, with a warning; enforce: it is refused."),
    ] = GateMode.WARN
    deny_severity: Annotated[
        str, Meta(max_length=16, description="Findings as bad as this or worse: critical, high, medium or low.")
    ] = ""
    fixable: Annotated[bool, Meta(description="Of findings only those that a version mends.")] = False
    exploited: Annotated[
        bool, Meta(description="Findings that are known to be exploited, however bad they are rated.")
    ] = False
    older_than: Annotated[
        str,
        Meta(max_length=8, description="Of findings only those whose advisory was last changed so long ago, as 14d."),
    ] = ""
    deny_licences: Annotated[
        bool, Meta(description="Packages with a licence with which a licence-rule of the place finds something wrong.")
    ] = False
    require_sbom: Annotated[
        bool,
        Meta(description="The image, or the index that it is listed by, has an SBOM or an attestation of one."),
    ] = False
    signed_by: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=63)], ...],
        Meta(
            max_length=16,
            description="Signers, as they are called where the image is, who all have to have signed it, or the index "
            "that lists it; or attested it, where they attest.",
        ),
    ] = ()
    no_root: Annotated[bool, Meta(description="The image runs as a user other than root.")] = False
    labels: Annotated[
        Patterns,
        Meta(description="Labels that the image has to have: a key, or key=value, in which * is anything."),
    ] = ()
    platforms: Annotated[Patterns, Meta(description="Platforms it may be for, such as linux/amd64 or linux/*.")] = ()
    bases: Annotated[
        Patterns, Meta(description="Images that it may say it was built on, such as registry.example/base/*.")
    ] = ()
    registries: Annotated[
        Patterns, Meta(description="Hosts that it may come from through a cache; what was pushed here comes from none.")
    ] = ()
    largest: Annotated[str, Meta(max_length=16, description="The size of its layers together, as 2GiB.")] = ""
    created_within: Annotated[
        str, Meta(max_length=8, description="It was built so long ago at most, by its own word, as 90d.")
    ] = ""
    expression: Annotated[
        str,
        Meta(
            max_length=EXPRESSION_MAX,
            description="In CEL, what has to be true of the image, as image.user == 'app' && counts.critical == 0; "
            "gates.md says what it is given.",
        ),
    ] = ""
    wait: Annotated[
        int,
        Meta(ge=0, le=60, description="For how many seconds a pull waits until the image is read, if it was not yet."),
    ] = 10
    unread: Annotated[
        bool, Meta(description="Let pass what cannot be read; without it that is held back, as nobody knows it.")
    ] = False

    def __post_init__(self) -> None:
        if self.deny_severity and self.deny_severity not in RATED:
            raise ValueError(f"deny_severity: {self.deny_severity!r} is no severity: {', '.join(RATED)}")
        if (self.fixable or self.older_than) and not (self.deny_severity or self.exploited):
            raise ValueError("fixable and older_than narrow findings: name deny_severity or exploited as well")
        for text in self.labels:
            if not _LABEL.fullmatch(text):
                raise ValueError(f"labels: {text!r} is no label: write a key, or key=value")
        for name in self.signed_by:
            if not is_name(name):
                raise ValueError(f"signed_by: {name!r} is no name of signers")
        for field in ("platforms", "bases", "registries"):
            for text in getattr(self, field):
                if not is_pattern(text):
                    raise ValueError(f"{field}: {text!r} is no pattern")
        for text in (self.older_than, self.created_within):
            if text:
                span(text)
        if self.largest:
            size_of(self.largest)
        if not (self.needs_read or self.require_sbom or self.signed_by or self.needs_config):
            raise ValueError("the gate would let everything pass: name a condition, such as deny_severity")

        if GateAt.PUSH in self.on and (self.needs_read or self.require_sbom or self.signed_by):
            raise ValueError(
                "on: findings, licences, SBOMs and signatures are known only after a push; look at these on pull, and "
                "give what an image says of itself (labels, platforms, bases, size, age, no_root, expressions of that) "
                "a gate of its own"
            )

    @property
    def needs_findings(self) -> bool:
        """Whether it is about findings."""
        return bool(self.deny_severity or self.exploited)

    @property
    def needs_read(self) -> bool:
        """Whether the image has to be read for it."""
        return self.needs_findings or self.deny_licences or is_about_findings(self.expression)

    @property
    def needs_config(self) -> bool:
        """Whether it is about what the image says of itself."""
        return bool(
            self.no_root
            or self.labels
            or self.platforms
            or self.bases
            or self.registries
            or self.largest
            or self.created_within
            or self.expression
        )


def _mentioned(gate: Gate) -> Mapping[str, Sequence[str]]:
    return {SIGNERS.kind: gate.signed_by}


#: Gates as settings. Whoever may pull may see what images have to be like.
GATES = SettingKind(
    kind="gate",
    plural="gates",
    text="Gates: what images have to be like to be pulled from a place, or pushed or promoted to it.",
    body=Gate,
    speaks_for=nobody,
    mentions=_mentioned,
    holds=Holds.ALL,
    read=Action.PULL,
    most=50,
)
