"""Packages of CycloneDX 1.4, 1.5 and 1.6 in JSON (ECMA-424; cyclonedx.org/docs/1.6/json)."""

from collections.abc import Iterator
from typing import Any

import msgspec

from orlop.adapters.inside.documents.bounds import DEPTH, PACKAGES, Refused
from orlop.adapters.inside.documents.purls import package_of
from orlop.domain.inside.claimed import CYCLONEDX
from orlop.domain.inside.layers import Found
from orlop.domain.inside.package import Distribution, Package

VERSIONS = frozenset({"1.4", "1.5", "1.6"})

#: By which properties programs say in which layer a component is: Orlop, trivy, and syft, which has one for each place.
_LAYERS = ("orlop:layer", "aquasecurity:trivy:LayerDigest", "aquasecurity:trivy:LayerDiffID", "syft:location:0:layerID")


class _Component(msgspec.Struct):
    type: str = ""
    name: str = ""
    version: str = ""
    purl: str = ""
    licenses: Any = None
    properties: Any = None
    components: "list[_Component] | None" = None


class _Document(msgspec.Struct, rename="camel"):
    spec_version: str = ""
    components: list[_Component] | None = None


def read(content: bytes | msgspec.Raw) -> Found:
    """What a document says. Raises Refused, msgspec.MsgspecError."""
    document = msgspec.json.decode(content, type=_Document)
    if document.spec_version not in VERSIONS:
        raise Refused(f"it is CycloneDX {document.spec_version[:16]!r}, of which 1.4, 1.5 and 1.6 are read")
    packages: list[Package] = []
    layers: list[str] = []
    distribution: Distribution | None = None
    told: Distribution | None = None
    for component in _all(document.components or [], 0):
        if component.type == "operating-system" and distribution is None and component.name:
            distribution = Distribution(id=component.name.lower()[:64], version=component.version[:64])
        if not component.purl or (made := package_of(component.purl, _licences(component.licenses))) is None:
            continue
        if len(packages) >= PACKAGES:
            raise Refused(f"it lists more than the {PACKAGES} packages that are kept")
        package, of = made
        told = told or of
        packages.append(package)
        layers.append(_layer(component.properties))
    said = tuple(layers) if any(layers) else ()
    return Found(path="", reader=CYCLONEDX, packages=tuple(packages), layers=said, distribution=distribution or told)


def _all(components: list[_Component], depth: int) -> Iterator[_Component]:
    if depth > DEPTH:
        raise Refused(f"its components lie more than {DEPTH} deep in each other")
    for component in components:
        yield component
        if component.components:
            yield from _all(component.components, depth + 1)


def _licences(listed: Any) -> tuple[str, ...]:
    """`[{"license": {"id": …} or {"name": …}}]`, or `[{"expression": …}]`."""
    found: list[str] = []
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict):
            continue
        licence = each.get("license")
        said = licence.get("id") or licence.get("name") if isinstance(licence, dict) else each.get("expression")
        if isinstance(said, str):
            found.append(said)
    return tuple(found)


def _layer(properties: Any) -> str:
    listed = properties if isinstance(properties, list) else ()
    said = {each.get("name"): each.get("value") for each in listed if isinstance(each, dict)}
    return next((text[:160] for name in _LAYERS if isinstance(text := said.get(name), str) and text), "")
