"""VEX documents: what they say, in the words of OpenVEX and of CSAF."""

import base64
import json
import re
from typing import Any

import pytest

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.osv import moment
from orlop.domain.inside.vex.parsing import parse_vex
from orlop.domain.inside.vex.statements import STATEMENTS, VexProduct, VexStatus

IMAGE = "pkg:oci/app@sha256%3A0123?repository_url=registry.example/team/app"
OPENSSL = "pkg:deb/debian/openssl@3.0.11-1"


def openvex(*statements: dict[str, Any], **head: Any) -> bytes:
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.org/vex/1",
        "author": "security@example.org",
        "timestamp": "2026-11-01T00:00:00Z",
        "version": 1,
        "statements": list(statements),
        **head,
    }
    return json.dumps(document).encode()


NOT_AFFECTED = {
    "vulnerability": {"@id": "https://nvd.example/vuln/CVE-2026-1", "name": "CVE-2026-1", "aliases": ["GHSA-a-b-c"]},
    "products": [{"@id": IMAGE, "hashes": {"sha-256": "0123AB"}, "subcomponents": [{"@id": OPENSSL}]}],
    "status": "not_affected",
    "justification": "vulnerable_code_not_in_execute_path",
    "impact_statement": "TLS is done elsewhere",
}


def test_what_openvex_says() -> None:
    document = parse_vex(openvex(NOT_AFFECTED))
    assert (document.id, document.author) == ("https://example.org/vex/1", "security@example.org")
    [statement] = document.statements
    assert statement.ids == ("CVE-2026-1", "GHSA-a-b-c")
    assert statement.status is VexStatus.NOT_AFFECTED
    assert statement.why == "vulnerable code not in execute path; TLS is done elsewhere"
    assert statement.said_at == moment("2026-11-01T00:00:00Z")
    assert statement.products == (VexProduct((IMAGE,), ("sha256:0123ab",), ((OPENSSL,),)),)


def test_the_form_before_0_2_0() -> None:
    [statement] = parse_vex(openvex({"vulnerability": "CVE-2026-1", "products": [IMAGE], "status": "fixed"})).statements
    assert statement.ids == ("CVE-2026-1",)
    assert statement.products == (VexProduct((IMAGE,)),)


def test_within_an_attestation() -> None:
    around = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://openvex.dev/ns/v0.2.0",
        "subject": [{"name": "app", "digest": {"sha256": "01"}}],
        "predicate": json.loads(openvex(NOT_AFFECTED)),
    }
    bare = json.dumps(around).encode()
    envelope = {"payloadType": "application/vnd.in-toto+json", "payload": base64.b64encode(bare).decode()}
    bundle = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope}
    for each in (bare, json.dumps(envelope).encode(), json.dumps(bundle).encode()):
        document = parse_vex(each)
        assert document.about == ("sha256:01",)
        [statement] = document.statements
        assert statement.ids == ("CVE-2026-1", "GHSA-a-b-c")


def csaf(**status: list[str]) -> bytes:
    document = {
        "document": {
            "category": "csaf_vex",
            "publisher": {"name": "Example Linux"},
            "tracking": {"current_release_date": "2026-11-01T00:00:00Z"},
        },
        "product_tree": {
            "branches": [
                {
                    "category": "vendor",
                    "branches": [
                        {"product": {"product_id": "linux-9", "name": "Example Linux 9"}},
                        {
                            "product": {
                                "product_id": "openssl",
                                "name": "openssl",
                                "product_identification_helper": {"purl": "pkg:rpm/example/openssl@3.0.7-1.el9"},
                            }
                        },
                    ],
                }
            ],
            "relationships": [
                {
                    "category": "default_component_of",
                    "product_reference": "openssl",
                    "relates_to_product_reference": "linux-9",
                    "full_product_name": {"product_id": "linux-9:openssl", "name": "openssl of Example Linux 9"},
                }
            ],
        },
        "vulnerabilities": [
            {
                "cve": "CVE-2026-1",
                "ids": [{"system_name": "Bugs", "text": "BUG-7"}],
                "product_status": status,
                "flags": [{"label": "component_not_present", "product_ids": ["linux-9:openssl"]}],
                "threats": [{"category": "impact", "details": "Not built in", "product_ids": ["linux-9:openssl"]}],
            }
        ],
    }
    return json.dumps(document).encode()


def test_what_csaf_says() -> None:
    document = parse_vex(csaf(known_not_affected=["linux-9:openssl"], fixed=["openssl"], recommended=["openssl"]))
    fixed, cleared = sorted(
        document.statements,
        key=lambda each: each.status,
    )
    assert fixed.status is VexStatus.FIXED
    assert fixed.products == (VexProduct(("openssl", "pkg:rpm/example/openssl@3.0.7-1.el9")),)
    assert cleared.status is VexStatus.NOT_AFFECTED
    assert cleared.ids == ("CVE-2026-1", "BUG-7")
    assert cleared.why == "component not present; Not built in"
    assert document.author == "Example Linux"
    [product] = cleared.products
    assert product.names == ("Example Linux 9",)
    assert product.parts == (("openssl", "pkg:rpm/example/openssl@3.0.7-1.el9"),)


def deep(depth: int) -> dict[str, Any]:
    branch: dict[str, Any] = {"category": "x"}
    for _ in range(depth):
        branch = {"branches": [branch]}
    return branch


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "is no JSON object"),
        (b"{}", "neither OpenVEX"),
        (b"\xff{}", "is no JSON"),
        (b" " * (5 << 20), "more than 4 MiB"),
        (b'{"predicateType": "https://slsa.dev/provenance/v1"}', "the attestation is no VEX document"),
        (b'{"payloadType": "text/plain", "payload": ""}', "the envelope holds no VEX document"),
        (b'{"payloadType": "application/vnd.in-toto+json", "payload": "%"}', "is no base64"),
        (openvex({"vulnerability": "CVE-1-1", "status": "fixed", "timestamp": "soon"}), "is no time of RFC 3339"),
        (openvex({"status": "fixed"}), "statement 1 of the VEX document names no vulnerability"),
        (openvex({"vulnerability": "CVE-1-1", "status": "harmless"}), "has the status 'harmless'"),
        (openvex({"vulnerability": "CVE-1-1", "status": "not_affected"}), "says not_affected and not why"),
        (openvex({"vulnerability": "CVE-1-1", "status": "fixed", "products": [7]}), "neither a text nor an object"),
        (openvex(*[{"vulnerability": "CVE-1-1", "status": "fixed"}] * (STATEMENTS + 1)), "more than 20000 statements"),
        (csaf(fixed=["nothing"]), "has no product 'nothing'"),
        (json.dumps({"document": {}, "product_tree": {"branches": [deep(40)]}}).encode(), "more than 32 deep"),
    ],
)
def test_what_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(RequestInvalid, match=re.escape(sentence)):
        parse_vex(content)


@pytest.mark.parametrize(
    "document",
    [
        {"statements": 7},
        {"statements": [], "author": {"x": 1}},
        {"document": {"publisher": [], "tracking": "x"}, "vulnerabilities": {"cve": 1}},
        {"document": {}, "product_tree": [], "vulnerabilities": []},
        {"predicateType": "https://openvex.dev/ns", "predicate": {"statements": []}},
    ],
)
def test_fields_of_other_types_say_nothing(document: dict[str, Any]) -> None:
    assert parse_vex(json.dumps(document).encode()).statements == ()
