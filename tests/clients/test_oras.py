"""oras: artifacts of any type, what is attached to them, and layouts as source and target."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.contents import document, in_layout, served
from tests.clients.layouts import noise
from tests.clients.programs import Station
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

_SBOM, _REVIEW = "application/spdx+json", "application/vnd.example.review"


def test_an_artifact_goes_in_and_comes_out(server: OrlopServer, station: Station) -> None:
    at = f"{server.address}/oras/artifact"
    files = {"read.me": b"text\n", "model.bin": noise("model", 2_000_000), "empty": b""}
    for name, content in files.items():
        (station.folder / name).write_bytes(content)
    pushed = json.loads(
        station.run(
            "oras",
            *("push", "--plain-http", "--format=json", "--artifact-type=application/vnd.example.model"),
            *("--annotation", "org.example.made=here", f"{at}:1,2", "read.me:text/plain", "model.bin", "empty"),
        )
    )
    assert served(server, "oras/artifact", "1") == served(server, "oras/artifact", "2")
    manifest = document(server, "oras/artifact", pushed["digest"])
    assert manifest["artifactType"] == "application/vnd.example.model"

    station.run("oras", "pull", "--plain-http", "-o", "out", f"{at}@{pushed['digest']}")
    assert {path.name: path.read_bytes() for path in (station.folder / "out").iterdir()} == files


@pytest.mark.parametrize("way", ["v1.1-referrers-api", "v1.1-referrers-tag"])
def test_what_is_attached_is_discovered(server: OrlopServer, station: Station, way: str) -> None:
    """Both ways of a client must see the same, also when it did not ask the registry what it can do."""
    repository = f"oras/{way}"
    at = f"{server.address}/{repository}:1"
    for name in ("subject", "sbom", "review", "second"):
        (station.folder / name).write_text(name)
    station.run("oras", "push", "--plain-http", at, "subject")
    by_way = ("--plain-http", "--distribution-spec", way)
    for kind, name in ((_SBOM, "sbom"), (_REVIEW, "review"), (_REVIEW, "second")):
        station.run("oras", "attach", *by_way, "--artifact-type", kind, at, name)

    kinds = [_SBOM, _REVIEW, _REVIEW]
    for spec in ("v1.1-referrers-api", "v1.1-referrers-tag"):
        found = _discovered(station, at, "--distribution-spec", spec)
        assert sorted(entry["artifactType"] for entry in found) == sorted(kinds)
    assert len(_discovered(station, at, "--artifact-type", _REVIEW)) == 2

    review = _discovered(station, at, "--artifact-type", _SBOM)[0]["reference"]
    station.run("oras", "pull", "--plain-http", "-o", "out", review)
    assert (station.folder / "out" / "sbom").read_text() == "sbom"


def test_a_graph_is_copied_with_its_referrers(server: OrlopServer, station: Station, platforms: Path) -> None:
    first, second = f"{server.address}/oras/graph:1", f"{server.address}/oras/graph-copy:1"
    station.run("oras", "cp", "--from-oci-layout", "--to-plain-http", f"{platforms}:multi", first)
    assert served(server, "oras/graph", "1") == in_layout(platforms)
    (station.folder / "sbom").write_text("sbom")
    station.run("oras", "attach", "--plain-http", "--artifact-type", _SBOM, first, "sbom")
    (attached,) = _discovered(station, first)
    (station.folder / "signature").write_text("signature")
    station.run("oras", "attach", "--plain-http", "--artifact-type", _REVIEW, attached["reference"], "signature")

    station.run("oras", "cp", "-r", "--from-plain-http", "--to-plain-http", first, second)
    station.run("oras", "cp", "-r", "--from-plain-http", "--to-oci-layout", first, "layout:1")
    station.run("oras", "cp", "-r", "--from-oci-layout", "--to-plain-http", "layout:1", f"{second}-back")
    for copy in (second, f"{second}-back"):
        (copied,) = _discovered(station, copy)
        assert copied["digest"] == attached["digest"]
        assert [below["artifactType"] for below in copied["referrers"]] == [_REVIEW]
    assert served(server, "oras/graph-copy", "1-back") == in_layout(platforms)


def test_single_blobs_and_manifests(server: OrlopServer, station: Station) -> None:
    at = f"{server.address}/oras/single"
    content = noise("blob", 500_000)
    (station.folder / "blob").write_bytes(content)
    pushed = json.loads(station.run("oras", "blob", "push", "--plain-http", "--descriptor", at, "blob"))
    reference = f"{at}@{pushed['digest']}"
    assert station.run("oras", "blob", "fetch", "--plain-http", "--output=-", reference) == content

    station.run("oras", "push", "--plain-http", f"{at}:1", "blob")
    station.run("oras", "tag", "--plain-http", f"{at}:1", "2", "3")
    assert station.text("oras", "repo", "tags", "--plain-http", at).split() == ["1", "2", "3"]
    assert "oras/single" in station.text("oras", "repo", "ls", "--plain-http", server.address).split()
    station.run("oras", "manifest", "delete", "--plain-http", "--force", f"{at}:1")
    assert station.text("oras", "repo", "tags", "--plain-http", at) == ""
    station.run("oras", "blob", "delete", "--plain-http", "--force", reference)
    assert "not found" in station.refused("oras", "blob", "fetch", "--plain-http", "--output=-", reference)


def _discovered(station: Station, reference: str, *more: str) -> list[dict[str, Any]]:
    found = json.loads(station.run("oras", "discover", "--plain-http", "--format=json", *more, reference))
    referrers: list[dict[str, Any]] = found["referrers"]
    return referrers
