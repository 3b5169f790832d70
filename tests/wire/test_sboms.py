"""SBOMs beside images, from a push to the answer: what Orlop attaches, and whose others count by rules alone."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orlop.domain import media_types
from tests.content import EMPTY, Piece, Pushable, image
from tests.managed import PASSWORD, Managed
from tests.servers import OrlopServer
from tests.wire.test_inside import BASE, known, layer

pytestmark = pytest.mark.slow

CYCLONEDX, SPDX = "application/vnd.cyclonedx+json", "application/spdx+json"
BASH = "pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    settings = {"open": False, "admin_password": PASSWORD, "workers": 2, "outbound_networks": "127.0.0.0/8"}
    server = OrlopServer(tmp_path_factory.mktemp("sboms"), settings)
    server.start()
    try:
        yield Managed(server)
    finally:
        server.kill()


def own(name: str, **files: str) -> Pushable:
    """An image of Debian with a file of its own."""
    return image(name, [BASE, layer(name, {"app": name, **files})])


def cyclonedx(*purls: str) -> bytes:
    """A document that lists these."""
    components = [{"type": "library", "name": "x", "purl": purl} for purl in purls]
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components}).encode()


def spdx(*purls: str) -> dict[str, Any]:
    """The same as SPDX."""
    return {
        "spdxVersion": "SPDX-2.3",
        "packages": [
            {
                "name": "x",
                "externalRefs": [
                    {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
                ],
            }
            for purl in purls
        ],
    }


def statement(of: Pushable, predicate: object) -> dict[str, Any]:
    """A statement of in-toto about an image."""
    algorithm, _, value = of.digest.partition(":")
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "subject": [{"name": "app", "digest": {algorithm: value}}],
        "predicateType": "https://spdx.dev/Document",
        "predicate": predicate,
    }


def holding(
    content: bytes, media_type: str, *, subject: Pushable | None = None, config: Piece = EMPTY, artifact_type: str = ""
) -> Pushable:
    """What holds a document."""
    piece = Piece("document", media_type, content)
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": config.descriptor(),
        "layers": [piece.descriptor()],
    }
    if artifact_type:
        manifest["artifactType"] = artifact_type
    if subject is not None:
        manifest["subject"] = subject.piece.descriptor()
    return Pushable(Piece("holding", media_types.OCI_MANIFEST, json.dumps(manifest).encode()), (config, piece))


def eventually(look: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What is seen once it is what is wanted."""
    for _ in range(1_800):
        if wanted(found := look()):
            return found
        time.sleep(0.1)
    raise AssertionError(f"after so many looks: {found}")


def purls(api: Managed, repository: str, reference: str = "1") -> set[str]:
    found = known(api, repository, reference)
    return {each["purl"] for each in found["packages"]}


def referrers(api: Managed, repository: str, of: Pushable) -> list[dict[str, Any]]:
    answer = api._asked("GET", f"/v2/{repository}/referrers/{of.digest}", *_signed_in())
    found: list[dict[str, Any]] = json.loads(answer.body)["manifests"]
    return found


def attached(api: Managed, repository: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.ask("GET", f"attached-sboms?repository={repository}&reference=1")["sboms"]
    return found


def blob(api: Managed, repository: str, digest: str) -> bytes:
    return api._asked("GET", f"/v2/{repository}/blobs/{digest}", *_signed_in()).body


def _signed_in() -> tuple[str, ...]:
    return (f"authorization: Basic {base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()}",)


def test_what_was_read_is_attached_once_where_a_rule_says_so(api: Managed) -> None:
    api.put("sbom-rules/both?path=attach", {"attach": ["cyclonedx", "spdx"]})
    pushed = own("attached")
    api.push("attach/app", pushed, "1")
    listed = eventually(lambda: referrers(api, "attach/app", pushed), lambda found: len(found) == 2)
    assert {each["artifactType"] for each in listed} == {CYCLONEDX, SPDX}
    written = api.ask("GET", "sboms?repository=attach/app&reference=1&format=spdx")
    [document] = [each for each in attached(api, "attach/app") if each["media_type"] == SPDX]
    assert json.loads(blob(api, "attach/app", document["digest"])) == written
    assert (document["pushed_by"], document["counts"]) == ("orlop", False)
    assert all(each["annotations"]["org.opencontainers.image.created"] for each in listed)
    api.ask("POST", "image-readings", {"image": "attach/app:1"})
    assert BASH in purls(api, "attach/app")
    api.push("other/app", pushed, "1")
    assert referrers(api, "attach/app", pushed) == listed
    assert referrers(api, "other/app", pushed) == []
    # What is known by then is attached where it comes to.
    api.push("attach/copy", pushed, "1")
    copied = eventually(lambda: referrers(api, "attach/copy", pushed), lambda found: len(found) == 2)
    assert {each["artifactType"] for each in copied} == {CYCLONEDX, SPDX}
    assert referrers(api, "attach/app", pushed) == listed
    scraped = api._asked("GET", "/metrics", *_signed_in()).body.decode()
    counted = re.findall(r'orlop_sboms_attached_total\{format="(\w+)",outcome="(\w+)"\} (\d+)', scraped)
    assert {(form, outcome) for form, outcome, _ in counted} >= {("cyclonedx", "attached"), ("spdx", "attached")}


def test_what_others_attached_counts_only_where_a_rule_says_so(api: Managed) -> None:
    pushed = own("by referrer")
    api.push("word/app", pushed, "1")
    assert purls(api, "word/app") == {BASH}
    extra = "pkg:npm/left-pad@1.3.0"
    document = cyclonedx(extra, BASH, "pkg:deb/debian/bash@5.2.15-2")
    api.push("word/app", holding(document, CYCLONEDX, subject=pushed, artifact_type=CYCLONEDX))
    api.ask("POST", "image-readings", {"image": "word/app:1"})
    assert purls(api, "word/app") == {BASH}
    api.put("sbom-rules/theirs?path=word", {"attached": "beside", "pushed_by": ["admin"]})
    api.ask("POST", "image-readings", {"image": "word/app:1"})
    found = known(api, "word/app", "1")
    assert {each["purl"]: each["reader"] for each in found["packages"]} == {BASH: "dpkg", extra: "cyclonedx"}
    said = next(each for each in found["packages"] if each["purl"] == extra)
    assert said["path"] == Piece("", "", document).digest
    # Somebody else's repository holds the same image, and no word counts there: so it is for both.
    api.push("elsewhere/app", pushed, "1")
    for repository in ("word/app", "elsewhere/app"):
        eventually(lambda at=repository: purls(api, at), lambda found: found == {BASH})  # type: ignore[misc]


def test_a_role_has_documents_count_of_those_who_have_it_as_of_now(api: Managed) -> None:
    api.ask("POST", "users", {"name": "maria", "password": PASSWORD})
    api.ask("PUT", "users/maria/password", {"password": PASSWORD, "must_change": False})
    place = {"kind": "namespace", "path": "role"}
    grant = api.ask("POST", "grants", {"principal": "maria", "role": "owner", "place": place})
    api.put("sbom-rules/theirs?path=role", {"attached": "beside", "pushed_by": ["role:maintainer"]})
    pushed = own("by role")
    api.push("role/app", pushed, "1")
    extra = "pkg:npm/by-role@1"
    held = holding(cyclonedx(extra), CYCLONEDX, subject=pushed, artifact_type=CYCLONEDX)
    api.push("role/app", held, who="maria")
    eventually(lambda: purls(api, "role/app"), lambda found: found == {BASH, extra})
    assert [each["counts"] for each in attached(api, "role/app")] == [True]
    api.ask("DELETE", f"grants/{grant['id']}")
    eventually(lambda: purls(api, "role/app"), lambda found: found == {BASH})
    assert [each["counts"] for each in attached(api, "role/app")] == [False]


def test_a_document_counts_as_soon_as_it_is_attached_in_whichever_way(api: Managed) -> None:
    api.put("sbom-rules/theirs?path=ways", {"attached": "instead", "pushed_by": ["admin"]})
    config = Piece("config", media_types.OCI_CONFIG, b"{}")

    by_tag = own("by tag")
    api.push("ways/tag", by_tag, "1")
    assert purls(api, "ways/tag") == {BASH}
    payload = base64.b64encode(json.dumps(statement(by_tag, spdx("pkg:golang/example.org/a@v1.0.0"))).encode()).decode()
    envelope = {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []}
    held = holding(json.dumps(envelope).encode(), "application/vnd.dsse.envelope.v1+json", config=config)
    api.push("ways/tag", held, f"{by_tag.digest.replace(':', '-')}.att")
    wanted = {"pkg:golang/example.org/a@v1.0.0"}
    eventually(lambda: purls(api, "ways/tag"), lambda found: found == wanted)

    built = own("by buildkit")
    statement_of = json.dumps(statement(built, spdx("pkg:pypi/attested@2.0"))).encode()
    attestation = holding(statement_of, "application/vnd.in-toto+json", config=config)
    entries = [
        built.piece.descriptor(platform={"os": "linux", "architecture": "amd64"}),
        attestation.piece.descriptor(
            platform={"os": "unknown", "architecture": "unknown"},
            annotations={
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": built.digest,
            },
        ),
    ]
    document = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": entries}
    index = Piece("index", media_types.OCI_INDEX, json.dumps(document).encode())
    api.push("ways/buildkit", Pushable(index, (), (built, attestation)), "1")
    eventually(lambda: purls(api, "ways/buildkit"), lambda found: found == {"pkg:pypi/attested@2.0"})

    # What goes counts no more.
    by_referrer = own("by referrer that goes")
    api.push("ways/referrer", by_referrer, "1")
    held = holding(cyclonedx("pkg:npm/goes@1"), CYCLONEDX, subject=by_referrer, artifact_type=CYCLONEDX)
    api.push("ways/referrer", held)
    eventually(lambda: purls(api, "ways/referrer"), lambda found: found == {"pkg:npm/goes@1"})
    assert api._asked("DELETE", f"/v2/ways/referrer/manifests/{held.digest}", *_signed_in()).status == 202
    eventually(lambda: purls(api, "ways/referrer"), lambda found: found == {BASH})

    # A statement about another image says nothing of this one, and what is no SBOM nothing at all.
    wrong = own("of another")
    api.push("ways/wrong", wrong, "1")
    api.push("ways/wrong", holding(statement_of, "application/vnd.in-toto+json", subject=wrong, config=config))
    api.push("ways/wrong", holding(b'{"spdxVersion":' + b"[" * 100_000, SPDX, subject=wrong, artifact_type=SPDX))
    found = eventually(lambda: known(api, "ways/wrong", "1"), lambda found: len(found["unread"]) == 1)
    assert found["unread"][0].endswith("it is nested too deeply")
    assert [each["purl"] for each in found["packages"]] == [BASH]


def test_a_full_quota_keeps_an_sbom_away_and_nothing_else(api: Managed) -> None:
    api.put("sbom-rules/both?path=full", {"attach": ["spdx"]})
    api.put("quotas/small?path=full", {"manifests": 1})
    pushed = own("full")
    api.push("full/app", pushed, "1")
    assert purls(api, "full/app") == {BASH}
    jobs = eventually(
        lambda: api.ask("GET", "jobs?kind=read-images"),
        lambda found: any("not attached: " in each["result"] for each in found),
    )
    assert jobs
    [told] = eventually(lambda: api.ask("GET", "audit?kind=sbom.refused"), lambda found: len(found) == 1)
    assert (told["repository"], told["digest"]) == ("full/app", pushed.digest)
    assert told["detail"].startswith("spdx: ")
    assert referrers(api, "full/app", pushed) == []


def test_the_first_pull_through_a_cache_has_an_image_read_and_its_layers_are_waited_for(
    api: Managed, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pushed = own("cached")
    origin = OrlopServer(tmp_path_factory.mktemp("origin"), {"open": True, "workers": 1})
    origin.start()
    try:
        Managed(origin).push("team/app", pushed, "1")
        api.put("upstreams/hub?path=hub", {"url": f"http://{origin.address}"})
        api.pull("hub/team/app", "1")
        # A client that has the layers asks for none of them.
        waiting = eventually(
            lambda: api.ask("GET", f"image-packages?repository=hub/team/app&reference={pushed.digest}"),
            lambda found: any("is not here" in each for each in found["unread"]),
        )
        assert waiting["state"] == "waiting"
        for piece in pushed.blobs:
            answer = api._asked("GET", f"/v2/hub/team/app/blobs/{piece.digest}", *_signed_in())
            assert answer.body == piece.content
        assert purls(api, "hub/team/app", pushed.digest) == {BASH}
        # A rule is about caches where it says so; then a cache stays one, and so its SBOMs are cached.
        api.put("sbom-rules/both?path=hub", {"attach": ["spdx"]})
        api.ask("POST", "image-readings", {"image": f"hub/team/app@{pushed.digest}"})
        assert purls(api, "hub/team/app", pushed.digest) == {BASH}
        assert referrers(api, "hub/team/app", pushed) == []
        api.put("sbom-rules/caches?path=hub", {"attach": ["cyclonedx"], "caches": True})
        listed = eventually(lambda: referrers(api, "hub/team/app", pushed), bool)
        assert [each["artifactType"] for each in listed] == [CYCLONEDX]
        assert api._asked("POST", "/v2/hub/team/app/blobs/uploads/", *_signed_in()).status == 403
        refused = api.ask("GET", "audit?kind=sbom.refused")
        assert [each for each in refused if each["repository"] == "hub/team/app"] == []
    finally:
        origin.kill()
