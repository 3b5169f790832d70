"""A server whose key is that of a service: while its command hangs or fails, pushes go on and receipts wait."""

import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.content import image
from tests.managed import PASSWORD, Managed
from tests.needs import need
from tests.servers import ORLOP, OrlopServer, environment
from tests.serving import eventually

pytestmark = pytest.mark.slow


class Service:
    """A key service of the tests: what its command does stands in a file."""

    def __init__(self, folder: Path) -> None:
        openssl, sh, sleep = need("openssl", "sh", "sleep").values()
        own, self.public, self._mode = folder / "own.pem", folder / "key.pub", folder / "mode"
        self.command, self.begun = folder / "sign", folder / "begun"
        self.set("well")
        subprocess.run([openssl, "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", own], check=True)
        subprocess.run([openssl, "ec", "-in", own, "-pubout", "-out", self.public], check=True, capture_output=True)
        self.command.write_text(
            f"#!{sh}\necho . >> {self.begun}\ncase $(cat {self._mode}) in\nhangs) exec {sleep} 600 ;;\n"
            f"fails) exit 7 ;;\nesac\n{openssl} dgst -sha256 -sign {own} | {openssl} base64 -A\n"
        )
        self.command.chmod(self.command.stat().st_mode | stat.S_IXUSR)

    def set(self, mode: str) -> None:
        self._mode.write_text(mode)

    def calls(self) -> int:
        return len(self.begun.read_text().splitlines()) if self.begun.exists() else 0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return Service(tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def api(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    settings = {
        "open": False,
        "admin_password": PASSWORD,
        "workers": 1,
        "signing_command": str(service.command),
        "signing_public_key": service.public,
        "signing_timeout": "600s",
    }
    server = OrlopServer(tmp_path_factory.mktemp("attesting"), settings)
    server.start()
    try:
        made = Managed(server)
        said = made.ask("POST", "signing/init")
        assert said["public"].encode() == service.public.read_bytes()
        made.put("receipt-rules/all", {})
        yield made
        server.stop()
        server.verify()
    finally:
        server.kill()


def status(api: Managed) -> Any:
    return api.ask("GET", "signing/status")


def attested(api: Managed, repository: str) -> int:
    events = api.ask("GET", "audit?kind=image.attested&n=100")
    return len([event for event in events if event["repository"] == repository])


def test_a_command_that_fails_is_told_of_and_what_waits_is_signed_once_it_works(api: Managed, service: Service) -> None:
    service.set("fails")
    api.push("failing/app", image("failing"), "1")
    eventually("it was tried", lambda: "it ended with 7" in status(api)["error"])
    said = status(api)
    assert (said["waiting"], said["key"]["retired_at"]) == (1, None)
    assert "orlop_attestations_waiting 1.0" in api.scraped()
    home = str(service.public.parent)
    settings = environment({"ORLOP_SERVER": api.server.url, "HOME": home})
    login = [*ORLOP, "login", api.server.address, "--user", "admin", "--password-stdin"]
    subprocess.run(login, input=PASSWORD, text=True, env=settings, check=True, capture_output=True)
    told = subprocess.run(
        [*ORLOP, "signing", "status"], env=settings, check=True, capture_output=True, text=True
    ).stdout
    assert "1 statement waits to be signed, since " in told
    assert "it ended with 7" in told
    assert attested(api, "failing/app") == 0
    service.set("well")
    api.ask("POST", "jobs", {"kind": "sign-statements"})
    eventually("it is attested", lambda: attested(api, "failing/app") == 1)
    assert (status(api)["waiting"], status(api)["error"]) == (0, "")
    assert 'orlop_attestations_total{outcome="attested"} 1.0' in api.scraped()


def test_no_push_waits_for_a_command_that_hangs_and_each_is_signed_once_after_the_server_ended(
    api: Managed, service: Service
) -> None:
    service.set("hangs")
    before = service.calls()
    api.push("hanging/app", image("hanging"), "1")
    eventually("it signs", lambda: service.calls() == before + 1)
    for number in range(3):
        api.push(f"hanging/more{number}", image(f"hanging {number}"), "1")
    eventually("all wait", lambda: status(api)["waiting"] == 4)
    assert service.calls() == before + 1, "and it is asked no more meanwhile"
    api.server.stop()
    service.set("well")
    api.server.start()
    api.ask("POST", "jobs", {"kind": "sign-statements"})
    names = ["hanging/app", *(f"hanging/more{number}" for number in range(3))]
    eventually("all are attested", lambda: [attested(api, name) for name in names] == [1] * 4, 60.0)
    assert status(api)["waiting"] == 0
    for name in names:
        digest = api.manifest(name, "1").header("docker-content-digest")
        said = json.loads(api.manifest(name, f"sha256-{digest.partition(':')[2]}.att").body)
        assert len(said["layers"]) == 1
