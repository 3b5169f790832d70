"""Pages of gates and signers: the forms that make them, what a gate would hold back, and what an image's page says."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.content import Piece, Pushable, image
from tests.contract.advisories import advisory
from tests.packaged import configured
from tests.ui.site import HOSTILE, Site
from tests.ui.test_inside import layer, read
from tests.ui.test_made import sound

pytestmark = pytest.mark.slow

#: Where the content of these tests is.
PLACE = "team/gated"
RUN = {"os": "linux", "architecture": "amd64", "config": {"User": "1000", "Labels": {"owner": HOSTILE}}}
_STATUS = "Package: {0}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {1}\n\n"
_RELEASE = 'ID=debian\nVERSION_ID="12"\n'
TEAM, STRANGER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
KEY = TEAM.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
_SIMPLE, _DSSE = "application/vnd.dev.cosign.simplesigning.v1+json", "application/vnd.dsse.envelope.v1+json"
_ANNOTATION = "dev.cosignproject.cosign/signature"


def _signature(key: ec.EllipticCurvePrivateKey, content: bytes) -> str:
    return base64.b64encode(key.sign(content, ec.ECDSA(hashes.SHA256()))).decode()


class Layered:
    """Layers with annotations, which `tests.content` has none of."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.layers: list[dict[str, Any]] = []

    def add(self, media_type: str, content: bytes, annotation: str) -> None:
        piece = Piece(f"layer {len(self.layers)} {annotation}", media_type, content)
        self.pieces.append(piece)
        self.layers.append(piece.descriptor(annotations={_ANNOTATION: annotation}))

    def made(self, name: str) -> Pushable:
        whole = image(name, self.pieces)
        document = json.loads(whole.content) | {"layers": self.layers}
        return Pushable(Piece(name, whole.media_type, json.dumps(document).encode()), whole.blobs)


def signed(subject: Pushable) -> Pushable:
    """Signatures as cosign puts them below a tag (sigstore/cosign, specs/SIGNATURE_SPEC.md): of the team, and of
    somebody else."""
    made = Layered()
    for number, key in enumerate((TEAM, STRANGER)):
        critical = {
            "identity": {"docker-reference": "registry.example/app"},
            "image": {"docker-manifest-digest": subject.digest},
            "type": "cosign container image signature",
        }
        payload = json.dumps({"critical": critical, "optional": {"number": number}}).encode()
        made.add(_SIMPLE, payload, _signature(key, payload))
    return made.made(f"signatures of {subject.digest}")


def attested(subject: Pushable) -> Pushable:
    """An attestation of the team in an envelope (secure-systems-lab/dsse, protocol.md)."""
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://spdx.dev/Document",
        "subject": [{"name": "app", "digest": {"sha256": subject.digest.hex}}],
        "predicate": {},
    }
    payload, kind = json.dumps(statement).encode(), "application/vnd.in-toto+json"
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    envelope = {
        "payloadType": kind,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": "", "sig": _signature(TEAM, encoded)}],
    }
    made = Layered()
    made.add(_DSSE, json.dumps(envelope).encode(), "")
    return made.made(f"attestations of {subject.digest}")


@pytest.fixture(scope="module")
def gated(site: Site) -> Site:
    """With an image that a gate refuses, and one that it lets pass."""
    for tag, version in (("bad", "3.0.11"), ("good", "3.0.15")):
        files: dict[str, str | bytes] = {
            "etc/os-release": _RELEASE,
            "var/lib/dpkg/status": _STATUS.format("gatessl", version),
        }
        subject = configured(f"gated {tag}", RUN, [layer(f"gatessl {version}", files)])
        site.push(f"{PLACE}/app", subject, tag)
        if tag == "good":
            site.push(f"{PLACE}/app", signed(subject), f"sha256-{subject.digest.hex}.sig")
            site.push(f"{PLACE}/app", attested(subject), f"sha256-{subject.digest.hex}.att")
    record = json.loads(advisory("GATE-1", "gatessl", "3.0.15", aliases=["CVE-2026-8200"]))
    record["database_specific"] = {"severity": "CRITICAL"}
    site.ask("POST", "advisories", {"source": "gates", "records": [record]})
    for tag in ("bad", "good"):
        read(site, tag, f"{PLACE}/app")
    site.sign_in("admin")
    return site


def body(site: Site, plural: str, name: str) -> Any:
    return site.ask("GET", f"{plural}/{name}?path={PLACE}")["body"]


def test_a_gate_is_tried_and_then_made_by_its_form(gated: Site) -> None:
    browser = gated.browser
    assert gated.open(f"/rules/gates/-/new?path={PLACE}") == 200
    sound(gated)
    browser.fill("[name=name]", "no-critical")
    browser.select("[name='f.deny_severity']", "critical")
    browser.check("[name='f.fixable']")
    browser.select("[name='f.mode']", "enforce")
    browser.click("button[name=try]")
    browser.until("document.querySelector('#trial').innerText.includes('would hold back')")
    said = browser.text("#trial")
    assert "Of 4 tags" in said
    assert "CVE-2026-8200 in gatessl 3.0.11 is critical and fixed in 3.0.15" in said
    assert browser.count("#trial tbody tr") == 1
    sound(gated)
    assert gated.ask("GET", f"gates?path={PLACE}") == []
    browser.click("#body > button:not([name])")
    assert browser.url == f"{gated.base}/rules/gates/no-critical?path={PLACE.replace('/', '%2F')}"
    sound(gated)
    kept = body(gated, "gates", "no-critical")
    assert {name: kept[name] for name in ("deny_severity", "fixable", "mode", "on")} == {
        "deny_severity": "critical",
        "fixable": True,
        "mode": "enforce",
        "on": ["pull"],
    }
    # It is changed by the same form, without scripts, too; what is refused stays in the form.
    gated.sign_in("admin", scripts=False)
    gated.open(f"/rules/gates/no-critical?path={PLACE}")
    browser.fill("[name='f.labels']", "owner\ntier=prod*")
    browser.fill("[name='f.older_than']", "soon")
    browser.click("#body > button:not([name])")
    assert "soon" in browser.text("[role=alert]")
    assert browser.html("[name='f.labels']") == "owner\ntier=prod*"
    browser.fill("[name='f.older_than']", "")
    browser.click("button[name=try]")
    assert "it has no label tier" in browser.text("#trial")
    assert "labels" not in body(gated, "gates", "no-critical")
    browser.fill("[name='f.labels']", "owner")
    browser.click("#body > button:not([name])")
    assert body(gated, "gates", "no-critical")["labels"] == ["owner"]
    gated.sign_in("admin")
    gated.open(f"/rules/gates/no-critical?path={PLACE}")
    browser.fill("[name='f.older_than']", "soon")
    browser.click("button[name=try]")
    browser.until("document.querySelector('#trial [role=alert]') !== null")


def test_signers_are_made_by_their_form(gated: Site) -> None:
    browser = gated.browser
    gated.sign_in("admin")
    assert gated.open(f"/rules/signers/-/new?path={PLACE}") == 200
    sound(gated)
    browser.fill("[name=name]", "release-team")
    browser.fill("[name='f.keys']", "no key")
    browser.click("#body > button")
    assert "is no public key" in browser.text("[role=alert]")
    gated.sign_in("admin")
    gated.open(f"/rules/signers/-/new?path={PLACE}")
    browser.fill("[name=name]", "release-team")
    browser.fill("[name='f.keys']", KEY)
    browser.click("#body > button")
    assert browser.url == f"{gated.base}/rules/signers/release-team?path={PLACE.replace('/', '%2F')}"
    sound(gated)
    assert body(gated, "signers", "release-team")["keys"] == [KEY]


def test_a_place_lists_what_holds_there_and_where_it_is_set(gated: Site) -> None:
    browser = gated.browser
    gated.sign_in("ada")
    gated.put("gates/above?path=team", {"no_root": True, "mode": "warn"})
    assert gated.open(f"/r/{PLACE}/-/gates") == 200
    rows = browser.texts("section:has(#gates) tbody tr")
    assert [words in rows[0] for words in ("above", "team/", "inherited", "warn", "no root")] == [True] * 5
    assert [words in rows[1] for words in ("no-critical", PLACE, "enforce", "deny severity: critical")] == [True] * 4
    assert "inherited" not in rows[1]
    assert "1 key" in browser.text("section:has(#signers)")
    sound(gated)
    browser.click("section:has(#gates) td.act a")
    assert "gatessl 3.0.11" in browser.text()
    sound(gated)
    assert gated.open(f"/r/{PLACE}/app/-/gates") == 200
    gated.sign_in("rita")
    assert gated.open(f"/r/{PLACE}/-/gates") == 200
    assert "Add a gate here" not in browser.text()
    assert gated.open(f"/rules/gates/no-critical/held?path={PLACE}") == 403
    gated.sign_in("grace")
    assert gated.open(f"/r/{PLACE}/-/gates") == 404
    gated.ask("DELETE", "gates/above?path=team")


def test_an_image_says_which_gate_holds_it_back_and_what_to_do(gated: Site) -> None:
    browser = gated.browser
    gated.sign_in("rita")
    gated.open(f"/r/{PLACE}/app:bad")
    assert "held back, also from you" in browser.text()
    assert "CVE-2026-8200 in gatessl" in browser.text()
    browser.until("document.querySelector('main').innerText.includes('not signed')")
    sound(gated)
    browser.click("main dl a[href$='/-/gates']")
    (row,) = browser.texts("tbody tr")
    for words in ("no-critical", PLACE, "enforce", "refuses", "critical and fixed in 3.0.15", "build it anew with"):
        assert words in row, words
    sound(gated)
    gated.sign_in("admin")
    gated.open(f"/r/{PLACE}/app:good/-/gates")
    assert "No gate holds it back" in browser.text()
    gated.open(f"/r/{PLACE}/app:bad")
    assert "held back, but not from you" in browser.text()


def test_an_image_says_who_signed_it_and_what_does_not_count(gated: Site) -> None:
    browser = gated.browser
    gated.sign_in("rita")
    gated.open(f"/r/{PLACE}/app:good")
    browser.until("document.querySelector('main').innerText.includes('signed by release-team')")
    browser.click("main dl a[href$='/-/signatures']")
    assert "1 of 1" in browser.text("section:has(#trusted)")
    rows = browser.texts("section:has(#signatures) tbody tr")
    assert len(rows) == 2
    assert sum("key 1" in row for row in rows) == 1
    assert sum("does not count" in row for row in rows) == 1
    assert "https://spdx.dev/Document" in browser.text("section:has(#attestations)")
    sound(gated)
    assert gated.open("/r/team/chart:0.1.0/-/signatures?as=Helm+chart") == 200
    assert "It has none" in browser.text()
    sound(gated)
    assert gated.open("/r/team/chart:0.1.0/-/gates?as=Helm+chart") == 200
    sound(gated)
