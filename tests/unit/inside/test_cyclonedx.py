"""SBOMs as CycloneDX, read with the library of the format."""

import json
import uuid
from typing import Any

import msgspec
import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from orlop.domain.inside.claimed import NO_LAYER
from orlop.domain.inside.package import Package
from orlop.domain.inside.purl import parse_purl
from orlop.services.inside.cyclonedx import cyclonedx
from orlop.services.inside.questions import ImageInside
from tests.unit.inside.images import DIGEST, MADE_AT, hostile_image, image_of

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
BASH = Package(type="deb", name="bash", version="5.2.15-2+b2", architecture="amd64", licences=("GPL-3+",))
REACT = Package(type="npm", namespace="@types", name="react", version="18.2.0", licences=("mit",))
SERDE = Package(type="cargo", name="serde", version="1.0.1", licences=("MIT OR Apache-2.0",))


def read(image: ImageInside) -> dict[str, Any]:
    """The document, which is valid."""
    written = cyclonedx(image, MADE_AT, "1.2.3")
    assert VALIDATOR.validate_str(written.decode()) is None
    found: dict[str, Any] = json.loads(written)
    return found


def test_an_image_is_described() -> None:
    document = read(image_of(BASH))
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    expected = uuid.uuid5(uuid.NAMESPACE_URL, f"pkg:oci/team/app@{DIGEST}")
    assert document["serialNumber"] == f"urn:uuid:{expected}"
    assert document["metadata"] == {
        "timestamp": "2026-08-01T12:30:45Z",
        "tools": {"components": [{"type": "application", "name": "orlop", "version": "1.2.3"}]},
        "component": {
            "type": "container",
            "bom-ref": f"pkg:oci/app@{DIGEST}?arch=amd64",
            "name": "team/app",
            "version": DIGEST,
            "purl": f"pkg:oci/app@{DIGEST}?arch=amd64",
        },
        "properties": [],
    }
    assert document["components"] == [
        {
            "type": "operating-system",
            "bom-ref": "os:debian",
            "name": "debian",
            "version": "12",
            "description": "Debian GNU/Linux 12 (bookworm)",
        },
        {
            "type": "library",
            "bom-ref": "pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12",
            "name": "bash",
            "version": "5.2.15-2+b2",
            "licenses": [{"license": {"name": "GPL-3+", "acknowledgement": "declared"}}],
            "purl": "pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12",
            "properties": [
                {"name": "orlop:layer", "value": "0"},
                {"name": "orlop:path", "value": "var/lib/dpkg/status"},
                {"name": "orlop:reader", "value": "dpkg"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("kind", "declared", "written"),
    [
        ("npm", ("mit",), [{"license": {"id": "MIT"}}]),
        ("deb", ("MIT", "ISC"), [{"license": {"id": "MIT"}}, {"license": {"id": "ISC"}}]),
        ("deb", ("GPL-2+", "ISC"), [{"license": {"name": "GPL-2+"}}, {"license": {"id": "ISC"}}]),
        ("cargo", ("MIT OR Apache-2.0",), [{"expression": "MIT OR Apache-2.0"}]),
        ("deb", ("MIT OR ISC", "Zlib"), [{"expression": "(MIT OR ISC) AND Zlib"}]),
        ("composer", ("MIT AND ISC", "Zlib"), [{"expression": "(MIT AND ISC) OR Zlib"}]),
        ("deb", ("MIT OR ISC", "Own"), [{"license": {"name": "MIT OR ISC"}}, {"license": {"name": "Own"}}]),
        ("deb", ("LicenseRef-Own",), [{"expression": "LicenseRef-Own"}]),
        ("deb", ("MIT", "MIT", ""), [{"license": {"id": "MIT"}}]),
        ("deb", (), None),
    ],
)
def test_licences_are_those_declared(kind: str, declared: tuple[str, ...], written: list[Any] | None) -> None:
    package = Package(type=kind, name="a", version="1", licences=declared)
    (component,) = read(image_of(package, distribution=None))["components"]
    found = component.get("licenses")
    for each in found or ():
        assert each.get("license", each).pop("acknowledgement") == "declared"
    assert found == written


def test_the_same_package_in_two_places_is_two_components() -> None:
    document = read(image_of(REACT, paths=("a/package.json", "b/package.json"), distribution=None))
    refs = [each["bom-ref"] for each in document["components"]]
    assert refs == ["pkg:npm/%40types/react@18.2.0", "pkg:npm/%40types/react@18.2.0#2"]
    assert [each["properties"][1]["value"] for each in document["components"]] == ["a/package.json", "b/package.json"]


def test_what_could_not_be_read_is_said() -> None:
    document = read(image_of(BASH, unread=("layer 2 of 3: it ends early",)))
    assert document["metadata"]["properties"] == [
        {"name": "orlop:unread", "value": "layer 2 of 3: it ends early"},
    ]
    subject = document["metadata"]["component"]["bom-ref"]
    assert document["compositions"] == [{"aggregate": "incomplete", "assemblies": [subject]}]


def test_an_image_without_packages_is_valid() -> None:
    assert read(image_of(distribution=None))["components"] == []


def test_nothing_is_lost_by_the_library_of_the_format() -> None:
    image = image_of(BASH, REACT, SERDE)
    bom = Bom.from_json(json.loads(cyclonedx(image, MADE_AT, "1")))  # type: ignore[attr-defined]
    found = {(str(each.purl), each.group, each.name, each.version) for each in bom.components if each.purl}
    assert found == {
        (each.purl, each.package.namespace or None, each.package.name, each.package.version) for each in image.packages
    }


def test_hostile_texts_break_nothing_and_stand_whole_in_package_urls() -> None:
    image = hostile_image()
    document = read(image)
    components = document["components"][1:]
    assert [each["purl"] for each in components] == [each.purl for each in image.packages]
    assert len({each["bom-ref"] for each in components}) == len(image.packages)
    for component, held in zip(components, image.packages, strict=True):
        assert all(each.isprintable() or each == "\u202e" for each in component["name"])
        if len(held.purl) <= 4096:
            url = parse_purl(component["purl"])
            assert (url.name, url.version) == (held.package.name, held.package.version)


def test_the_document_is_always_the_same() -> None:
    image = hostile_image()
    copied = msgspec.structs.replace(image, packages=tuple(image.packages))
    assert cyclonedx(image, MADE_AT, "1") == cyclonedx(copied, MADE_AT, "1")
    other = image_of(BASH, repository="team/other")
    assert read(other)["serialNumber"] != read(image_of(BASH))["serialNumber"]


def test_a_package_of_no_layer_that_is_known_names_none() -> None:
    (component,) = read(image_of(BASH, distribution=None, lowest=NO_LAYER))["components"]
    assert [each["name"] for each in component["properties"]] == ["orlop:path", "orlop:reader"]
