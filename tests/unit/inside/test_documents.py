"""SBOMs of others: what their formats say of packages, what surrounds them, and what is meant to break readers."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from orlop.adapters.inside.documents.child import facts
from orlop.adapters.inside.documents.process import ProcessDocumentReader
from orlop.domain.digest import digest_of
from orlop.domain.inside.assembly import ImageClaims, ImagePackages, assemble
from orlop.domain.inside.claimed import NO_LAYER, ClaimedDocument
from orlop.domain.inside.layers import Found, LayerFacts
from orlop.domain.inside.package import Distribution, Package
from orlop.domain.inside.sbom_rules import AttachedCount, SbomFormat, SbomRule, sboms_by

BASH = "pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12"
SSL = "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl%403.0.11-2"
OWN = LayerFacts(
    found=(
        Found(path="etc/os-release", reader="os-release", distribution=Distribution(id="debian", version="12")),
        Found(
            path="var/lib/dpkg/status",
            reader="dpkg",
            packages=(Package(type="deb", name="bash", version="5.2.15-2", architecture="amd64"),),
        ),
    )
)


def cyclonedx(version: str = "1.6", **more: Any) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": version, **more}


def spdx(*packages: dict[str, Any], version: str = "SPDX-2.3", **more: Any) -> dict[str, Any]:
    return {"spdxVersion": version, "packages": list(packages), **more}


def with_purl(purl: str, **more: Any) -> dict[str, Any]:
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
    return {"name": "x", "externalRefs": [reference], **more}


def said(document: object) -> LayerFacts:
    return facts(json.dumps(document).encode())


def packages(document: object) -> tuple[Package, ...]:
    [found] = said(document).found
    return found.packages


@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6"])
def test_cyclonedx(version: str) -> None:
    document = cyclonedx(
        version,
        components=[
            {"type": "operating-system", "name": "debian", "version": "12"},
            {"type": "library", "name": "no purl"},
            {
                "type": "library",
                "name": "libssl3",
                "purl": SSL,
                "licenses": [{"license": {"id": "Apache-2.0"}}, {"license": {"name": "own words"}}],
                "properties": [{"name": "orlop:layer", "value": "1"}],
                "components": [{"type": "library", "name": "b", "purl": "pkg:npm/%40a/b@1.0"}],
            },
        ],
    )
    [found] = said(document).found
    assert found.reader == "cyclonedx"
    assert found.distribution == Distribution(id="debian", version="12")
    assert found.packages == (
        Package(
            type="deb",
            name="libssl3",
            version="3.0.11-1",
            architecture="amd64",
            source="openssl",
            source_version="3.0.11-2",
            licences=("Apache-2.0", "own words"),
        ),
        Package(type="npm", name="b", namespace="@a", version="1.0"),
    )
    assert found.layers == ("1", "")


@pytest.mark.parametrize("version", ["SPDX-2.2", "SPDX-2.3"])
def test_spdx(version: str) -> None:
    own = {"licenseId": "LicenseRef-1", "name": "words", "extractedText": "many words"}
    document = spdx(
        with_purl("pkg:oci/app@sha256:00"),
        with_purl(BASH, licenseDeclared="GPL-3.0-only", sourceInfo="found by dpkg in layer 0: var/lib/dpkg/status"),
        with_purl("pkg:pypi/requests@2.31.0", licenseDeclared="LicenseRef-1"),
        {"name": "no purl"},
        version=version,
        hasExtractedLicensingInfos=[own],
    )
    [found] = said(document).found
    assert [(each.name, each.licences) for each in found.packages] == [
        ("bash", ("GPL-3.0-only",)),
        ("requests", ("words",)),
    ]
    assert (found.reader, found.layers) == ("spdx", ("0", ""))
    assert found.distribution == Distribution(id="debian", version="12")


def test_rpm_says_what_it_was_built_from_by_the_name_of_a_file() -> None:
    url = "pkg:rpm/fedora/bash@5.2-1.fc40?arch=x86_64&epoch=1&upstream=bash-5.2-2.fc40.src.rpm&distro=fedora-40"
    assert packages(cyclonedx(components=[{"purl": url}])) == (
        Package(
            type="rpm", name="bash", version="5.2-1.fc40", epoch=1, architecture="x86_64", source_version="5.2-2.fc40"
        ),
    )


def test_what_surrounds_a_document() -> None:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app", "digest": {"sha256": "00"}}],
        "predicateType": "https://spdx.dev/Document/v2.3",
        "predicate": spdx(with_purl(BASH)),
    }
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    envelope = {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{"sig": ""}]}
    bundle = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope}
    for document in (statement, envelope, bundle):
        found = said(document)
        assert found.about == ("sha256:00",)
        assert [each.name for each in found.found[0].packages] == ["bash"]
    text = {**statement, "predicateType": "https://cyclonedx.org/bom", "predicate": {"Data": json.dumps(cyclonedx())}}
    assert said(text).found == (Found(path="", reader="cyclonedx"),)
    for other in (
        {**statement, "predicateType": "https://slsa.dev/provenance/v1", "predicate": {}},
        {**envelope, "payloadType": "text/plain"},
        {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "messageSignature": {"signature": ""}},
    ):
        assert said(other) == LayerFacts()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no SBOM in JSON"),
        (b"\xff\xfe", "no SBOM in JSON"),
        (b"[]", "no SBOM in JSON"),
        (b"{}", "neither SPDX nor CycloneDX"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "2.0"}', "CycloneDX '2.0'"),
        (b'{"spdxVersion": "SPDX-3.0"}', "'SPDX-3.0'"),
        (b'{"bomFormat": "CycloneDX", "x":' + b"[" * 200_000, "nested too deeply"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": 1}', "no SBOM in JSON"),
        (b'{"payloadType": "application/vnd.in-toto+json", "payload": "%"}', "envelope is no base64"),
        (b'{"predicateType": "https://spdx.dev/Document"}', "no SBOM in JSON"),
        (b'{"predicateType": "https://spdx.dev/Document", "predicate": {}}', "neither SPDX nor CycloneDX"),
        (b'{"predicateType": "https://spdx.dev/Document", "predicate": []}', "no SBOM in JSON"),
    ],
)
def test_what_cannot_be_read_is_said(content: bytes, why: str) -> None:
    found = facts(content)
    assert found.found == ()
    assert why in found.unread


def test_components_are_bounded_in_number_and_depth() -> None:
    many = [{"purl": f"pkg:npm/a{number}@1"} for number in range(30_001)]
    assert "more than the 30000 packages" in said(cyclonedx(components=many)).unread
    assert "more than the 30000 packages" in said(spdx(*(with_purl(each["purl"]) for each in many))).unread
    deep: dict[str, Any] = {"purl": "pkg:npm/a@1"}
    for _ in range(70):
        deep = {"components": [deep]}
    assert "64 deep" in said(cyclonedx(components=[deep])).unread


def test_odd_fields_are_left_out() -> None:
    odd = [
        {"purl": "pkg:npm/a@%zz"},
        {"purl": "no purl"},
        {"purl": "pkg:npm/b@1", "licenses": {"license": 1}, "properties": [1, {"name": 1}]},
        {"purl": "pkg:rpm/x/c@1-1?epoch=many&upstream=odd"},
    ]
    assert [each.name for each in packages(cyclonedx(components=odd))] == ["b", "c"]


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 65_536):
        yield content[at : at + 65_536]


@pytest.mark.slow
async def test_a_process_reads_them() -> None:
    reader = ProcessDocumentReader()
    document = json.dumps(cyclonedx(components=[{"purl": BASH}])).encode()
    assert await reader.facts(_pieces(document)) == facts(document)
    assert "larger than the 64 MiB" in (await reader.facts(_pieces(b" " * (65 * 1024 * 1024)))).unread


# --- What counts --------------------------------------------------------------------------------------------------


def told(*purls: str, instead: bool = False) -> ImagePackages:
    document = said(cyclonedx(components=[{"purl": purl} for purl in purls]))
    claimed = ClaimedDocument(digest_of(b"document"), document)
    return assemble((OWN,), ImageClaims((claimed,), instead))


def test_beside_what_was_read_a_document_adds_what_that_has_not() -> None:
    found = [(layer, reader, each.purl) for layer, reader, each in told(BASH, SSL, SSL).packages]
    assert found == [(NO_LAYER, "cyclonedx", SSL), (0, "dpkg", BASH)]
    [unit] = [unit for unit in told(BASH, SSL).units if unit.reader == "cyclonedx"]
    assert unit.packages[0].path == digest_of(b"document")
    assert {key.ecosystem for key in unit.packages[0].keys} >= {"Debian:12"}


def test_instead_of_what_was_read_it_is_all_that_counts_unless_it_lists_nothing() -> None:
    assert [each.purl for _, _, each in told(SSL, instead=True).packages] == [SSL]
    assert told(instead=True) == assemble((OWN,))


def test_of_several_rules_of_a_place_all_attach_and_the_least_counts() -> None:
    both = sboms_by(
        [
            SbomRule(attach=(SbomFormat.SPDX,), attached=AttachedCount.INSTEAD, pushed_by=("ann", "bob")),
            SbomRule(attach=(SbomFormat.CYCLONEDX,), caches=True, attached=AttachedCount.BESIDE, pushed_by=("bob",)),
        ]
    )
    assert both.attach == {SbomFormat.SPDX, SbomFormat.CYCLONEDX}
    assert both.in_caches == {SbomFormat.CYCLONEDX}
    assert both.counts is AttachedCount.BESIDE
    assert [both.trusts(name, frozenset()) for name in ("ann", "bob", "", "bobby")] == [False, True, False, False]


def test_a_role_stands_for_whoever_has_it_and_every_rule_has_to_trust() -> None:
    roles = SbomRule(attached=AttachedCount.INSTEAD, pushed_by=("robot+ci", "role:maintainer", "role:owner"))
    here = sboms_by([roles, SbomRule(attached=AttachedCount.BESIDE, pushed_by=("ann", "role:owner"))])
    assert here.roles == {"maintainer", "owner"}
    assert here.trusts("ann", frozenset({"maintainer"}))
    assert here.trusts("bob", frozenset({"owner"}))
    assert not here.trusts("bob", frozenset({"maintainer"}))
    assert not here.trusts("robot+ci", frozenset())
    assert not sboms_by([roles, SbomRule(attach=(SbomFormat.SPDX,))]).trusts("robot+ci", frozenset({"owner"}))
    assert not sboms_by([]).trusts("ann", frozenset({"owner"}))


@pytest.mark.parametrize(
    "body",
    [
        {"attached": AttachedCount.BESIDE},
        {"pushed_by": ("ann",)},
        {"attached": AttachedCount.BESIDE, "pushed_by": ("orlop",)},
        {"attached": AttachedCount.BESIDE, "pushed_by": ("robot+",)},
        {"attached": AttachedCount.BESIDE, "pushed_by": ("role:nobody",)},
        {"attach": (SbomFormat.SPDX, SbomFormat.SPDX)},
        {"caches": True},
    ],
)
def test_rules_that_make_no_sense_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"attach|pushed_by|caches"):
        SbomRule(**body)
