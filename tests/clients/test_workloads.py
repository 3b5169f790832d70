"""CI jobs that push with nothing but who they are: real clients, a server with accounts, and a helper for docker."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from orlop.adapters.filesystem import open_data_folder
from orlop.adapters.sql.catalog import DATABASE, open_sqlite
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.domain.access import Place, PlaceKind, SubjectKind
from orlop.domain.identity.trusts import KIND
from orlop.ports.catalog import By
from orlop.ports.clock import SECOND
from orlop.ports.identity import Account, Document, NewGrant
from tests.clients.contents import in_layout
from tests.clients.programs import Station
from tests.servers import OrlopServer, environment, orlop_server
from tests.workload.issuers import github_claims
from tests.workload.keys import public, rsa, sign

pytestmark = pytest.mark.slow

#: `orlop` as the job has it on its path.
ORLOP = ("sh", "-c", 'exec orlop "$@"', "sh")
GITHUB = "https://token.actions.githubusercontent.com"


async def _furnish(folder: Path, audience: str) -> None:
    """A robot that may push below `team`, and the trust that makes workflows of one repository it."""
    by = By("admin", time.time_ns() // 1_000)
    tree = open_data_folder(folder)
    migrate(tree.catalog / DATABASE, lambda: by.at)
    opened = open_sqlite(tree.catalog)
    identity = opened.identity
    await identity.accounts.add(Account(kind=SubjectKind.ROBOT, name="robot+ci"), by)
    place = Place(PlaceKind.NAMESPACE, "team")
    await identity.grants.add(NewGrant(principal="robot+ci", role="publisher", place=place), by)
    trust = {
        "kind": "oidc",
        "preset": "github",
        "robot": "robot+ci",
        "audience": audience,
        "claims": {"repository": "octo-org/octo-repo"},
        "jwks": {"keys": [public(rsa("key-1"))]},
    }
    await identity.documents.put(Document(KIND, "main", msgspec.json.encode(trust)), by)
    await opened.engine.close()


@pytest.fixture(scope="module")
def private(scratch: Callable[[str], Path]) -> Iterator[OrlopServer]:
    """A server that asks who comes."""
    folder = scratch("workloads")
    folder.mkdir(exist_ok=True)
    with orlop_server(folder, open=False, workers=1) as server:
        server.stop()
        asyncio.run(_furnish(server.data, server.address))
        server.start()
        yield server


def token(audience: str, **changed: object) -> str:
    """Of a workflow that runs now."""
    claims = github_claims(time.time_ns() // 1_000 // SECOND, **{"aud": audience, **changed})
    return sign({"iss": GITHUB, **claims}, rsa("key-1"))


@pytest.fixture
def job(private: OrlopServer, station: Station) -> Station:
    """A CI job: it has a token, the helper on its path, and files that name the helper for the registry."""
    programs = station.folder / "programs"
    programs.mkdir()
    source = str(Path(__file__).parents[2] / "src")
    for name, entry in (("docker-credential-orlop", "docker_credential"), ("orlop", "main")):
        program = programs / name
        code = f"from orlop.__main__ import {entry}; {entry}()"
        program.write_text(f'#!/bin/sh\nPYTHONPATH={source} exec {sys.executable} -c "{code}" "$@"\n')
        program.chmod(0o755)
    helpers = station.folder / "helpers" / "config.json"
    helpers.parent.mkdir()
    helpers.write_text(json.dumps({"credHelpers": {private.address: "orlop"}}))
    station.environment |= {
        "PATH": f"{programs}:{station.environment['PATH']}",
        "REGISTRY_ID_TOKEN": token(private.address),
        "XDG_CONFIG_HOME": str(station.folder / "home" / ".config"),
        "DOCKER_CONFIG": str(helpers.parent),
        "REGISTRY_AUTH_FILE": str(helpers),
    }
    return station


def test_crane_asks_the_helper(private: OrlopServer, job: Station, single: Path) -> None:
    image = f"{private.address}/team/crane:1"
    job.run("crane", "push", single, image)
    job.run("crane", "pull", "--format=oci", image, job.folder / "pulled")
    assert in_layout(job.folder / "pulled") == in_layout(single)
    assert "DENIED" in job.refused("crane", "push", single, f"{private.address}/other/crane:1")


def test_skopeo_asks_the_helper(private: OrlopServer, job: Station, single: Path) -> None:
    image = f"docker://{private.address}/team/skopeo:1"
    job.run("skopeo", "copy", "--dest-tls-verify=false", f"oci:{single}:one", image)
    job.run("skopeo", "inspect", "--tls-verify=false", image)


def test_docker_login_with_the_token(private: OrlopServer, job: Station) -> None:
    config = job.folder / "docker"
    config.mkdir()
    variables = {"DOCKER_CONFIG": str(config), "DOCKER_HOST": "unix:///nonexistent.sock"}
    sent = job.environment["REGISTRY_ID_TOKEN"].encode()
    command = ("login", "--username", "oidc", "--password-stdin", private.address)
    assert b"Login Succeeded" in job.run("docker", *command, sent=sent, variables=variables)
    assert private.address in json.loads((config / "config.json").read_text())["auths"]


def test_a_login_of_ours_serves_others(private: OrlopServer, job: Station, single: Path) -> None:
    config = job.folder / "docker"
    config.mkdir()
    job.environment |= {"DOCKER_CONFIG": str(config)}
    del job.environment["REGISTRY_AUTH_FILE"]
    said = job.text(*ORLOP, "login", "--oidc", private.address)
    assert said.startswith(f"signed in to {private.address} with the identity of this place (token) until 20")
    job.environment["REGISTRY_ID_TOKEN"] = ""
    job.run("crane", "push", single, f"{private.address}/team/login:1")
    job.run("skopeo", "inspect", "--tls-verify=false", f"docker://{private.address}/team/login:1")
    assert f"{private.address}/team/login" in job.text(*ORLOP, "digest", f"{private.address}/team/login:1", "--json")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"repository": "evil-org/octo-repo"}, "no trust here accepts a token with these claims"),
        ({"exp": 1_700_000_000}, "expired"),
        ({"aud": "registry.example.com"}, "another audience"),
    ],
)
def test_others_are_told_why_not(
    private: OrlopServer, job: Station, single: Path, changed: dict[str, object], word: str
) -> None:
    job.environment["REGISTRY_ID_TOKEN"] = token(private.address, **changed)
    assert word in job.refused(*ORLOP, "login", "--oidc", private.address)
    assert word in job.refused("crane", "push", single, f"{private.address}/team/evil:1")


def test_the_log_says_more_under_the_reference(private: OrlopServer, job: Station) -> None:
    job.environment["REGISTRY_ID_TOKEN"] = token(private.address, repository="evil-org/other")
    refused = job.refused(*ORLOP, "login", "--oidc", private.address)
    reference = refused.partition("says more under ")[2].partition(")")[0]
    (line,) = [line for line in private.log_text().splitlines() if reference in line]
    said = json.loads(line)
    assert (said["trust"], said["claim"], said["found"]) == ("main", "repository", "evil-org/other")
    assert job.environment["REGISTRY_ID_TOKEN"] not in private.log_text()


def test_the_kubelet_s_plugin_answers_as_a_program(private: OrlopServer, job: Station) -> None:
    request = {
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderRequest",
        "image": f"{private.address}/team/app:1",
    }
    done = subprocess.run(
        [*ORLOP, "credential-provider"],
        input=json.dumps(request).encode(),
        env=environment(job.environment),
        capture_output=True,
        timeout=60,
        check=True,
    )
    (login,) = json.loads(done.stdout)["auth"].values()
    assert login == {"username": "oidc", "password": job.environment["REGISTRY_ID_TOKEN"]}
    assert os.linesep not in done.stdout.decode().strip()
