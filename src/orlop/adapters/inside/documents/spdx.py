"""Packages of SPDX 2.2 and 2.3 in JSON (spdx.github.io/spdx-spec/v2.3, ISO/IEC 5962)."""

import re
from typing import Any

import msgspec

from orlop.adapters.inside.documents.bounds import PACKAGES, Refused
from orlop.adapters.inside.documents.purls import package_of
from orlop.domain.inside.claimed import SPDX
from orlop.domain.inside.layers import Found
from orlop.domain.inside.package import Distribution, Package

VERSIONS = frozenset({"SPDX-2.2", "SPDX-2.3"})

_NOTHING = frozenset({"", "NOASSERTION", "NONE"})
#: How Orlop's own documents say in which layer a package is.
_IN_LAYER = re.compile(r"found by [a-z0-9.-]+ in layer ([0-9]{1,4}): ", re.ASCII)


class _Reference(msgspec.Struct, rename="camel"):
    reference_type: str = ""
    reference_locator: str = ""


class _Package(msgspec.Struct, rename="camel"):
    name: str = ""
    version_info: str = ""
    license_declared: str = ""
    source_info: str = ""
    primary_package_purpose: str = ""
    external_refs: list[_Reference] | None = None


class _Document(msgspec.Struct, rename="camel"):
    spdx_version: str = ""
    packages: list[_Package] | None = None
    has_extracted_licensing_infos: Any = None


def read(content: bytes | msgspec.Raw) -> Found:
    """What a document says. Raises Refused, msgspec.MsgspecError."""
    document = msgspec.json.decode(content, type=_Document)
    if document.spdx_version not in VERSIONS:
        raise Refused(f"it is {document.spdx_version[:16]!r}, of which SPDX-2.2 and SPDX-2.3 are read")
    own = _own_licences(document.has_extracted_licensing_infos)
    packages: list[Package] = []
    layers: list[str] = []
    distribution: Distribution | None = None
    told: Distribution | None = None
    for each in document.packages or []:
        if each.primary_package_purpose == "OPERATING_SYSTEM" and distribution is None and each.name:
            distribution = Distribution(id=each.name.lower()[:64], version=each.version_info[:64])
        declared = each.license_declared
        licences = () if declared in _NOTHING else (own.get(declared, declared),)
        for reference in each.external_refs or []:
            if (
                reference.reference_type != "purl"
                or (made := package_of(reference.reference_locator, licences)) is None
            ):
                continue
            if len(packages) >= PACKAGES:
                raise Refused(f"it lists more than the {PACKAGES} packages that are kept")
            package, of = made
            if package.type == "oci":  # the image itself
                continue
            told = told or of
            packages.append(package)
            layer = _IN_LAYER.match(each.source_info)
            layers.append(layer[1] if layer is not None else "")
            break
    said = tuple(layers) if any(layers) else ()
    return Found(path="", reader=SPDX, packages=tuple(packages), layers=said, distribution=distribution or told)


def _own_licences(listed: Any) -> dict[str, str]:
    """What licences that are of no list are called, by the names that the document gives them."""
    found: dict[str, str] = {}
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(name := each.get("licenseId"), str):
            said = each.get("name") or each.get("extractedText")
            if isinstance(said, str) and said not in _NOTHING:
                found[name] = said
    return found
