"""cosign: signatures and attestations, under tags as ever and as referrers."""

import base64
import json
from pathlib import Path

import pytest

from tests.clients.conftest import PASSWORD
from tests.clients.contents import in_layout
from tests.clients.programs import Station
from tests.contract.advisories import advisory
from tests.servers import ORLOP, OrlopServer

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


def test_a_source_of_advisories_takes_what_cosign_signed(private: OrlopServer, signer: Station) -> None:
    """Both releases, one after the other: what each signed is taken, and what a stranger's key signed is not."""
    artifact = f"{private.address}/advisories/signed"
    signer.environment |= {"XDG_CONFIG_HOME": str(signer.folder / "home" / ".config")}
    _orlop(signer, "login", private.address, "--user", "admin", "--password-stdin", sent=PASSWORD.encode())
    for program in ("cosign", "cosign3"):
        login = ("login", private.address, "--username", "admin", "--password-stdin")
        signer.run(program, *login, sent=PASSWORD.encode())
    signer.run("cosign", "generate-key-pair", "--output-key-prefix=stranger")
    url = "oci:advisories/signed:latest"
    _orlop(signer, "advisory-source", "set", "signed", "--url", url, "--key-file", "cosign.pub")
    for number, (program, *form) in enumerate((("cosign",), ("cosign3", *_AS_EVER))):
        (signer.folder / "osv.json").write_bytes(advisory(f"SIGNED-{number}", "openssl9", "1"))
        pushed = json.loads(_orlop(signer, "advisories", "push", f"{artifact}:latest", "osv.json", "--json"))
        signed = f"{artifact}@{pushed['digest']}"
        missing = f"is not signed: there is no {pushed['digest'].replace(':', '-')}.sig"
        assert missing in _orlop(signer, "advisories", "update", "signed", refused=True)
        signer.run(program, "sign", "--yes", "--tlog-upload=false", *form, "--key=stranger.key", signed)
        stranger = "is not signed by the key of the source; nothing of it is taken"
        assert stranger in _orlop(signer, "advisories", "update", "signed", refused=True)
        assert json.loads(_orlop(signer, "advisories", "ls", "--source", "signed", "--json"))[number:] == []
        signer.run(program, "sign", "--yes", "--tlog-upload=false", *form, "--key=cosign.key", signed)
        assert "signed: 1 record, 1 new or changed" in _orlop(signer, "advisories", "update", "signed")
    _carried(private, signer, pushed["digest"])
    for name in ("signed", "carried"):
        _orlop(signer, "advisory-source", "rm", name)


def _carried(private: OrlopServer, signer: Station, digest: str) -> None:
    """The artifact and its signature go to another registry in an archive, and are as good there."""
    here, there = f"{private.address}/advisories/signed", f"{private.address}/isolated/advisories"
    for tag in ("latest", f"{digest.replace(':', '-')}.sig"):
        _orlop(signer, "cp", f"{here}:{tag}", f"oci-archive:carried.tar:{tag}")
        _orlop(signer, "cp", f"oci-archive:carried.tar:{tag}", f"{there}:{tag}")
    url = "oci:isolated/advisories:latest"
    _orlop(signer, "advisory-source", "set", "carried", "--url", url, "--key-file", "cosign.pub")
    assert "carried: 1 record, 0 new or changed" in _orlop(signer, "advisories", "update", "carried")


#: How cosign 3 puts signatures under tags.
_AS_EVER = ("--new-bundle-format=false", "--use-signing-config=false")


def _orlop(station: Station, *arguments: str, sent: bytes = b"", refused: bool = False) -> str:
    """What the program says, on either side."""
    command = ("sh", "-c", 'exec "$@" 2>&1', "sh", *ORLOP, *arguments)
    source = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    if refused:
        return station.refused(*command, sent=sent, variables=source)
    return station.run(*command, sent=sent, variables=source).decode()
