"""CSAF 2.0 documents as statements (docs.oasis-open.org/csaf, profile 5 "VEX")."""

from collections.abc import Iterator, Mapping
from typing import Any

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.osv import moment
from orlop.domain.inside.vex.fields import listed, mapping, names_of, text
from orlop.domain.inside.vex.statements import DEPTH, PRODUCTS, WHY, VexProduct, VexStatement, VexStatus

#: Section 3.2.3.9, "Product Status"; `recommended` is advice.
_STATUS = {
    "known_not_affected": VexStatus.NOT_AFFECTED,
    "known_affected": VexStatus.AFFECTED,
    "first_affected": VexStatus.AFFECTED,
    "last_affected": VexStatus.AFFECTED,
    "fixed": VexStatus.FIXED,
    "first_fixed": VexStatus.FIXED,
    "under_investigation": VexStatus.UNDER_INVESTIGATION,
}


def csaf(document: Mapping[str, Any]) -> Iterator[VexStatement]:
    """Its statements, one for each status of an advisory and reason. Raises RequestInvalid."""
    said_at = moment(text(mapping(mapping(document, "document"), "tracking"), "current_release_date"))
    products = _products(mapping(document, "product_tree"))
    for each in listed(document, "vulnerabilities"):
        if not isinstance(each, dict):
            raise RequestInvalid("a vulnerability of the CSAF document is no object")
        ids = names_of(text(each, "cve"), *(text(one, "text") for one in listed(each, "ids")))
        if not ids:
            raise RequestInvalid("a vulnerability of the CSAF document has neither a CVE nor another id")
        reasons = _reasons(each)
        for name, named in mapping(each, "product_status").items():
            status = _STATUS.get(name)
            if status is None or not isinstance(named, list):
                continue
            by_reason: dict[str, list[VexProduct]] = {}
            for product in named:
                if not isinstance(product, str) or product not in products:
                    raise RequestInvalid(f"the CSAF document has no product {str(product)[:100]!r} that it speaks of")
                by_reason.setdefault(reasons.get(product, "")[:WHY], []).append(products[product])
            for why, those in by_reason.items():
                yield VexStatement(ids=ids, status=status, products=tuple(those), why=why, said_at=said_at)


def _reasons(vulnerability: Mapping[str, Any]) -> dict[str, str]:
    """By product why it has its status: flags, and threats of the category `impact`."""
    found: dict[str, str] = {}
    for flag in listed(vulnerability, "flags"):
        for product in listed(flag, "product_ids"):
            found[str(product)] = text(flag, "label").replace("_", " ")
    for threat in listed(vulnerability, "threats"):
        if text(threat, "category") == "impact":
            for product in listed(threat, "product_ids"):
                said = (found.get(str(product), ""), text(threat, "details")[:WHY])
                found[str(product)] = "; ".join(part for part in said if part)
    return found


def _products(tree: Mapping[str, Any]) -> dict[str, VexProduct]:
    waiting: list[tuple[Any, int]] = [(branch, 1) for branch in listed(tree, "branches")]
    named = list(listed(tree, "full_product_names"))
    while waiting:
        branch, depth = waiting.pop()
        if depth > DEPTH or len(waiting) + len(named) > PRODUCTS:
            raise RequestInvalid(f"the products of the CSAF document are nested more than {DEPTH} deep, or too many")
        if not isinstance(branch, dict):
            raise RequestInvalid("a branch of the CSAF document is no object")
        if "product" in branch:
            named.append(branch["product"])
        waiting += [(each, depth + 1) for each in listed(branch, "branches")]
    found = {text(product, "product_id"): _product(product) for product in named}
    for relation in listed(tree, "relationships"):
        whole, part = text(relation, "relates_to_product_reference"), text(relation, "product_reference")
        if whole in found and part in found:
            of = found[whole]
            joined = VexProduct(of.names, of.hashes, (found[part].names,))
            found[text(mapping(relation, "full_product_name"), "product_id")] = joined
    return found


def _product(product: Any) -> VexProduct:
    known = mapping(product, "product_identification_helper")
    hashes = names_of(
        *(
            f"{text(value, 'algorithm').lower().replace('-', '')}:{text(value, 'value').lower()}"
            for file in listed(known, "hashes")
            for value in listed(file, "file_hashes")
        )
    )
    return VexProduct(names_of(text(product, "name"), text(known, "purl"), text(known, "cpe")), hashes)
