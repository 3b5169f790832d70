"""SBOMs as SPDX, read with the library of the format."""

import json
import re
import uuid
from typing import Any

import pytest
from spdx_tools.spdx.model import Document
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from orlop.domain.inside.claimed import NO_LAYER
from orlop.domain.inside.package import Package
from orlop.domain.inside.purl import parse_purl
from orlop.services.inside.questions import ImageInside
from orlop.services.inside.spdx import spdx
from tests.unit.inside.images import DIGEST, MADE_AT, hostile_image, image_of

BASH = Package(type="deb", name="bash", version="5.2.15-2+b2", architecture="amd64", licences=("GPL-3+",))
REACT = Package(type="npm", namespace="@types", name="react", version="18.2.0", licences=("mit",))
SERDE = Package(type="cargo", name="serde", version="1.0.1", licences=("MIT OR Apache-2.0",))


def parsed(image: ImageInside) -> Document:
    """The document as the library of the format reads it; it is valid."""
    document = JsonLikeDictParser().parse(read(image))
    assert [each.validation_message for each in validate_full_spdx_document(document, "SPDX-2.3")] == []
    return document


def read(image: ImageInside) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(spdx(image, MADE_AT, "1.2.3"))
    return found


def test_an_image_is_described() -> None:
    parsed(image_of(BASH))
    document = read(image_of(BASH))
    assert document["name"] == f"team/app@{DIGEST}"
    assert document["documentNamespace"] == f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'pkg:oci/team/app@{DIGEST}')}"
    assert document["creationInfo"] == {"created": "2026-08-01T12:30:45Z", "creators": ["Tool: orlop-1.2.3"]}
    image, system, bash = document["packages"]
    assert (image["name"], image["versionInfo"], image["primaryPackagePurpose"]) == ("team/app", DIGEST, "CONTAINER")
    assert image["checksums"] == [{"algorithm": "SHA256", "checksumValue": "5a" * 32}]
    assert image["externalRefs"][0]["referenceLocator"] == f"pkg:oci/app@{DIGEST}?arch=amd64"
    assert (system["name"], system["versionInfo"], system["primaryPackagePurpose"]) == (
        "debian",
        "12",
        "OPERATING_SYSTEM",
    )
    (extracted,) = document["hasExtractedLicensingInfos"]
    assert (extracted["name"], extracted["extractedText"]) == ("GPL-3+", "GPL-3+")
    assert bash == {
        "SPDXID": "SPDXRef-Package-1",
        "name": "bash",
        "versionInfo": "5.2.15-2+b2",
        "primaryPackagePurpose": "LIBRARY",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": extracted["licenseId"],
        "copyrightText": "NOASSERTION",
        "sourceInfo": "found by dpkg in layer 0: var/lib/dpkg/status",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": "pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12",
            }
        ],
    }
    related = [
        (each["spdxElementId"], each["relationshipType"], each["relatedSpdxElement"])
        for each in document["relationships"]
    ]
    assert related == [
        ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"),
        ("SPDXRef-Image", "CONTAINS", "SPDXRef-OperatingSystem"),
        ("SPDXRef-Image", "CONTAINS", "SPDXRef-Package-1"),
    ]


@pytest.mark.parametrize(
    ("kind", "declared", "written", "texts"),
    [
        ("npm", ("mit",), "MIT", []),
        ("deb", ("MIT", "ISC", "MIT"), "MIT AND ISC", []),
        ("composer", ("MIT", "ISC"), "MIT OR ISC", []),
        ("deb", ("MIT OR ISC", "Zlib"), "(MIT OR ISC) AND Zlib", []),
        ("rpm", ("MIT", "ASL 2.0"), "MIT AND LicenseRef-", ["ASL 2.0"]),
        ("deb", ("LicenseRef-Own OR MIT",), "LicenseRef-Own OR MIT", ["LicenseRef-Own"]),
        ("deb", ("NONE",), "LicenseRef-", ["NONE"]),
        ("deb", ("", " "), "NOASSERTION", []),
        ("deb", (), "NOASSERTION", []),
    ],
)
def test_licences_are_those_declared(kind: str, declared: tuple[str, ...], written: str, texts: list[str]) -> None:
    image = image_of(Package(type=kind, name="a", version="1", licences=declared), distribution=None)
    parsed(image)
    document = read(image)
    found = document["packages"][1]["licenseDeclared"]
    assert re.sub(r"LicenseRef-[0-9a-f]{16}", "LicenseRef-", found) == written
    listed = document.get("hasExtractedLicensingInfos", [])
    assert [each["extractedText"] for each in listed] == texts
    assert all(each["licenseId"] in found for each in listed)


def test_what_could_not_be_read_is_said() -> None:
    document = parsed(image_of(BASH, unread=("layer 2 of 3: it ends early",)))
    assert document.creation_info.document_comment == "Not everything could be read:\nlayer 2 of 3: it ends early"


def test_an_image_without_packages_is_valid() -> None:
    assert len(parsed(image_of(distribution=None)).packages) == 1


def test_nothing_is_lost_by_the_library_of_the_format() -> None:
    image = image_of(BASH, REACT, SERDE, paths=("a", "b"))
    found = [(each.external_references[0].locator, each.version) for each in parsed(image).packages[2:]]
    assert found == [(each.purl, each.package.version) for each in image.packages]


def test_hostile_texts_break_nothing_and_stand_whole_in_package_urls() -> None:
    image = hostile_image()
    document = parsed(image)
    found = [each.external_references[0].locator for each in document.packages[2:]]
    assert found == [each.purl for each in image.packages]
    identifiers = [each.spdx_id for each in document.packages]
    assert len(set(identifiers)) == len(identifiers)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each) for each in identifiers)
    for locator, held in zip(found, image.packages, strict=True):
        if len(locator) <= 4096:
            url = parse_purl(locator)
            assert (url.name, url.version) == (held.package.name, held.package.version)


def test_the_document_is_always_the_same() -> None:
    assert spdx(hostile_image(), MADE_AT, "1") == spdx(hostile_image(), MADE_AT, "1")
    other = read(image_of(BASH, repository="team/other"))
    assert other["documentNamespace"] != read(image_of(BASH))["documentNamespace"]


def test_a_package_of_no_layer_that_is_known_names_none() -> None:
    found = [each for each in read(image_of(BASH, lowest=NO_LAYER))["packages"] if each["name"] == "bash"]
    assert [each["sourceInfo"] for each in found] == ["found by dpkg: var/lib/dpkg/status"]
