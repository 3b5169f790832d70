"""What the registry attests: cosign 2 and 3 verify receipts and decisions with the public key that it serves."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orlop.domain.attesting.statements import DECISION_TYPE, RECEIPT_TYPE
from tests.clients.contents import in_layout
from tests.clients.programs import Station
from tests.managed import PASSWORD, Managed
from tests.postgres import PostgresServer
from tests.servers import OrlopServer
from tests.serving import eventually

pytestmark = pytest.mark.slow

#: A trusted root without anything in it: cosign 2.6 asks for one where it finds a bundle (sigstore/protobuf-specs,
#: sigstore_trustroot.proto).
_NO_ROOT = '{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}'
_OFFLINE = ("--insecure-ignore-tlog=true", "--trusted-root=root.json")


class Attested:
    """A server that signs what is pushed and promoted, and where a person verifies it."""

    def __init__(self, server: OrlopServer, station: Station) -> None:
        self.api, self.station = Managed(server), station
        self.address = server.address
        (station.folder / "root.json").write_text(_NO_ROOT)
        station.run("crane", "auth", "login", server.address, "-u", "admin", "-p", PASSWORD)
        station.run("cosign", "generate-key-pair", "--output-key-prefix=strange")
        for name in ("ann", "pat"):
            self.api.ask("POST", "users", {"name": name, "password": PASSWORD})
            self.api.ask("PUT", f"users/{name}/password", {"password": PASSWORD, "must_change": False})
            self.api.ask("POST", "grants", {"principal": name, "role": "owner", "place": {"kind": "registry"}})
        self.api.ask("POST", "signing/init")
        self.api.put("receipt-rules/attested", {})
        self.keep("ours.pub")

    def keep(self, name: str) -> None:
        """The key that signs now, as the registry serves it to anybody."""
        self.station.run("curl", "-sf", "-o", name, f"http://{self.address}/signing/key.pem")

    def pushed(self, image: Path, repository: str) -> str:
        """Push an image; its name with its digest."""
        self.station.run("crane", "push", image, f"{self.address}/{repository}:1")
        return f"{self.address}/{repository}@{in_layout(image).digest}"

    def wait(self, predicate_type: str, repository: str) -> None:
        """Until it is attested there."""
        eventually(
            f"{repository} is attested",
            lambda: any(
                (event["repository"], event["subject"]) == (repository, predicate_type)
                for event in self.api.ask("GET", "audit?kind=image.attested&n=100")
            ),
        )

    def verified(self, program: str, image: str, predicate_type: str, key: str = "ours.pub") -> list[Any]:
        """The predicates that verify."""
        said = self.station.text(program, *_command(image, predicate_type, key))
        envelopes = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return [json.loads(base64.b64decode(one["payload"]))["predicate"] for one in envelopes]

    def refuses(self, program: str, image: str, predicate_type: str, key: str) -> None:
        self.station.refused(program, *_command(image, predicate_type, key))


def _command(image: str, predicate_type: str, key: str) -> list[str]:
    return ["verify-attestation", *_OFFLINE, f"--key={key}", f"--type={predicate_type}", image]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def attested(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attested]:
    settings: dict[str, Any] = {"open": False, "admin_password": PASSWORD, "workers": 1}
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        settings["catalog_url"] = postgres.catalog()
    server = OrlopServer(tmp_path_factory.mktemp("attested"), settings)
    server.start()
    try:
        yield Attested(server, Station(tmp_path_factory.mktemp("verifier"), COSIGN_PASSWORD="secret"))
        server.stop()
        server.verify()
    finally:
        server.kill()


def test_a_receipt_verifies_with_the_key_that_is_served_and_no_other(attested: Attested, single: Path) -> None:
    image = attested.pushed(single, "received/app")
    attested.wait(RECEIPT_TYPE, "received/app")
    for program in ("cosign", "cosign3"):
        (said,) = attested.verified(program, image, RECEIPT_TYPE)
        assert (said["pushedBy"], said["repository"]) == ("admin", "received/app")
        assert said["digest"] == image.partition("@")[2]
        attested.refuses(program, image, RECEIPT_TYPE, "strange.pub")
        attested.refuses(program, image, DECISION_TYPE, "ours.pub")


def test_a_decision_verifies_where_the_image_was_promoted_to_through_a_gate_that_asks_for_a_receipt(
    attested: Attested, single: Path
) -> None:
    api = attested.api
    key = (attested.station.folder / "ours.pub").read_text()
    api.put("pipelines/app", {"stages": ["dev=dev/", "prod=prod/"], "approvals": ["prod=2"]})
    api.put("signers/registry?path=prod", {"keys": [key], "predicate": RECEIPT_TYPE})
    api.put("gates/received?path=prod", {"on": ["promotion"], "signed_by": ["registry"], "mode": "enforce"})
    api.put("receipt-rules/none?path=dev/unsaid", {"pushes": False})
    attested.pushed(single, "dev/unsaid/app")
    unsaid = {"images": ["dev/unsaid/app:1"], "stage": "prod"}
    assert "gate received" in api.refused("POST", "promotions", unsaid, status=403)["detail"]
    image = attested.pushed(single, "dev/app")
    attested.wait(RECEIPT_TYPE, "dev/app")
    asked = api.ask("POST", "promotions", {"images": ["dev/app:1"], "stage": "prod"})
    number = asked["promotion"]["id"]
    for who in ("ann", "pat"):
        api.ask("POST", f"promotions/{number}/approvals", who=who)
    attested.wait(DECISION_TYPE, "prod/app")
    there = image.replace("/dev/", "/prod/")
    for program in ("cosign", "cosign3"):
        (said,) = attested.verified(program, there, DECISION_TYPE)
        assert (said["promotion"], said["decision"], said["requestedBy"]) == (number, "promoted", "admin")
        assert [one["by"] for one in said["approvals"]] == ["ann", "pat"]
        assert said["from"] == {"stage": "dev", "repository": "dev/app", "tag": "1"}
        assert said["to"] == {"stage": "prod", "repository": "prod/app", "tag": "1"}
        assert said["gates"] == [{"name": "received", "path": "prod", "mode": "enforce", "verdict": "passed"}]
        assert said["requestedAt"] < said["approvals"][0]["at"] < said["decidedAt"]
        attested.refuses(program, there, DECISION_TYPE, "strange.pub")
        (receipt,) = attested.verified(program, there, RECEIPT_TYPE)
        assert receipt["repository"] == "dev/app", "the receipt is that of the push, and came along"


def test_what_an_older_key_signed_holds_and_the_newer_one_signs_from_then_on(attested: Attested, single: Path) -> None:
    before = attested.pushed(single, "rotated/before")
    attested.wait(RECEIPT_TYPE, "rotated/before")
    attested.api.ask("POST", "signing/rotate")
    attested.keep("newer.pub")
    after = attested.pushed(single, "rotated/after")
    attested.wait(RECEIPT_TYPE, "rotated/after")
    served = json.loads(attested.station.text("curl", "-sf", f"http://{attested.address}/signing/keys.json"))["keys"]
    older = (attested.station.folder / "ours.pub").read_text()
    assert [(one["public"] == older, one["until"] is None) for one in served] == [(False, True), (True, False)]
    for program in ("cosign", "cosign3"):
        assert len(attested.verified(program, before, RECEIPT_TYPE)) == 1
        assert len(attested.verified(program, after, RECEIPT_TYPE, "newer.pub")) == 1
        attested.refuses(program, after, RECEIPT_TYPE, "ours.pub")
