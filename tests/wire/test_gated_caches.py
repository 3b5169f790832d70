"""Gates at a cache of another registry and at a virtual repository before it: each way to an image is gated alike, the
first pull too."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from orlop.ports.by import By
from tests.content import index
from tests.contract.advisories import advisory, batch
from tests.wire.shown import APP, Scene, scene
from tests.wire.test_gates import ENFORCED, holding
from tests.wire.test_signed_gates import OURS, STRANGE, signature

pytestmark = pytest.mark.slow

BAD, GOOD = holding("openssl9", "3.0.11"), holding("openssl9", "3.0.15")
#: The cache, and what shows it.
WAYS = ("hub/app", "all/app")


@pytest.fixture(name="shown")
def _shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with scene(tmp_path / "data", monkeypatch) as made:
        made.show()
        made.set("virtual", "all", "all", {"members": ["hub/"]})
        yield made


def said(shown: Scene, repository: str, reference: str) -> str:
    """What a pull is refused with; empty where it is not."""
    answer = shown.manifest(reference, repository=repository)
    assert answer.status in {200, 403}, answer
    return "" if answer.status == 200 else str(json.loads(answer.body)["errors"][0]["message"])


def test_findings_hold_back_by_tag_by_digest_and_in_an_index_from_the_first_pull_on(shown: Scene) -> None:
    record = json.loads(advisory("TEST-1", "openssl9", "3.0.15", aliases=["CVE-2026-1234"]))
    record["database_specific"] = {"severity": "CRITICAL"}
    advisories = shown.registry.stores.catalog.advisories.advisories
    shown.registry.run(advisories.store("test", batch(json.dumps(record).encode())))
    both = index("both", [BAD, GOOD])
    shown.upstream.push(APP, both, "all")
    shown.upstream.push(APP, BAD, "bad")
    shown.upstream.push(APP, GOOD, "good")
    shown.set("gate", "no-critical", "hub", {**ENFORCED, "wait": 20})
    # Nobody ever saw it here, and it is not given before it is read.
    first = said(shown, "all/app", "bad")
    assert first.startswith("gate no-critical on hub refuses app:bad: CVE-2026-1234 in openssl9 3.0.11 is critical")
    for way in WAYS:
        for reference in ("bad", str(BAD.digest), "all", str(both.digest)):
            assert "CVE-2026-1234" in said(shown, way, reference), (way, reference)
            assert shown.manifest(reference, repository=way, method="HEAD").status == 200
        for reference in ("good", str(GOOD.digest)):
            assert said(shown, way, reference) == "", (way, reference)


def test_signatures_that_came_into_the_cache_open_it_and_those_of_strangers_do_not(shown: Scene) -> None:
    pem = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    shown.set("signers", "release-team", "hub", {"keys": [pem]})
    shown.set("gate", "signed", "hub", {"signed_by": ["release-team"], "mode": "enforce"})
    for what, tag in ((BAD, "strange"), (GOOD, "ours")):
        shown.upstream.push(APP, what, tag)
    for way, reference in ((WAYS[0], "ours"), (WAYS[1], str(GOOD.digest))):
        assert "nobody signed it" in said(shown, way, reference), "the signature did not come here yet"
    for what, key in ((BAD, STRANGE), (GOOD, OURS)):  # as who verifies it does
        made = signature(what.digest, key)
        shown.upstream.push(APP, made, tag := f"sha256-{what.digest.hex}.sig")
        shown.pull(made, tag, repository="hub/app")
    for way in WAYS:
        for reference in ("strange", str(BAD.digest)):
            why = said(shown, way, reference)
            assert "gate signed on hub refuses app" in why, (way, reference)
            assert "deploy sha256-" not in why, "that tag is of a signature"
        for reference in ("ours", str(GOOD.digest)):
            assert said(shown, way, reference) == "", (way, reference)


def test_gates_of_a_virtual_and_of_what_it_shows_both_hold(shown: Scene) -> None:
    shown.upstream.push(APP, GOOD, "good")
    for way in WAYS:
        assert said(shown, way, "good") == ""
    owned = {"labels": ["owner"], "mode": "enforce"}
    shown.set("gate", "owned", "all", owned)
    for reference in ("good", str(GOOD.digest)):
        assert said(shown, "hub/app", reference) == "", "what is asked there concerns no virtual"
        assert said(shown, "all/app", reference).startswith("gate owned on all refuses app")
        assert shown.manifest(reference, repository="all/app", method="HEAD").status == 200
    shown.set("gate", "theirs", "hub", owned)
    for way in WAYS:
        assert said(shown, way, "good") == "gate theirs on hub refuses app:good: it has no label owner; build it anew"
    shown.set("gate", "theirs", "hub", {**owned, "mode": "warn"})
    assert said(shown, "all/app", "good").startswith("gate owned on all refuses app")
    shown.set("gate", "owned", "all", {**owned, "mode": "warn"})
    for way in WAYS:
        warned = shown.manifest("good", repository=way).header("warning")
        assert "gate theirs on hub warns of app:good" in warned, way
    documents = shown.registry.stores.identity.documents
    for name, path in (("owned", "all"), ("theirs", "hub")):
        shown.registry.run(documents.remove("gate", name, By("admin", 1), path=path))
    for way in WAYS:
        assert said(shown, way, "good") == ""
        assert "warning" not in {name for name, _ in shown.manifest("good", repository=way).headers}


def test_signers_and_exceptions_of_a_virtual_count_for_its_own_gates(shown: Scene) -> None:
    pem = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    shown.set("signers", "release-team", "all", {"keys": [pem]})
    shown.set("gate", "signed", "all", {"signed_by": ["release-team"], "mode": "enforce"})
    shown.upstream.push(APP, GOOD, "good")
    assert said(shown, "hub/app", "good") == ""
    assert "gate signed on all refuses app:good" in said(shown, "all/app", "good")
    made = signature(GOOD.digest, OURS)
    shown.upstream.push(APP, made, tag := f"sha256-{GOOD.digest.hex}.sig")
    shown.pull(made, tag, repository="hub/app")
    assert said(shown, "all/app", "good") == ""


def test_a_signature_of_an_index_counts_for_what_it_lists_in_a_cache(shown: Scene) -> None:
    pem = OURS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    shown.set("signers", "release-team", "hub", {"keys": [pem]})
    shown.set("gate", "signed", "hub", {"signed_by": ["release-team"], "mode": "enforce"})
    both = index("both signed", [BAD, GOOD])
    shown.upstream.push(APP, both, "all")
    references = ("all", str(both.digest), str(BAD.digest), str(GOOD.digest))
    for way in WAYS:
        for reference in references:
            assert "nobody signed it" in said(shown, way, reference), (way, reference)
    made = signature(both.digest, OURS)
    shown.upstream.push(APP, made, tag := f"sha256-{both.digest.hex}.sig")
    shown.pull(made, tag, repository="hub/app")
    for way in WAYS:
        for reference in references:
            assert said(shown, way, reference) == "", (way, reference)
