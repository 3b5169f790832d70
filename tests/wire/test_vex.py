"""VEX from a push to the answer: what refers to an image clears its findings where a rule trusts who pushed it."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orlop.domain import media_types
from tests.content import EMPTY, Piece, Pushable, config, image
from tests.contract.advisories import advisory
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer
from tests.wire.test_inside import known, layer

pytestmark = pytest.mark.slow

_STATUS = "Package: zlib9\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.2\n\n"
ZLIB = layer("zlib", {"etc/os-release": 'ID=debian\nVERSION_ID="12"\n', "var/lib/dpkg/status": _STATUS})
PURL = "pkg:deb/debian/zlib9@1.2"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(tmp_path_factory.mktemp("vex"), {"open": False, "admin_password": PASSWORD, "workers": 1})
    server.start()
    try:
        made = Managed(server)
        records = [json.loads(advisory("TEST-1", "zlib9", "", aliases=["CVE-2026-1"]))]
        made.ask("POST", "advisories", {"source": "test", "records": records})
        made.put("vex-trusts/security?path=team", {"pushers": ["admin"]})
        yield made
    finally:
        server.kill()


def openvex(image_: Pushable, status: str = "not_affected", at: str = "2026-11-01T00:00:00Z") -> dict[str, Any]:
    """A document as vexctl creates it (github.com/openvex/vexctl, README, "Creating VEX Documents")."""
    digest = image_.digest.partition(":")[2]
    product = {
        "@id": f"pkg:oci/app@sha256%3A{digest}",
        "identifiers": {"purl": f"pkg:oci/app@sha256%3A{digest}"},
        "hashes": {"sha-256": digest},
        "subcomponents": [{"@id": PURL}],
    }
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": f"https://openvex.dev/docs/public/{status}",
        "author": "Security <security@example.org>",
        "timestamp": at,
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "CVE-2026-1"},
                "timestamp": at,
                "products": [product],
                "status": status,
                **({"justification": "vulnerable_code_not_in_execute_path"} if status == "not_affected" else {}),
            }
        ],
    }


def attached(
    subject: Pushable | None, content: object, media_type: str, artifact_type: str = "", **annotations: str
) -> Pushable:
    """A manifest with one layer, as clients attach documents."""
    piece = Piece("document", media_type, json.dumps(content).encode())
    own = EMPTY if artifact_type else config("attestation")
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        **({"artifactType": artifact_type} if artifact_type else {}),
        "config": own.descriptor(),
        "layers": [piece.descriptor(annotations=annotations)],
    }
    if subject is not None:
        document["subject"] = subject.piece.descriptor()
    made = Piece("attached", media_types.OCI_MANIFEST, json.dumps(document).encode())
    return Pushable(made, (own, piece))


def enveloped(subject: Pushable, document: dict[str, Any]) -> dict[str, Any]:
    """An in-toto statement in a DSSE envelope, as `cosign attest --type openvex` signs it."""
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://openvex.dev/ns/v0.2.0",
        "subject": [{"name": "app", "digest": {"sha256": subject.digest.partition(":")[2]}}],
        "predicate": document,
    }
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{"sig": "AA=="}]}


def document(image_: Pushable) -> Pushable:
    """As oras attaches it."""
    return attached(image_, openvex(image_), "application/vnd.openvex+json", "application/vnd.openvex+json")


def attestation_at_a_tag(image_: Pushable) -> Pushable:
    """As cosign 2 attaches it, at the tag `sha256-<hex>.att`."""
    envelope = enveloped(image_, openvex(image_))
    return attached(
        None, envelope, "application/vnd.dsse.envelope.v1+json", predicateType="https://openvex.dev/ns/v0.2.0"
    )


def bundle(image_: Pushable) -> Pushable:
    """As cosign 3 attaches it."""
    media_type = "application/vnd.dev.sigstore.bundle.v0.3+json"
    content = {"mediaType": media_type, "dsseEnvelope": enveloped(image_, openvex(image_))}
    return attached(image_, content, media_type, media_type)


def statement(image_: Pushable) -> Pushable:
    """As Docker Scout attaches it: without an envelope."""
    content = json.loads(base64.b64decode(enveloped(image_, openvex(image_))["payload"]))
    return attached(image_, content, "application/vnd.in-toto+json", "application/vnd.in-toto+json")


def vulns(api: Managed, repository: str, until: Callable[[Any], bool]) -> Any:
    """What is known of the image `1` of a repository, once that is so."""
    for _ in range(300):
        found = api.ask("GET", f"image-vulnerabilities?repository={repository}&reference=1")
        if until(found):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def pushed(api: Managed, repository: str) -> Pushable:
    """An image with one finding."""
    made = image(f"image of {repository}", [ZLIB])
    api.push(repository, made, "1")
    known(api, repository, "1")
    found = vulns(api, repository, lambda found: bool(found["found"]))
    assert (found["counts"], found["cleared"]) == ({"unknown": 1}, 0)
    return made


@pytest.mark.parametrize("made", [document, attestation_at_a_tag, bundle, statement])
def test_an_openvex_not_affected_referrer_suppresses(api: Managed, made: Callable[[Pushable], Pushable]) -> None:
    repository = f"team/{made.__name__}"
    subject = pushed(api, repository)
    referrer = made(subject)
    tag = [f"{subject.digest.replace(':', '-')}.att"] if made is attestation_at_a_tag else []
    # Names of products in these documents end as the repository does not, so digests decide.
    api.push(repository, referrer, *tag)
    found = vulns(api, repository, lambda found: bool(found["cleared"]))
    assert (found["counts"], found["cleared"], found["remarks"]) == ({}, 1, [])
    [one] = found["found"]
    assert one["said"] == {
        "status": "not_affected",
        "why": "vulnerable code not in execute path",
        "said_at": "2026-11-01T00:00:00Z",
        "author": "Security <security@example.org>",
        "document": "https://openvex.dev/docs/public/not_affected",
        "referrer": referrer.digest,
        "pushed_by": "admin",
        "name": "",
        "path": "",
    }
    api.push(
        repository,
        attached(subject, openvex(subject, "affected", "2026-11-02T00:00:00Z"), "text/vex+json", "text/vex+json"),
    )
    found = vulns(api, repository, lambda found: bool(found["counts"]))
    assert found["found"][0]["said"]["status"] == "affected"


def csaf() -> dict[str, Any]:
    """A document of the profile VEX (CSAF 2.0, section 4.5), as publishers of distributions write them."""
    package = {
        "product_id": "zlib9-1.2",
        "name": "zlib9 1.2",
        "product_identification_helper": {"purl": PURL},
    }
    relation = {
        "category": "default_component_of",
        "product_reference": "zlib9-1.2",
        "relates_to_product_reference": "debian-12",
        "full_product_name": {"product_id": "debian-12:zlib9-1.2", "name": "zlib9 1.2 of Debian 12"},
    }
    return {
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "publisher": {"category": "vendor", "name": "Example", "namespace": "https://example.org"},
            "title": "zlib9",
            "tracking": {"id": "EX-2026-1", "current_release_date": "2026-11-01T00:00:00Z", "version": "1"},
        },
        "product_tree": {
            "full_product_names": [{"product_id": "debian-12", "name": "Debian 12"}, package],
            "relationships": [relation],
        },
        "vulnerabilities": [
            {
                "cve": "CVE-2026-1",
                "product_status": {"known_not_affected": ["debian-12:zlib9-1.2"]},
                "flags": [{"label": "component_not_present", "product_ids": ["debian-12:zlib9-1.2"]}],
            }
        ],
    }


def test_a_csaf_document_suppresses(api: Managed) -> None:
    subject = pushed(api, "team/csaf")
    api.push("team/csaf", attached(subject, csaf(), "application/csaf+json", "application/csaf+json"))
    found = vulns(api, "team/csaf", lambda found: bool(found["cleared"]))
    said = found["found"][0]["said"]
    assert (said["status"], said["why"], said["author"], said["document"]) == (
        "not_affected",
        "component not present",
        "Example",
        "EX-2026-1",
    )


def test_what_no_rule_trusts_or_nobody_can_read_is_said_and_clears_nothing(api: Managed) -> None:
    subject = pushed(api, "other/app")
    api.push("other/app", document(subject))
    found = vulns(api, "other/app", lambda found: any("does not count" in each for each in found["remarks"]))
    assert (found["counts"], found["found"][0]["said"]) == ({"unknown": 1}, None)
    broken = attached(subject, {"statements": [{"status": "fine"}]}, "text/vex+json", "text/vex+json")
    api.push("other/app", broken)
    found = vulns(api, "other/app", lambda found: any("could not be read" in each for each in found["remarks"]))
    assert any("has the status 'fine'" in each for each in found["remarks"])
    sbom = attached(
        subject, {"spdxVersion": "SPDX-2.3"}, "application/vnd.in-toto+json", "application/vnd.in-toto+json"
    )
    api.push("other/app", sbom)
    api.put("vex-trusts/security?path=other", {"pushers": ["adm*"], "authors": ["*security@example.org>"]})
    found = vulns(api, "other/app", lambda found: bool(found["cleared"]) and len(found["remarks"]) == 1)
    assert found["counts"] == {}
    where = "vex-trusts/security?path=other"
    api.ask("PUT", where, {"editors": True, "authors": ["*security@example.org>"]}, if_match='"1"')
    assert vulns(api, "other/app", lambda found: True)["cleared"] == 1, "admin may edit rules"


def test_a_deleted_document_clears_nothing_any_more(api: Managed) -> None:
    subject = pushed(api, "team/gone")
    referrer = document(subject)
    api.push("team/gone", referrer)
    vulns(api, "team/gone", lambda found: bool(found["cleared"]))
    api.delete("team/gone", referrer.digest)
    assert vulns(api, "team/gone", lambda found: True)["counts"] == {"unknown": 1}


def test_a_file_of_a_place_clears_and_another_place_does_not(api: Managed) -> None:
    pushed(api, "files/app")
    statements: Sequence[object] = [
        {"ids": ["CVE-2026-1"], "status": "fixed", "products": [{"names": [PURL]}], "why": "patched", "said_at": 5}
    ]
    api.put("vex-documents/ours?path=other", {"statements": statements})
    assert vulns(api, "files/app", lambda found: True)["cleared"] == 0
    api.put("vex-documents/ours?path=files", {"statements": statements, "author": "us"})
    found = vulns(api, "files/app", lambda found: True)
    said = found["found"][0]["said"]
    assert (found["cleared"], said["name"], said["path"], said["why"]) == (1, "ours", "files", "patched")


def test_an_exception_that_ends_soon_is_told_of_once(api: Managed) -> None:
    until = str(datetime.now(UTC).date() + timedelta(days=2))
    body = {"cves": ["CVE-2026-1"], "until": until, "reason": "it has no network"}
    api.put("exceptions/soon?path=ending", body)
    for _ in range(2):
        job = api.ask("POST", "jobs", {"kind": "tell-of-ends"})
        for _ in range(300):
            if api.ask("GET", f"jobs/{job['id']}")["state"] == "done":
                break
            time.sleep(0.1)
    told: list[Any] = []
    for _ in range(300):
        told = api.ask("GET", "audit?kind=exception.expiring")
        if told:
            break
        time.sleep(0.1)
    assert [(entry["repository"], entry["subject"], entry["detail"]) for entry in told] == [
        ("ending", "exception soon", f"{until} is the last day on which it holds")
    ]
