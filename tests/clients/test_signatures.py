"""Who signed an image: cosign 2 and 3 sign, and Orlop tells whose signatures they are."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import PASSWORD
from tests.clients.contents import in_layout
from tests.clients.programs import Station
from tests.servers import ORLOP, OrlopServer
from tests.unit.trust.notaries import Notary

pytestmark = pytest.mark.slow

_OFFLINE_2 = ("--yes", "--tlog-upload=false")
_OFFLINE_3 = ("--yes", "--tlog-upload=false", "--use-signing-config=false")
_REFERRERS = {"COSIGN_EXPERIMENTAL": "1"}


class Desk:
    """A station that is signed in, with the keys `ours` and `strange`, and the signers `release-team` in its place."""

    def __init__(self, server: OrlopServer, station: Station, image: Path, place: str) -> None:
        self.server, self.station, self.image, self.place = server, station, image, place
        self.digest = in_layout(image).digest
        station.run("crane", "auth", "login", server.address, "-u", "admin", "-p", PASSWORD)
        for name in ("ours", "strange"):
            station.run("cosign", "generate-key-pair", f"--output-key-prefix={name}")
        self.orlop("login", server.address, "--user", "admin", "--password-stdin", sent=PASSWORD)
        self.set_signers("--key", "ours.pub")

    def set_signers(self, *arguments: str) -> None:
        self.orlop("signers", "set", "release-team", "--at", f"{self.place}/", *arguments)

    def orlop(self, *arguments: str, sent: str = "", code: int = 0) -> str:
        done = subprocess.run(
            [*ORLOP, *arguments],
            cwd=self.station.folder,
            env=self.station.environment | {"ORLOP_SERVER": self.server.url},
            input=sent,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def pushed(self, repository: str) -> str:
        """Push the image; its name with its digest."""
        self.station.run("crane", "push", self.image, f"{self.server.address}/{self.place}/{repository}:1")
        return f"{self.server.address}/{self.place}/{repository}@{self.digest}"

    def sign(self, image: str, *, by: str = "ours", way: str = "tag") -> None:
        key = f"--key={by}.key"
        match way:
            case "tag":
                self.station.run("cosign", "sign", *_OFFLINE_2, key, image)
            case "referrer":
                mode = "--registry-referrers-mode=oci-1-1"
                self.station.run("cosign", "sign", *_OFFLINE_2, key, mode, image, variables=_REFERRERS)
            case "bundle":
                self.station.run("cosign3", "sign", *_OFFLINE_3, key, "--new-bundle-format=true", image)

    def signatures(self, image: str) -> Any:
        """What `orlop signatures` says, whose exit code tells whether all signers signed."""
        done = subprocess.run(
            [*ORLOP, "signatures", image, "--json"],
            cwd=self.station.folder,
            env=self.station.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        said = json.loads(done.stdout)
        assert done.returncode == (0 if all(one["satisfied"] for one in said["signers"]) else 1), done.stderr
        return said


@pytest.fixture(scope="module")
def desk(private: OrlopServer, single: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    station = Station(tmp_path_factory.mktemp("signer"), COSIGN_PASSWORD="secret")
    return Desk(private, station, single, "signed")


@pytest.mark.parametrize(("way", "form"), [("tag", "simple"), ("referrer", "simple"), ("bundle", "bundle")])
def test_a_signature_by_a_known_key_counts(desk: Desk, way: str, form: str) -> None:
    image = desk.pushed(f"known-{way}")
    desk.sign(image, way=way)
    said = desk.signatures(image)
    (one,) = said["signatures"]
    assert (one["form"], one["problem"], one["predicate"]) == (form, "", "")
    assert one["signers"] == [{"at": "signed", "name": "release-team"}]
    assert [(each["signed"], each["satisfied"]) for each in said["signers"]] == [(1, True)]


@pytest.mark.parametrize("way", ["tag", "bundle"])
def test_the_signature_of_a_stranger_counts_for_nothing(desk: Desk, way: str) -> None:
    image = desk.pushed(f"stranger-{way}")
    desk.sign(image, by="strange", way=way)
    said = desk.signatures(image)
    (one,) = said["signatures"]
    assert one["signers"] == []
    assert [(each["signed"], each["satisfied"]) for each in said["signers"]] == [(0, False)]


def test_a_signature_of_another_image_counts_for_nothing(desk: Desk, platforms: Path) -> None:
    """What was signed elsewhere is put under the tag where signatures of this image are looked for."""
    image = desk.pushed("replayed")
    other = in_layout(platforms).digest
    place = f"{desk.server.address}/signed/elsewhere"
    desk.station.run("crane", "push", platforms, f"{place}:1")
    desk.sign(f"{place}@{other}")
    tag = f"{desk.digest.replace(':', '-')}.sig"
    desk.station.run("crane", "copy", f"{place}:{other.replace(':', '-')}.sig", f"{image.partition('@')[0]}:{tag}")
    (one,) = desk.signatures(image)["signatures"]
    assert one["signers"] == []
    assert other in one["problem"]


@pytest.mark.parametrize("form", ["jws", "cose"])
def test_notation_signs_with_a_certificate(desk: Desk, form: str) -> None:
    notary, folder = Notary(datetime.now(UTC)), desk.station.folder
    (folder / "notary.pem").write_bytes(notary.private)
    (folder / "chain.pem").write_bytes(notary.chain)
    (folder / "ca.pem").write_bytes(notary.authority)
    known = ("--certificates-file", "ca.pem", "--subject", "C=US, ST=WA, O=acme")
    desk.orlop("signers", "set", "notary", "--at", f"{desk.place}/noted-{form}/", *known)
    image = desk.pushed(f"noted-{form}/app")
    desk.station.run(
        "notation-signer",
        *(form, image, "notary.pem", "chain.pem"),
        variables={"REGISTRY_USER": "admin", "REGISTRY_PASSWORD": PASSWORD},
    )
    said = desk.signatures(image)
    (one,) = said["signatures"]
    assert (one["form"], one["who"]) == (form, "O=acme,ST=WA,C=US")
    assert {each["name"]: each["satisfied"] for each in said["signers"]} == {"notary": True, "release-team": False}


def test_the_signature_of_an_index_counts_for_what_it_lists(desk: Desk, platforms: Path) -> None:
    place, index = f"{desk.server.address}/{desk.place}/listed", in_layout(platforms)
    desk.station.run("crane", "push", platforms, f"{place}:1")
    desk.sign(f"{place}@{index.digest}", way="bundle")
    (child, *_) = json.loads(desk.station.run("crane", "manifest", f"{place}:1"))["manifests"]
    said = desk.signatures(f"{place}@{child['digest']}")
    assert [one["subject"] for one in said["signatures"]] == [index.digest]
    assert all(one["satisfied"] for one in said["signers"])
