"""regctl: copies with referrers and digest tags, chunked uploads, single blobs and tags."""

import time
from pathlib import Path

import pytest

from tests.clients.contents import in_layout, served
from tests.clients.layouts import noise
from tests.clients.programs import Station
from tests.clients.streams import requests
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

_SBOM = "application/spdx+json"


@pytest.fixture
def regctl(server: OrlopServer, station: Station) -> Station:
    """A station at which regctl knows that the server speaks plain HTTP."""
    station.run("regctl", "registry", "set", server.address, "--tls", "disabled")
    return station


def test_images_go_through_layouts_with_their_referrers(server: OrlopServer, regctl: Station, platforms: Path) -> None:
    first, second = f"{server.address}/regctl/image:1", f"{server.address}/regctl/back:1"
    regctl.run("regctl", "image", "copy", f"ocidir://{platforms}:multi", first)
    assert served(server, "regctl/image", "1") == in_layout(platforms)
    regctl.run("regctl", "artifact", "put", "--artifact-type", _SBOM, "--subject", first, sent=b"sbom")

    regctl.run("regctl", "image", "copy", "--referrers", first, "ocidir://layout:1")
    regctl.run("regctl", "image", "copy", "--referrers", "ocidir://layout:1", second)
    assert served(server, "regctl/back", "1") == in_layout(platforms)
    assert _SBOM in regctl.text("regctl", "artifact", "list", second)
    assert regctl.text("regctl", "image", "digest", second) == in_layout(platforms).digest


def test_referrers_under_a_digest_tag_are_found(server: OrlopServer, regctl: Station, single: Path) -> None:
    """A layout lists referrers under a tag; copied as a tag, the list must work as one that the registry made."""
    repository = f"{server.address}/regctl/digest-tags"
    regctl.run("regctl", "image", "copy", f"ocidir://{single}:one", "ocidir://layout:1")
    regctl.run("regctl", "artifact", "put", "--artifact-type", _SBOM, "--subject", "ocidir://layout:1", sent=b"sbom")
    regctl.run("regctl", "image", "copy", "--digest-tags", "ocidir://layout:1", f"{repository}:1")
    digest = in_layout(single).digest
    assert f"{digest.replace(':', '-')}" in regctl.text("regctl", "tag", "ls", repository).split()
    assert _SBOM in regctl.text("regctl", "artifact", "list", f"{repository}:1")
    assert _SBOM in regctl.text(
        "oras", "discover", "--plain-http", "--distribution-spec", "v1.1-referrers-tag", f"{repository}:1"
    )


@pytest.mark.parametrize("size", [0, 1, 1_000_000, 1_000_001])
def test_blobs_that_arrive_in_chunks(server: OrlopServer, regctl: Station, size: int) -> None:
    repository, chunk = f"regctl/chunked-{size}", 100_000
    regctl.run("regctl", "registry", "set", server.address, "--blob-max=1", f"--blob-chunk={chunk}")
    content = noise("chunked", size)
    digest = regctl.run("regctl", "blob", "put", f"{server.address}/{repository}", sent=content).decode().strip()
    assert regctl.run("regctl", "blob", "get", f"{server.address}/{repository}", digest) == content
    # The log is written a little later than the answer.
    deadline = time.monotonic() + 30
    while requests(server, "PATCH", f"/v2/{repository}/blobs/uploads/") != [202] * -(-size // chunk):
        assert time.monotonic() < deadline, "it did not arrive in chunks"
        time.sleep(0.1)


def test_tags_are_listed_and_deleted(server: OrlopServer, regctl: Station, single: Path) -> None:
    repository = f"{server.address}/regctl/tags"
    for tag in ("1", "2"):
        regctl.run("regctl", "image", "copy", f"ocidir://{single}:one", f"{repository}:{tag}")
    regctl.run("regctl", "tag", "delete", f"{repository}:1")
    assert regctl.text("regctl", "tag", "ls", repository).split() == ["2"]
    regctl.run("regctl", "image", "mod", "--annotation", "a=b", "--create", f"{repository}:3", f"{repository}:2")
    assert served(server, "regctl/tags", "3").digest != served(server, "regctl/tags", "2").digest
    regctl.run("regctl", "manifest", "delete", f"{repository}@{in_layout(single).digest}")
    assert regctl.text("regctl", "tag", "ls", repository).split() == ["3"]
    assert "regctl/tags" in regctl.text("regctl", "repo", "ls", server.address).split()
