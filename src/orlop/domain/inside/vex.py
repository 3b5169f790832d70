"""Documents that say whether an advisory concerns a product (VEX): OpenVEX and CSAF, as statements.

Somebody else wrote them. They are read leniently where a field is not needed, and refused where what they say would not
be clear: a statement that is misread hides what somebody would have to mend.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from orlop.domain.errors import RequestInvalid

#: Media types of documents, as artifact types and as types of layers.
OPENVEX_TYPES = frozenset({"application/openvex+json", "text/vex+json", "application/vnd.openvex+json"})
CSAF_TYPES = frozenset({"application/csaf+json", "application/vnd.csaf+json"})
#: How the type of an in-toto predicate begins whose predicate is an OpenVEX document.
OPENVEX_PREDICATE = "https://openvex.dev/ns"

#: Of one document.
BYTES, STATEMENTS, PRODUCTS, DEPTH = 4 * 1024 * 1024, 20_000, 50_000, 32


class VexStatus(StrEnum):
    """What a statement says of an advisory and a product (OpenVEX 0.2.0, "Status Labels")."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


#: After these a finding concerns nobody any more.
CLEARING = frozenset({VexStatus.NOT_AFFECTED, VexStatus.FIXED})


class VexProduct(msgspec.Struct, frozen=True):
    """A product that a statement is about."""

    names: frozenset[str]
    """Its identifiers: package URLs and whatever else was given, any of which names it."""
    hashes: frozenset[str] = frozenset()
    """Digests of it, as `sha256:…`."""
    parts: tuple[frozenset[str], ...] = ()
    """Components of it that the statement is about, each by its identifiers; none: the product as a whole."""


class VexStatement(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says of an advisory and some products."""

    ids: frozenset[str]
    """The advisory, by all the names that the document gives it."""
    status: VexStatus
    products: tuple[VexProduct, ...] = ()
    """Empty: whatever the document is attached to."""
    why: str = ""
    """The justification, or what else is said of the status, for people."""
    author: str = ""
    said_at: str = ""
    """As the document writes it (RFC 3339); of several about the same the last counts."""


def parse_vex(content: bytes) -> tuple[VexStatement, ...]:
    """The statements of an OpenVEX or CSAF document, or of an in-toto statement around an OpenVEX document, the last
    said last. Raises RequestInvalid."""
    if len(content) > BYTES:
        raise RequestInvalid(f"the VEX document has more than {BYTES >> 20} MiB")
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestInvalid(f"the VEX document is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise RequestInvalid("the VEX document is no JSON object")
    if str(document.get("predicateType", "")).startswith(OPENVEX_PREDICATE):
        document = _mapping(document, "predicate")
    if "statements" in document:
        found = tuple(_openvex(document))
    elif isinstance(document.get("document"), dict):
        found = tuple(_csaf(document))
    else:
        raise RequestInvalid("the document is neither OpenVEX (it has no statements) nor CSAF (it has no document)")
    if len(found) > STATEMENTS:
        raise RequestInvalid(f"the VEX document has more than {STATEMENTS} statements")
    return tuple(sorted(found, key=lambda statement: statement.said_at))


# --- OpenVEX (github.com/openvex/spec, OPENVEX-SPEC.md 0.2.0) ---------------------------------------------------------


def _openvex(document: Mapping[str, Any]) -> Iterator[VexStatement]:
    author, said_at = _text(document, "author"), _text(document, "last_updated") or _text(document, "timestamp")
    for number, each in enumerate(_list(document, "statements")):
        if not isinstance(each, dict):
            raise RequestInvalid(f"statement {number + 1} of the VEX document is no object")
        why = "; ".join(
            text
            for text in (
                _text(each, "justification").replace("_", " "),
                _text(each, "impact_statement"),
                _text(each, "status_notes"),
            )
            if text
        )
        status = _status(_text(each, "status"), number)
        if status is VexStatus.NOT_AFFECTED and not why:
            raise RequestInvalid(
                f"statement {number + 1} of the VEX document says not_affected and not why: it needs a justification or"
                " an impact_statement"
            )
        yield VexStatement(
            ids=_openvex_ids(each, number),
            status=status,
            products=tuple(_openvex_product(product) for product in _list(each, "products")),
            why=why[:1_000],
            author=author,
            said_at=_text(each, "last_updated") or _text(each, "timestamp") or said_at,
        )


def _openvex_ids(statement: Mapping[str, Any], number: int) -> frozenset[str]:
    found = statement.get("vulnerability")
    names = [found] if isinstance(found, str) else []
    if isinstance(found, dict):
        names = [_text(found, "name"), *(alias for alias in _list(found, "aliases") if isinstance(alias, str))]
        names.append(_text(found, "@id").rpartition("/")[2])
    ids = frozenset(name for name in names if name)
    if not ids:
        raise RequestInvalid(f"statement {number + 1} of the VEX document names no vulnerability")
    return ids


def _openvex_product(product: Any) -> VexProduct:
    if isinstance(product, str):  # as before 0.2.0
        return VexProduct(frozenset({product}))
    if not isinstance(product, dict):
        raise RequestInvalid("a product of the VEX document is neither a text nor an object")
    return VexProduct(
        _openvex_names(product),
        _hashes(product.get("hashes")),
        tuple(_openvex_names(part) for part in _list(product, "subcomponents")),
    )


def _openvex_names(component: Any) -> frozenset[str]:
    if isinstance(component, str):
        return frozenset({component})
    if not isinstance(component, dict):
        raise RequestInvalid("a component of the VEX document is neither a text nor an object")
    identifiers = component.get("identifiers")
    named = [each for each in identifiers.values() if isinstance(each, str)] if isinstance(identifiers, dict) else []
    return frozenset(name for name in (_text(component, "@id"), *named) if name)


def _hashes(hashes: Any) -> frozenset[str]:
    """`{"sha-256": "…"}` as digests."""
    if not isinstance(hashes, dict):
        return frozenset()
    return frozenset(
        f"{str(name).lower().replace('-', '')}:{value.lower()}"
        for name, value in hashes.items()
        if isinstance(value, str)
    )


def _status(text: str, number: int) -> VexStatus:
    try:
        return VexStatus(text)
    except ValueError as error:
        known = ", ".join(VexStatus)
        raise RequestInvalid(
            f"statement {number + 1} of the VEX document has the status {text[:40]!r}; there are {known}"
        ) from error


# --- CSAF 2.0 (docs.oasis-open.org/csaf, profile 5 "VEX") -------------------------------------------------------------

_CSAF_STATUS = {
    "known_not_affected": VexStatus.NOT_AFFECTED,
    "known_affected": VexStatus.AFFECTED,
    "first_affected": VexStatus.AFFECTED,
    "last_affected": VexStatus.AFFECTED,
    "fixed": VexStatus.FIXED,
    "first_fixed": VexStatus.FIXED,
    "under_investigation": VexStatus.UNDER_INVESTIGATION,
}


def _csaf(document: Mapping[str, Any]) -> Iterator[VexStatement]:
    head = _mapping(document, "document")
    author = _text(_mapping(head, "publisher"), "name")
    said_at = _text(_mapping(head, "tracking"), "current_release_date")
    products = _csaf_products(_mapping(document, "product_tree"))
    for each in _list(document, "vulnerabilities"):
        if not isinstance(each, dict):
            raise RequestInvalid("a vulnerability of the CSAF document is no object")
        ids = frozenset(
            name
            for name in (
                _text(each, "cve"),
                *(_text(one, "text") for one in _list(each, "ids") if isinstance(one, dict)),
            )
            if name
        )
        if not ids:
            raise RequestInvalid("a vulnerability of the CSAF document has neither a CVE nor another id")
        reasons = _csaf_reasons(each)
        for name, named in _mapping(each, "product_status").items():
            status = _CSAF_STATUS.get(str(name))
            if status is None or not isinstance(named, list):  # `recommended` is advice
                continue
            for product in named:
                if str(product) not in products:
                    raise RequestInvalid(f"the CSAF document has no product {str(product)[:100]!r} that it speaks of")
                yield VexStatement(
                    ids=ids,
                    status=status,
                    products=(products[str(product)],),
                    why=reasons.get(str(product), "")[:1_000],
                    author=author,
                    said_at=said_at,
                )


def _csaf_reasons(vulnerability: Mapping[str, Any]) -> dict[str, str]:
    """By product why it has its status: flags, and threats of the category `impact`."""
    found: dict[str, str] = {}
    for flag in _list(vulnerability, "flags"):
        for product in _list(flag, "product_ids"):
            found[str(product)] = _text(flag, "label").replace("_", " ")
    for threat in _list(vulnerability, "threats"):
        if _text(threat, "category") == "impact":
            for product in _list(threat, "product_ids"):
                before = found.get(str(product), "")
                found[str(product)] = "; ".join(text for text in (before, _text(threat, "details")) if text)
    return found


def _csaf_products(tree: Mapping[str, Any]) -> dict[str, VexProduct]:
    found: dict[str, VexProduct] = {}
    waiting: list[tuple[Any, int]] = [(branch, 1) for branch in _list(tree, "branches")]
    named = list(_list(tree, "full_product_names"))
    while waiting:
        branch, depth = waiting.pop()
        if depth > DEPTH or len(waiting) + len(named) > PRODUCTS:
            raise RequestInvalid(f"the products of the CSAF document are nested more than {DEPTH} deep, or too many")
        if not isinstance(branch, dict):
            raise RequestInvalid("a branch of the CSAF document is no object")
        if "product" in branch:
            named.append(branch["product"])
        waiting += [(each, depth + 1) for each in _list(branch, "branches")]
    for product in named:
        found[_text(product, "product_id")] = _csaf_product(product)
    for relation in _list(tree, "relationships"):
        whole, part = _text(relation, "relates_to_product_reference"), _text(relation, "product_reference")
        if whole in found and part in found:
            of = found[whole]
            joined = VexProduct(of.names, of.hashes, (found[part].names,))
            found[_text(_mapping(relation, "full_product_name"), "product_id")] = joined
    return found


def _csaf_product(product: Any) -> VexProduct:
    helper = _mapping(product, "product_identification_helper")
    names = frozenset(name for name in (_text(product, "name"), _text(helper, "purl"), _text(helper, "cpe")) if name)
    hashes = frozenset(
        f"{_text(value, 'algorithm').lower().replace('-', '')}:{_text(value, 'value').lower()}"
        for file in _list(helper, "hashes")
        for value in _list(file, "file_hashes")
    )
    return VexProduct(names, hashes)


# --- Fields of documents of strangers ---------------------------------------------------------------------------------


def _text(found: Any, name: str) -> str:
    value = found.get(name, "") if isinstance(found, dict) else ""
    return value if isinstance(value, str) else ""


def _list(found: Any, name: str) -> Sequence[Any]:
    value = found.get(name, []) if isinstance(found, dict) else []
    return value if isinstance(value, list) else []


def _mapping(found: Any, name: str) -> Mapping[str, Any]:
    value = found.get(name, {}) if isinstance(found, dict) else {}
    return value if isinstance(value, dict) else {}
