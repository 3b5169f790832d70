"""What is inside an image as SPDX 2.3 JSON (ISO/IEC 5962 is version 2.2.1 of it)."""

import hashlib
from typing import Any

import msgspec

from orlop.domain.inside.claimed import NO_LAYER
from orlop.domain.inside.licences import joined, read_licence
from orlop.domain.inside.package import Distribution, Package
from orlop.ports.insides import HeldPackage
from orlop.services.inside.image import ImageInside
from orlop.services.inside.sbom import TOOL, document_id, fit, image_purl, made_at_second

MEDIA_TYPE = "application/spdx+json"

_DOCUMENT, _IMAGE = "SPDXRef-DOCUMENT", "SPDXRef-Image"
_UNKNOWN = "NOASSERTION"


def spdx(image: ImageInside, made_at: int, version: str) -> bytes:
    """The document, made at a time by a version of Orlop; always the same for the same arguments."""
    extracted: dict[str, str] = {}
    packages = [_image(image)]
    if image.inside.distribution is not None:
        packages.append(_system(image.inside.distribution))
    packages += [_package(number, each, extracted) for number, each in enumerate(image.packages, 1)]
    document: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": f"{image.repository}@{image.digest}",
        "documentNamespace": f"urn:uuid:{document_id(image)}",
        "creationInfo": {"created": made_at_second(made_at), "creators": [f"Tool: {TOOL}-{version}"]},
        "packages": packages,
        "relationships": [
            _relationship(_DOCUMENT, "DESCRIBES", _IMAGE),
            *(_relationship(_IMAGE, "CONTAINS", each["SPDXID"]) for each in packages[1:]),
        ],
    }
    if image.inside.unread:
        document["comment"] = "\n".join(["Not everything could be read:", *(fit(each) for each in image.inside.unread)])
    if extracted:
        document["hasExtractedLicensingInfos"] = [
            {"licenseId": name, "name": text, "extractedText": text} for name, text in extracted.items()
        ]
    return msgspec.json.encode(document)


def _image(image: ImageInside) -> dict[str, Any]:
    return {
        **_described(_IMAGE, image.repository, image.digest, "CONTAINER"),
        "checksums": [{"algorithm": image.digest.algorithm.upper(), "checksumValue": image.digest.hex}],
        "externalRefs": [_purl(image_purl(image))],
    }


def _system(distribution: Distribution) -> dict[str, Any]:
    made = _described("SPDXRef-OperatingSystem", distribution.id, distribution.version, "OPERATING_SYSTEM")
    return {**made, "description": fit(distribution.name)} if distribution.name else made


def _package(number: int, held: HeldPackage, extracted: dict[str, str]) -> dict[str, Any]:
    package = held.package
    name = f"{package.namespace}/{package.name}" if package.namespace else package.name
    where = f" in layer {held.layer}" if held.layer != NO_LAYER else ""
    return {
        **_described(f"SPDXRef-Package-{number}", name, package.version, "LIBRARY"),
        "licenseDeclared": _declared(package, extracted),
        "sourceInfo": fit(f"found by {held.reader}{where}: {held.path}"),
        "externalRefs": [_purl(held.purl)],
    }


def _described(identifier: str, name: str, version: str, purpose: str) -> dict[str, Any]:
    """What is said of every package; most of it is that nothing is asserted."""
    made = {
        "SPDXID": identifier,
        "name": fit(name) or "unknown",
        "versionInfo": fit(version),
        "primaryPackagePurpose": purpose,
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": _UNKNOWN,
        "copyrightText": _UNKNOWN,
    }
    if not version:
        del made["versionInfo"]
    return made


def _declared(package: Package, extracted: dict[str, str]) -> str:
    """The licences as one expression. What is no expression gets a name of its own, and its text stands in the
    document."""
    written: list[str] = []
    for text in dict.fromkeys(package.licences):
        if not text.strip():
            continue
        licence = read_licence(text)
        extracted.update((name, name) for name in licence.own)
        expression = licence.expression
        if not expression:
            hashed = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            expression = f"LicenseRef-{hashed[:16]}"
            extracted[expression] = fit(text)
        written.append(expression)
    return joined(package.type, list(dict.fromkeys(written))) or _UNKNOWN


def _purl(url: str) -> dict[str, str]:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}


def _relationship(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
