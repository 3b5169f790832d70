"""What is inside an image as CycloneDX 1.6 JSON (ECMA-424)."""

from collections import Counter
from typing import Any

import msgspec

from orlop.domain.inside.claimed import NO_LAYER
from orlop.domain.inside.licences import joined, read_licence
from orlop.domain.inside.package import Distribution, Package
from orlop.ports.insides import HeldPackage
from orlop.services.inside.image import ImageInside
from orlop.services.inside.sbom import TOOL, document_id, fit, image_purl, made_at_second

MEDIA_TYPE = "application/vnd.cyclonedx+json; version=1.6"

_VERSION = 1024


def cyclonedx(image: ImageInside, made_at: int, version: str) -> bytes:
    """The document, made at a time by a version of Orlop; always the same for the same arguments."""
    subject = image_purl(image)
    refs: Counter[str] = Counter([subject])
    system = image.inside.distribution
    components = [_system(system, refs)] if system is not None else []
    components += [_component(each, refs) for each in image.packages]
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{document_id(image)}",
        "version": 1,
        "metadata": {
            "timestamp": made_at_second(made_at),
            "tools": {"components": [{"type": "application", "name": TOOL, "version": version}]},
            "component": {
                "type": "container",
                "bom-ref": subject,
                "name": str(image.repository),
                "version": str(image.digest),
                "purl": subject,
            },
            "properties": [_property("unread", each) for each in image.inside.unread],
        },
        "components": components,
    }
    if image.inside.unread:
        document["compositions"] = [{"aggregate": "incomplete", "assemblies": [subject]}]
    return msgspec.json.encode(document)


def _system(distribution: Distribution, refs: "Counter[str]") -> dict[str, Any]:
    """What the packages of a distribution belong to."""
    made = {
        "type": "operating-system",
        "bom-ref": _ref(f"os:{distribution.id}", refs),
        "name": fit(distribution.id) or "unknown",
        "version": _version(distribution.version),
        "description": fit(distribution.name),
    }
    return {key: value for key, value in made.items() if value}


def _component(held: HeldPackage, refs: "Counter[str]") -> dict[str, Any]:
    package = held.package
    made: dict[str, Any] = {"type": "library", "bom-ref": _ref(held.purl, refs)}
    if package.namespace:
        made["group"] = fit(package.namespace)
    made["name"] = fit(package.name) or "unknown"
    if package.version:
        made["version"] = _version(package.version)
    if licences := _licences(package):
        made["licenses"] = licences
    made["purl"] = held.purl
    made["properties"] = [
        *([_property("layer", str(held.layer))] if held.layer != NO_LAYER else []),
        _property("path", held.path),
        _property("reader", held.reader),
    ]
    return made


def _licences(package: Package) -> list[dict[str, Any]]:
    """A list of licences, or one expression: the format has no list with expressions in it."""
    read = [read_licence(each) for each in dict.fromkeys(package.licences) if each.strip()]
    if any(each.expression and not each.is_listed for each in read) and all(each.expression for each in read):
        text = joined(package.type, [each.expression for each in read])
        return [{"expression": text, "acknowledgement": "declared"}]
    return [
        {
            "license": {
                **({"id": each.expression} if each.is_listed else {"name": fit(each.declared)}),
                "acknowledgement": "declared",
            }
        }
        for each in read
    ]


def _version(text: str) -> str:
    """The schema has 1,024 characters for it; the package URL has all of it."""
    return fit(text if len(text) <= _VERSION else f"{text[: _VERSION - 1]}…")


def _ref(name: str, refs: "Counter[str]") -> str:
    """A name that no other component of the document has: the same package may lie in several places."""
    refs[name] += 1
    return f"{name}#{refs[name]}" if refs[name] > 1 else name


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"orlop:{name}", "value": fit(value)}
