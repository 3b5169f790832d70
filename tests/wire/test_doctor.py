"""orlop doctor, status and support-bundle as programs, beside a server; and what probes find of real stores."""

import asyncio
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from orlop.adapters.filesystem.probe import FolderProbe, kind_of
from orlop.adapters.management.probe import ServerProbe
from orlop.adapters.s3.probe import BucketProbe
from orlop.adapters.sql.postgres.connections import Database
from orlop.adapters.sql.postgres.probe import DatabaseProbe
from orlop.domain.errors import Unavailable
from tests.managed import PASSWORD, Managed
from tests.postgres import PostgresServer
from tests.s3 import versitygw
from tests.servers import ORLOP, OrlopServer, free_port
from tests.serving import serving
from tests.unit.checkup.test_chain import Made

pytestmark = pytest.mark.slow

#: What nobody may find in a bundle.
SECRET = "pLanted-s3cret-0123456789"


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(tmp_path_factory.mktemp("doctor"), {"open": False, "workers": 1, "admin_password": PASSWORD})
    server.start()
    try:
        yield Managed(server)
    finally:
        server.stop()


def orlop(managed: Managed, *arguments: str, home: Path, code: int = 0, **more: str) -> str:
    ended = subprocess.run(
        [*ORLOP, *arguments],
        env=managed.server.environment() | {"HOME": str(home), "XDG_CONFIG_HOME": str(home), **more},
        cwd=home,
        input=PASSWORD,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == code, (ended.stdout, ended.stderr)
    return ended.stdout


@pytest.fixture(scope="module")
def home(managed: Managed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    orlop(managed, "login", managed.server.address, "--user", "admin", "--password-stdin", home=made)
    return made


def verdicts(text: str) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in json.loads(text)}


def test_status_is_one_screen(managed: Managed, home: Path) -> None:
    said = orlop(managed, "status", home=home)
    lines = {line.partition(":")[0]: line.partition(":")[2].strip() for line in said.splitlines()}
    assert lines["registry"].startswith("orlop ")
    assert lines["registry"].endswith("takes writes")
    assert lines["stores"] == "catalog ok; blobs ok"
    assert lines["replicas"].endswith("(1 worker)")
    assert lines["attention"] == "nothing needs you"
    assert len(said.splitlines()) <= 24
    found = json.loads(orlop(managed, "status", "--json", home=home))
    assert [replica["workers"] for replica in found["replicas"]] == [1]
    assert found["schema"] > 50
    assert found["certificates"] == []
    assert found["disk"]["size"] > found["disk"]["free"]


def test_the_doctor_beside_a_server_and_at_it(managed: Managed, home: Path) -> None:
    here = verdicts(orlop(managed, "doctor", "--json", home=home))
    assert {"configuration", "open files", "URL for clients", "schema", "room in the data folder"} <= set(here)
    assert here["schema"] == here["configuration"] == "ok"
    assert not list(managed.server.data.glob(".doctor-*"))
    there = verdicts(orlop(managed, "doctor", "--server", managed.server.address, "--json", home=home))
    assert there[f"server {managed.server.url}"] == there["sign-in of clients"] == there["clock of the server"] == "ok"
    said = orlop(managed, "doctor", "--server", f"127.0.0.1:{free_port()}", home=home, code=1)
    assert "connection refused" in said
    assert "1 check: 0 warn, 1 fail" in said


def test_settings_that_cannot_be_used_are_a_check_that_fails(managed: Managed, home: Path) -> None:
    said = orlop(managed, "doctor", "--json", home=home, code=1, ORLOP_WORKERS="many")
    assert [(check["name"], check["verdict"]) for check in json.loads(said)] == [("configuration", "fail")]
    assert "'many'" in json.loads(said)[0]["says"]


def test_a_bundle_holds_no_secret(managed: Managed, home: Path) -> None:
    """Secrets stand in settings, in URLs, in what the server was told, and in what it logged."""
    hook = {"url": "https://127.0.0.1:9/x", "events": ["tag.*"], "authorization": f"Bearer {SECRET}"}
    managed.put("webhooks/told", hook)
    managed.ask("POST", "jobs", {"kind": "collection"})
    token = managed.ask("POST", "tokens", {"name": "planted"})["secret"]
    log = home / "server.log"
    log.write_text(
        "\n".join(
            (
                "a line that helps",
                f'{{"event": "x", "authorization": "Bearer {SECRET}"}}',
                f"GET https://ann:{SECRET}@other/x?X-Amz-Signature={SECRET}",
                f"signed in with {token}",
                f"password={SECRET}",
            )
        )
    )
    planted = {
        "ORLOP_BLOBS_SECRET_ACCESS_KEY": f"{SECRET}-key",
        "ORLOP_BLOBS_ACCESS_KEY_ID": "known",
        "ORLOP_SECRET_HUB": f"{SECRET}-hub",
        "ORLOP_WEBHOOKS_PROXY": f"http://proxy:{SECRET}@127.0.0.1:9",
        "ORLOP_ADMIN_PASSWORD": PASSWORD,
    }
    file = home / "bundle.tar.gz"
    orlop(managed, "support-bundle", str(file), "--log", str(log), home=home, **planted)
    assert file.stat().st_mode & 0o777 == 0o600
    found: dict[str, str] = {}
    with tarfile.open(file) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            found[member.name.removeprefix("orlop-support/")] = content.read().decode()
    assert set(found) == {
        *("about.json", "configuration.json", "doctor.json", "logs/1-server.log"),
        *(f"server/{name}" for name in ("status.json", "configuration.json", "jobs.json", "audit-counts.json")),
        "server/metrics.txt",
    }
    for name, text in found.items():
        assert SECRET not in text, name
        assert PASSWORD not in text, name
        assert token not in text, name
    assert "a line that helps" in found["logs/1-server.log"]
    assert "orlop_requests_total" in found["server/metrics.txt"]
    jobs = json.loads(found["server/jobs.json"])
    assert "collection" in {job["kind"] for job in jobs}
    assert {"state", "attempts", "error"} <= set(jobs[0])
    assert not {"arguments", "asked_by"} & set(jobs[0])
    counts = json.loads(found["server/audit-counts.json"])
    assert sum(each["count"] for each in counts["kinds"]) == counts["entries"]
    assert json.loads(found["about.json"])["missing"] == {}


def test_a_bundle_without_a_server_says_what_is_missing(managed: Managed, tmp_path: Path) -> None:
    orlop(managed, "support-bundle", "b.tar.gz", home=tmp_path)
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        about = archive.extractfile("orlop-support/about.json")
        assert about is not None
        told: Any = json.loads(about.read())
    assert list(told["missing"]) == ["server"]
    assert told["files"] == ["configuration.json", "doctor.json"]


async def test_a_folder_is_measured(tmp_path: Path) -> None:
    facts = await FolderProbe(tmp_path).look()
    assert facts.size > facts.free > 0
    assert facts.sync_seconds > 0
    assert facts.locks
    assert abs(facts.skew) < 2_000_000
    assert not os.listdir(tmp_path)
    (tmp_path / "mounts").write_text(
        f"1 0 0:1 / / rw - rootfs root rw\n2 1 9:9 / {tmp_path.parent} rw - xfs /dev/a rw\n"
        f"3 1 9:8 / {tmp_path}\\040x rw - nfs4 b:/ rw\n"
    )
    assert kind_of(tmp_path, tmp_path / "mounts") == "xfs"
    with pytest.raises(Unavailable):
        await FolderProbe(tmp_path / "nowhere").look()


async def test_a_database_says_what_it_takes(postgres: PostgresServer) -> None:
    url = await asyncio.to_thread(postgres.database)
    facts = await DatabaseProbe(Database(url)).look()
    assert (facts.writes, facts.creates, facts.durable, facts.connections) == (True, True, False, 200)
    assert abs(facts.skew) < 2_000_000
    connection = await Database(url).connect()
    await connection.execute("DROP ROLE IF EXISTS guest")
    await connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest-word'")
    await connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    await connection.execute("ALTER ROLE guest SET default_transaction_read_only = on")
    try:
        scheme, _, rest = url.partition("://")
        guest = f"{scheme}://guest:guest-word@{rest.rpartition('@')[2]}"
        facts = await DatabaseProbe(Database(guest)).look()
        assert (facts.writes, facts.creates) == (False, False)
    finally:
        await connection.execute("DROP ROLE guest")
        connection.terminate()
    with pytest.raises(Unavailable):
        await DatabaseProbe(Database(f"postgresql://nobody@127.0.0.1:{free_port()}/x")).look()


async def test_a_bucket_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    with versitygw(tmp_path) as server:
        await server.make("blobs")
        facts = await BucketProbe(server.options("blobs", "deep"), "one").look()
        assert facts.refused == ()
        assert facts.skew is None or abs(facts.skew) < 2_000_000
        assert not [name for _, _, files in os.walk(server.objects / "blobs") for name in files]
        with pytest.raises(Unavailable):
            await BucketProbe(server.options("nowhere"), "one").look()


class _Stranger(BaseHTTPRequestHandler):
    """Something else that speaks HTTP, whose clock went wrong."""

    def do_GET(self) -> None:
        self.send_response_only(200 if self.path != "/v2/" else 401)
        self.send_header("date", "Thu, 01 Jan 2026 00:00:00 GMT")
        if self.path == "/v2/":
            self.send_header("www-authenticate", f'Bearer realm="http://127.0.0.1:{free_port()}/token",service="x"')
        self.end_headers()
        if self.path == "/readyz":
            self.wfile.write(b'{"status": "ready", "checks": {"catalog": "ok"}}')

    def log_message(self, *_: object) -> None:
        pass


async def test_a_realm_that_nobody_answers_and_a_wrong_clock_are_found() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Stranger)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        facts = await ServerProbe(f"http://127.0.0.1:{server.server_port}", lambda _, __: None, verify_tls=True).look()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert facts.is_ready
    assert "connection refused" in facts.realm_trouble
    assert facts.skew is not None
    assert facts.skew < -60_000_000
    assert facts.ends_at == 0


async def test_a_server_with_tls_shows_its_certificate(tmp_path: Path) -> None:
    root = Made("root", None)
    leaf = Made("leaf", root, host="localhost")
    (tmp_path / "root.pem").write_bytes(root.pem)
    (tmp_path / "cert.pem").write_bytes(leaf.pem)
    (tmp_path / "key.pem").write_bytes(leaf.secret)
    flags = ("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"), "--workers", "1")
    with serving(tmp_path, *flags) as server:
        url = f"https://localhost:{server.port}"
        trusting = ServerProbe(url, lambda _, __: None, verify_tls=True, ca=str(tmp_path / "root.pem"))
        facts = await trusting.look()
        assert facts.trouble == ""
        assert facts.is_ready
        assert facts.ends_at == int(leaf.certificate.not_valid_after_utc.timestamp()) * 1_000_000
        strange = await ServerProbe(url, lambda _, __: None, verify_tls=True).look()
        assert "no authority that is trusted here has signed" in strange.trouble
        other = ServerProbe(url.replace("localhost", "127.0.0.1"), lambda _, __: None, verify_tls=False)
        found = await other.look()
        assert (found.trouble, found.ends_at) == ("", facts.ends_at)
