"""Rules for SBOMs: which are attached to images here, and which of those that others attached count."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.roles import ROLES
from orlop.domain.access.subjects import ROBOT_PREFIX, SYSTEM, is_robot_name, is_user_name
from orlop.domain.settings import SettingKind, nobody

#: The annotation of what Orlop attaches: a hash of all that is said of the image.
SAID = "dev.orlop.sbom.said"

#: What a role is written with among accounts.
ROLE_PREFIX = "role:"

Accounts = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=128)], ...], Meta(max_length=64)]


class SbomFormat(StrEnum):
    """Formats of documents that say what an image holds."""

    CYCLONEDX = "cyclonedx"
    SPDX = "spdx"


class AttachedCount(StrEnum):
    """What documents that others attached to an image are worth, the least first."""

    NEVER = "never"
    BESIDE = "beside"
    INSTEAD = "instead"


class SbomRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is attached to images, and what of that which others attached counts. Of several of one place all are
    attached, and the least counts."""

    attach: Annotated[
        tuple[SbomFormat, ...],
        Meta(
            max_length=2,
            description="Formats in which Orlop attaches what it read to each image, as referrers: `cyclonedx` (1.6), "
            "`spdx` (2.3).",
        ),
    ] = ()
    caches: Annotated[
        bool, Meta(description="They are attached to images in caches of upstreams, too, and are cached as those are.")
    ] = False
    attached: Annotated[
        AttachedCount,
        Meta(
            description="What SBOMs that others attached to an image are worth: `never` anything, `beside` what Orlop "
            "read, whose packages are added, or `instead` of it."
        ),
    ] = AttachedCount.NEVER
    pushed_by: Annotated[
        Accounts,
        Meta(
            description="Only what these accounts attached counts, such as `robot+ci`; `role:maintainer` are all that "
            "may do in the repository, as of now, what this built-in role may."
        ),
    ] = ()

    def __post_init__(self) -> None:
        if len(set(self.attach)) < len(self.attach):
            raise ValueError("attach: a format stands twice")
        if self.caches and not self.attach:
            raise ValueError("caches: nothing is attached; say what, as attach")
        for name in self.pushed_by:
            if name.startswith(ROLE_PREFIX):
                if name.removeprefix(ROLE_PREFIX) not in ROLES:
                    raise ValueError(f"pushed_by: {name!r} is no built-in role; there are {', '.join(ROLES)}")
                continue
            known = is_robot_name(name) if name.startswith(ROBOT_PREFIX) else is_user_name(name)
            if not known or name == SYSTEM.name:
                raise ValueError(f"pushed_by: {name!r} is no account, such as ann, robot+ci or role:maintainer")
        if (self.attached is AttachedCount.NEVER) is bool(self.pushed_by):
            raise ValueError(
                "pushed_by: say whose documents count"
                if not self.pushed_by
                else "pushed_by: nobody's documents count while attached is never; set beside or instead"
            )


class SbomsHere(msgspec.Struct, frozen=True):
    """What holds in a repository."""

    attach: frozenset[SbomFormat] = frozenset()
    in_caches: frozenset[SbomFormat] = frozenset()
    """Those of them that are attached where it is a cache of an upstream."""
    counts: AttachedCount = AttachedCount.NEVER
    pushed_by: tuple[frozenset[str], ...] = ()
    """Of each rule whose word counts: accounts, and roles as `role:maintainer`. It has to count by all of them."""

    @property
    def roles(self) -> frozenset[str]:
        """The roles that they name."""
        named = (each for names in self.pushed_by for each in names if each.startswith(ROLE_PREFIX))
        return frozenset(each.removeprefix(ROLE_PREFIX) for each in named)

    def trusts(self, name: str, roles: frozenset[str]) -> bool:
        """Whether the word of an account counts that has these of the roles."""
        if self.counts is AttachedCount.NEVER or not self.pushed_by:
            return False
        known = {name, *(f"{ROLE_PREFIX}{role}" for role in roles)}
        return not any(known.isdisjoint(names) for names in self.pushed_by)


_ORDER = tuple(AttachedCount)


def sboms_by(rules: Iterable[SbomRule]) -> SbomsHere:
    """What these rules say together."""
    listed = tuple(rules)
    if not listed:
        return SbomsHere()
    return SbomsHere(
        frozenset(form for rule in listed for form in rule.attach),
        frozenset(form for rule in listed if rule.caches for form in rule.attach),
        least(rule.attached for rule in listed),
        tuple(frozenset(rule.pushed_by) for rule in listed),
    )


def least(counts: Iterable[AttachedCount]) -> AttachedCount:
    """What the least of them says; `never` where there is none."""
    return min(counts, key=_ORDER.index, default=AttachedCount.NEVER)


#: Rules for SBOMs as settings. Whoever may pull may see whose word on an image counts.
SBOM_RULES = SettingKind(
    kind="sbom-rule",
    plural="sbom-rules",
    text="Rules for SBOMs: which are attached to images, and whose SBOMs of them count.",
    body=SbomRule,
    speaks_for=nobody,
    read=Action.PULL,
)
