"""cosign: signatures and attestations, under tags as ever and as referrers."""

import base64
import json
from pathlib import Path

import pytest

from tests.clients.contents import in_layout
from tests.clients.programs import Station
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

_OFFLINE = ("--insecure-ignore-tlog=true", "--key=cosign.pub")
_REFERRERS = {"COSIGN_EXPERIMENTAL": "1"}


@pytest.fixture
def signer(tmp_path: Path) -> Station:
    """A station with a key pair."""
    station = Station(tmp_path, COSIGN_PASSWORD="secret")
    station.run("cosign", "generate-key-pair")
    (tmp_path / "sbom.json").write_text('{"spdxVersion": "SPDX-2.3"}')
    return station


def test_signatures_under_tags(server: OrlopServer, signer: Station, single: Path) -> None:
    image = _pushed(server, signer, single, "cosign/tags")
    signer.run("cosign", "sign", "--yes", "--tlog-upload=false", "--key=cosign.key", "-a", "by=us", image)
    (claim,) = json.loads(signer.run("cosign", "verify", *_OFFLINE, "-a", "by=us", image))
    assert claim["critical"]["image"]["docker-manifest-digest"] == in_layout(single).digest

    signer.run("cosign", "attach", "sbom", "--type=spdx", "--sbom=sbom.json", image)
    signer.run(
        "cosign",
        *("attest", "--yes", "--tlog-upload=false", "--key=cosign.key", "--type=spdxjson", "--predicate=sbom.json"),
        image,
    )
    envelope = json.loads(signer.run("cosign", "verify-attestation", *_OFFLINE, "--type=spdxjson", image))
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert statement["subject"][0]["digest"]["sha256"] == in_layout(single).digest.removeprefix("sha256:")
    assert json.loads(signer.run("cosign", "download", "sbom", image)) == {"spdxVersion": "SPDX-2.3"}

    tree = signer.text("cosign", "tree", image)
    for suffix in ("sig", "att", "sbom"):
        assert f"{in_layout(single).digest.replace(':', '-')}.{suffix}" in tree


def test_signatures_as_referrers(server: OrlopServer, signer: Station, single: Path) -> None:
    image = _pushed(server, signer, single, "cosign/referrers")
    signer.run(
        "cosign",
        *("sign", "--yes", "--tlog-upload=false", "--key=cosign.key", "--registry-referrers-mode=oci-1-1", image),
        variables=_REFERRERS,
    )
    verified = signer.run("cosign", "verify", *_OFFLINE, "--experimental-oci11", image, variables=_REFERRERS)
    assert json.loads(verified)[0]["critical"]["image"]["docker-manifest-digest"] == in_layout(single).digest
    signer.run(
        "cosign",
        *("attach", "sbom", "--type=spdx", "--sbom=sbom.json", "--registry-referrers-mode=oci-1-1", image),
        variables=_REFERRERS,
    )
    tree = signer.run("cosign", "tree", "--experimental-oci11", image, variables=_REFERRERS).decode()
    for kind in ("sig", "sbom"):
        assert f"application/vnd.dev.cosign.artifact.{kind}.v1+json" in tree
    # The tag of the image is the only one: nothing was stored under a digest tag.
    assert signer.text("crane", "ls", f"{server.address}/cosign/referrers") == "1"


def test_an_unsigned_image_does_not_verify(server: OrlopServer, signer: Station, single: Path) -> None:
    image = _pushed(server, signer, single, "cosign/unsigned")
    assert "no signatures found" in signer.refused("cosign", "verify", *_OFFLINE, image)


def test_signatures_are_copied_with_the_image(server: OrlopServer, signer: Station, single: Path) -> None:
    image = _pushed(server, signer, single, "cosign/original")
    signer.run("cosign", "sign", "--yes", "--tlog-upload=false", "--key=cosign.key", image)
    signer.run("cosign", "copy", f"{server.address}/cosign/original:1", f"{server.address}/cosign/copied:1")
    copied = f"{server.address}/cosign/copied@{in_layout(single).digest}"
    assert json.loads(signer.run("cosign", "verify", *_OFFLINE, copied))


def _pushed(server: OrlopServer, station: Station, image: Path, repository: str) -> str:
    """Push an image; its name with its digest."""
    station.run("crane", "push", image, f"{server.address}/{repository}:1")
    return f"{server.address}/{repository}@{in_layout(image).digest}"
