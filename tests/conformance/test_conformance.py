"""The official conformance program, at both versions of the specification, against every pair of stores.

Its exit code says little: a pass outranks a skip in its summary, and a mistake in its configuration exits 0. So the
JUnit file has to be fresh, with every test in it passed, and as many of them as there are.
"""

import base64
import json
import os
import re
import subprocess
import urllib.request
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.content import artifact, image, platform_index
from tests.faults.pushing import Client
from tests.needs import need
from tests.postgres import PostgresServer
from tests.s3 import versitygw
from tests.servers import free_port, orlop_server
from tests.serving import eventually

pytestmark = pytest.mark.slow

#: Tests and groups of tests that the program counts with everything switched on; a newer one may have more.
_TESTS = 985

MEMORY = {"catalog_url": "memory", "blobs_url": "memory", "workers": 1}
DISK = {"workers": 2}

_PASSWORD = "a phrase for conformance"
#: The program asks for more in a minute than a client does.
_UNLIMITED = {f"rate_limits_{name}": 0 for name in ("pulls", "uploads", "address_pulls", "address_uploads")}

#: What the program calls sparse are an index and an image. The registry can be told to take indexes whose manifests are
#: elsewhere; an image without its layers is of use to nobody and stays refused, so it is also not found later.
_IMAGE_WITHOUT_LAYER = Counter(
    {
        "sparse/push/manifest-by-digest": 1,
        "sparse/push/manifest-by-tag": 1,
        "sparse/tag-list": 1,
        "sparse/head/manifest-head-by-tag": 1,
        "sparse/head/manifest-head-by-digest": 1,
        "sparse/pull/manifest-by-tag": 1,
        "sparse/pull/manifest-by-digest": 1,
    }
)


@pytest.mark.parametrize("stores", [MEMORY, DISK], ids=["memory", "disk"])
@pytest.mark.parametrize("version", ["1.1", "dev"])
def test_conformance(tmp_path: Path, stores: dict[str, object], version: str) -> None:
    with orlop_server(tmp_path / "server", **stores) as server:
        assert _not_passed(server.address, version, tmp_path) == Counter()
        if stores is DISK:
            server.verify()


@pytest.mark.parametrize("version", ["1.1", "dev"])
def test_conformance_with_accounts(tmp_path: Path, version: str) -> None:
    """The program finds out by the challenge where to fetch tokens, and for what; nothing is open to anybody."""
    settings = {"open": False, "admin_password": _PASSWORD, **_UNLIMITED, **DISK}
    with orlop_server(tmp_path / "server", **settings) as server:
        signed_in = {"OCI_USERNAME": "admin", "OCI_PASSWORD": _PASSWORD}
        assert _not_passed(server.address, version, tmp_path, **signed_in) == Counter()
        server.verify()


@pytest.mark.parametrize("version", ["1.1", "dev"])
def test_conformance_with_names_and_passwords(tmp_path: Path, version: str) -> None:
    """The program does as the challenge says, so a proxy challenges it to send name and password with each request."""
    settings = {"open": False, "admin_password": _PASSWORD, **_UNLIMITED, **DISK}
    with orlop_server(tmp_path / "server", **settings) as server, _challenging(tmp_path, server.address) as address:
        signed_in = {"OCI_USERNAME": "admin", "OCI_PASSWORD": _PASSWORD}
        assert _not_passed(address, version, tmp_path, **signed_in) == Counter()
        server.verify()
    answered = [json.loads(line) for line in server.access_log.read_text().splitlines()]
    assert {each["route"] for each in answered}.isdisjoint({"token"})
    assert sum(each.get("subject") == "admin" and each["route"] != "ping" for each in answered) > _TESTS


@contextmanager
def _challenging(folder: Path, address: str) -> Iterator[str]:
    """Nginx before a server, which asks for Basic wherever the server asks to sign in; where it listens."""
    port = free_port()
    configuration = folder / "nginx.conf"
    temporary = " ".join(f"{what}_temp_path {folder}/{what};" for what in _TEMPORARY)
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(
        f"""
        {user} daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}
        http {{
            access_log off; client_max_body_size 0; {temporary}
            map $upstream_http_www_authenticate $challenge {{ "" ""; default 'Basic realm="orlop"'; }}
            server {{
                listen 127.0.0.1:{port};
                location / {{
                    proxy_pass http://{address}; proxy_http_version 1.1; proxy_set_header Host $http_host;
                    proxy_request_buffering off; proxy_buffering off;
                    proxy_hide_header WWW-Authenticate; add_header WWW-Authenticate $challenge always;
                }}
            }}
        }}
        """
    )
    nginx = [need("nginx")["nginx"], "-e", str(folder / "nginx.log"), "-c", str(configuration)]
    process = subprocess.Popen(nginx, stdin=subprocess.DEVNULL)
    try:
        eventually("nginx runs", (folder / "nginx.pid").exists)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@pytest.mark.parametrize("version", ["1.1", "dev"])
def test_conformance_scaled_out(tmp_path: Path, postgres: PostgresServer, version: str) -> None:
    with versitygw(tmp_path / "versitygw") as store:
        stores = {"catalog_url": postgres.catalog(), **store.settings(store.made("conformance"))}
        with orlop_server(tmp_path / "server", **DISK, **stores) as server:
            assert _not_passed(server.address, version, tmp_path) == Counter()
            server.verify()


def test_conformance_with_indexes_whose_manifests_are_missing(tmp_path: Path) -> None:
    with orlop_server(tmp_path / "server", manifests_sparse_indexes=True, **DISK) as server:
        assert _not_passed(server.address, "dev", tmp_path, OCI_DATA_SPARSE="true") == _IMAGE_WITHOUT_LAYER
        server.verify()


def _not_passed(address: str, version: str, folder: Path, **more: str) -> Counter[str]:
    """Run the program; the names of its tests that did not pass. Fails when it did not run, or not everything."""
    program = need("conformance")["conformance"]
    results = folder / "results"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OCI_")}
    environment = {
        **kept,
        "OCI_REGISTRY": address,
        "OCI_TLS": "disabled",
        "OCI_REPO1": "conformance/repo1",
        "OCI_REPO2": "conformance/repo2",
        "OCI_VERSION": version,
        "OCI_API_BLOBS_UPLOAD_CANCEL": "true",
        "OCI_API_MANIFESTS_TAG_PARAM": "true",
        "OCI_RESULTS_DIR": str(results),
        **more,
    }
    done = subprocess.run([program], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert f"registry: {address}\n" in (results / "results.yaml").read_text(), done.stderr[-4000:]
    root = ET.parse(results / "junit.xml").getroot()
    failed = Counter(
        case.attrib["name"].removeprefix("OCI Conformance Test/")
        for case in root.iter("testcase")
        if case.get("status") != "passed"
    )
    for suite in (root, *root.iter("testsuite")):
        assert int(suite.attrib["tests"]) >= _TESTS
        counted = {name: int(suite.get(name, 0)) for name in ("failures", "errors", "skipped", "disabled")}
        # The program counts groups as well: what failed in a group fails the group.
        assert any(counted.values()) == bool(failed), (counted, done.stderr[-8000:])
    assert done.returncode == (1 if failed else 0), done.stderr[-4000:]
    return failed


def test_conformance_of_a_namespace_that_shows_another_registry(tmp_path: Path) -> None:
    """Whatever reads, of content that is there alone; the second time from what is cached."""
    subject = image("app", layers=["base", "code"])
    pushed = (subject, platform_index("all"), artifact("signature", subject=subject), artifact("sbom", subject=subject))
    settings = {"open": False, "admin_password": _PASSWORD, "outbound_networks": "127.0.0.0/8", **_UNLIMITED, **DISK}
    with orlop_server(tmp_path / "upstream", **DISK) as upstream, orlop_server(tmp_path / "server", **settings) as here:
        with Client(upstream.address) as client:
            for number, each in enumerate(pushed):
                for one in each.everything():
                    client.push(one, f"v{number}" if one is each else one.digest)
        body = json.dumps({"url": upstream.url}).encode()
        request = urllib.request.Request(
            f"{here.url}/api/v1/upstreams/hub?path=hub",
            body,
            {
                "Authorization": f"Basic {base64.b64encode(f'admin:{_PASSWORD}'.encode()).decode()}",
                "Content-Type": "application/json",
                "If-None-Match": "*",
            },
            method="PUT",
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status in {200, 201}
        manifests = [one for each in pushed for one in each.everything()]
        reading = {
            "OCI_USERNAME": "admin",
            "OCI_PASSWORD": _PASSWORD,
            "OCI_REPO1": "hub/team/app",
            "OCI_API_PUSH": "false",
            "OCI_API_BLOBS_DELETE": "false",
            "OCI_API_MANIFESTS_DELETE": "false",
            "OCI_API_TAGS_DELETE": "false",
            "OCI_RO_DATA_TAGS": " ".join(f"v{number}" for number in range(len(pushed))),
            "OCI_RO_DATA_MANIFESTS": " ".join(dict.fromkeys(each.digest for each in manifests)),
            "OCI_RO_DATA_BLOBS": " ".join(dict.fromkeys(piece.digest for each in manifests for piece in each.blobs)),
            "OCI_RO_DATA_REFERRERS": subject.digest,
        }
        for _ in range(2):
            read = _read(here.address, tmp_path, **reading)
            assert read["Pass"] >= _READS, read
            assert read["FAIL"] == read["Error"] == 0, read
        here.verify()


#: Of reading alone there are so many tests and groups of tests, for the content above.
_READS = 40


def _read(address: str, folder: Path, **more: str) -> Counter[str]:
    """Run the program without whatever writes; how often its tests came to what."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OCI_")}
    environment = {
        **kept,
        "OCI_REGISTRY": address,
        "OCI_TLS": "disabled",
        "OCI_REPO2": "conformance/repo2",
        "OCI_VERSION": "1.1",
        "OCI_RESULTS_DIR": str(folder / "results"),
        **more,
    }
    program = need("conformance")["conformance"]
    done = subprocess.run([program], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert f"registry: {address}\n" in done.stdout, done.stderr[-4000:]
    # Without pushes the program fails when it writes its files, after it said on its output what came of its tests.
    said = done.stdout.partition("OCI Conformance Result: ")[2].partition("Total")[0]
    return Counter({name: int(count) for name, count in re.findall(r"^  (\w+)\.*: +([0-9]+)$", said, re.MULTILINE)})
