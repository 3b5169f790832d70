"""What a VEX document says, as values; and the form in which it is kept."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.errors import RequestInvalid

#: Of one document: bytes, statements, products of all statements together, and how deep products are nested.
BYTES, STATEMENTS, PRODUCTS, DEPTH = 4 * 1024 * 1024, 20_000, 50_000, 32
#: Characters of a reason, of an author's or document's name, and of an identifier.
WHY, NAME, IDENTIFIER = 1_000, 300, 2_048


class VexStatus(StrEnum):
    """What a statement says of an advisory and a product (OpenVEX 0.2.0, "Status Labels")."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


#: After these a finding concerns nobody any more.
CLEARING = frozenset({VexStatus.NOT_AFFECTED, VexStatus.FIXED})

Identifier = Annotated[str, Meta(min_length=1, max_length=IDENTIFIER)]


class VexProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A product that a statement is about."""

    names: tuple[Identifier, ...]
    """Its identifiers: package URLs and whatever else was given, any of which names it."""
    hashes: tuple[Identifier, ...] = ()
    """Digests of it, as `sha256:…`."""
    parts: tuple[tuple[Identifier, ...], ...] = ()
    """Components of it that the statement is about, each by its identifiers; none: the product as a whole."""


class VexStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What somebody says of an advisory and some products."""

    ids: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=128)], ...], Meta(min_length=1, max_length=100)]
    """The advisory, by all the names that the document gives it."""
    status: VexStatus
    products: tuple[VexProduct, ...] = ()
    """Empty: whatever the document is attached to."""
    why: Annotated[str, Meta(max_length=WHY)] = ""
    """The justification, and what else is said of the status, for people."""
    said_at: Annotated[int, Meta(ge=0)] = 0
    """In microseconds since 1970; of several about the same the last counts. 0: nobody knows."""


class VexDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was read of one document."""

    id: Annotated[str, Meta(max_length=IDENTIFIER)] = ""
    """As its author names it."""
    author: Annotated[str, Meta(max_length=NAME)] = ""
    """As it says itself: no proof."""
    statements: tuple[VexStatement, ...] = ()
    about: tuple[str, ...] = ()
    """Digests that the attestation around it is about (in-toto, `subject`)."""


def refuse_too_much(statements: tuple[VexStatement, ...]) -> None:
    """Raises RequestInvalid for more than one document may say."""
    if len(statements) > STATEMENTS:
        raise RequestInvalid(f"the VEX document has more than {STATEMENTS} statements")
    if sum(1 + len(product.parts) for each in statements for product in each.products) > PRODUCTS:
        raise RequestInvalid(f"the VEX document speaks of more than {PRODUCTS} products")
