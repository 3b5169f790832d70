"""Whose VEX documents count where, and documents that were given as files: both are settings."""

from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.inside.vex.statements import IDENTIFIER, NAME, VexDocument, VexStatement, refuse_too_much
from orlop.domain.inside.wildcards import matches_words
from orlop.domain.settings import Holds, SettingKind, nobody

Pushers = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...], Meta(max_length=256)]
Authors = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=NAME)], ...], Meta(max_length=256)]
#: Statements of a file.
FILE_STATEMENTS = 2_000


class VexOrigin(msgspec.Struct, frozen=True):
    """What is known of where the document of a referrer is from. What is proven by signatures belongs here, too."""

    pushed_by: str
    by_editor: bool = False
    """Whoever pushed it may edit the rules of the place, as of now."""


class VexTrust(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whose documents count that are attached to images. Of a node that has such rules each is enough, and those of
    nodes above it do not count there."""

    pushers: Annotated[
        Pushers,
        Meta(description="Accounts whose referrers count, such as security or robot+scan-*; `*` is anything."),
    ] = ()
    editors: Annotated[
        bool, Meta(description="Referrers count of all accounts that may edit the rules of the repository, as of now.")
    ] = False
    authors: Annotated[
        Authors,
        Meta(
            description="Only documents that name one of these as their author; `*` is anything. Whoever pushes may "
            "write any name there. Empty: all."
        ),
    ] = ()

    def __post_init__(self) -> None:
        if not (self.pushers or self.editors):
            raise ValueError("the rule would trust nobody: give pushers, or editors")

    def trusts_origin(self, origin: VexOrigin) -> bool:
        """Whether documents from there may count: what others wrote need not be looked at."""
        if self.editors and origin.by_editor:
            return True
        return any(matches_words(text, origin.pushed_by) for text in self.pushers)

    def trusts(self, origin: VexOrigin, document: VexDocument) -> bool:
        """Whether a document counts."""
        named = not self.authors or any(matches_words(text, document.author) for text in self.authors)
        return named and self.trusts_origin(origin)


class VexFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a document says that somebody gave for a place, as statements. Whoever may edit the rules of a place gives
    it; it counts for all images there."""

    document: Annotated[str, Meta(max_length=IDENTIFIER, description="As its author names it.")] = ""
    author: Annotated[str, Meta(max_length=NAME, description="Its author, as it says itself.")] = ""
    statements: Annotated[
        tuple[VexStatement, ...],
        Meta(
            min_length=1,
            max_length=FILE_STATEMENTS,
            description="What it says: ids of the advisory, the status, products by their names, digests and parts, "
            "why, and when that was said in microseconds since 1970. A statement without products is about nothing.",
        ),
    ]

    def __post_init__(self) -> None:
        refuse_too_much(self.statements)


#: Rules of trust as settings.
VEX_TRUSTS = SettingKind(
    kind="vex-trust",
    plural="vex-trusts",
    text="Trust in VEX: whose documents count that are attached to images.",
    body=VexTrust,
    speaks_for=nobody,
    holds=Holds.NEAREST,
    read=Action.PULL,
    most=100,
)

#: Documents as settings. Whoever may pull may see why a finding concerns nobody.
VEX_FILES = SettingKind(
    kind="vex",
    plural="vex-documents",
    text="VEX documents that were given as files: which advisories concern which products.",
    body=VexFile,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
    most=200,
)
