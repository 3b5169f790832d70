"""OpenVEX documents as statements (github.com/openvex/spec, OPENVEX-SPEC.md 0.2.0)."""

from collections.abc import Iterator, Mapping
from typing import Any

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.osv import moment
from orlop.domain.inside.vex.fields import listed, names_of, text
from orlop.domain.inside.vex.statements import WHY, VexProduct, VexStatement, VexStatus


def openvex(document: Mapping[str, Any]) -> Iterator[VexStatement]:
    """Its statements. What a statement does not say of itself the document says. Raises RequestInvalid."""
    said_at = text(document, "last_updated") or text(document, "timestamp")
    for number, each in enumerate(listed(document, "statements")):
        if not isinstance(each, dict):
            raise RequestInvalid(f"statement {number + 1} of the VEX document is no object")
        said = (
            text(each, "justification").replace("_", " "),
            text(each, "impact_statement"),
            text(each, "status_notes"),
        )
        why = "; ".join(part for part in said if part)
        status = _status(text(each, "status"), number)
        if status is VexStatus.NOT_AFFECTED and not why:
            raise RequestInvalid(
                f"statement {number + 1} of the VEX document says not_affected and not why: it needs a justification or"
                " an impact_statement"
            )
        yield VexStatement(
            ids=_ids(each, number),
            status=status,
            products=tuple(_product(product) for product in listed(each, "products")),
            why=why[:WHY],
            said_at=moment(text(each, "last_updated") or text(each, "timestamp") or said_at),
        )


def _ids(statement: Mapping[str, Any], number: int) -> tuple[str, ...]:
    found = statement.get("vulnerability")
    names = [found] if isinstance(found, str) else []  # as before 0.2.0
    if isinstance(found, dict):
        names = [text(found, "name"), *(alias for alias in listed(found, "aliases") if isinstance(alias, str))]
        names.append(text(found, "@id").rpartition("/")[2])
    ids = tuple(dict.fromkeys(name[:128] for name in names if name))[:100]
    if not ids:
        raise RequestInvalid(f"statement {number + 1} of the VEX document names no vulnerability")
    return ids


def _product(product: Any) -> VexProduct:
    if isinstance(product, str):  # as before 0.2.0
        return VexProduct(names_of(product))
    if not isinstance(product, dict):
        raise RequestInvalid("a product of the VEX document is neither a text nor an object")
    parts = tuple(_names(part) for part in listed(product, "subcomponents"))
    return VexProduct(_names(product), _hashes(product.get("hashes")), parts)


def _names(component: Any) -> tuple[str, ...]:
    if isinstance(component, str):
        return names_of(component)
    if not isinstance(component, dict):
        raise RequestInvalid("a component of the VEX document is neither a text nor an object")
    identifiers = component.get("identifiers")
    named = [each for each in identifiers.values() if isinstance(each, str)] if isinstance(identifiers, dict) else []
    return names_of(text(component, "@id"), *named)


def _hashes(hashes: Any) -> tuple[str, ...]:
    """`{"sha-256": "…"}` as digests."""
    if not isinstance(hashes, dict):
        return ()
    return names_of(
        *(
            f"{name.lower().replace('-', '')}:{value.lower()}"
            for name, value in hashes.items()
            if isinstance(value, str)
        )
    )


def _status(said: str, number: int) -> VexStatus:
    try:
        return VexStatus(said)
    except ValueError as error:
        known = ", ".join(VexStatus)
        raise RequestInvalid(
            f"statement {number + 1} of the VEX document has the status {said[:40]!r}; there are {known}"
        ) from error
