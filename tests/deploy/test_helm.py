"""The chart: Helm finds no fault, every object of twelve ways to install it is one of three versions of Kubernetes, the
text is always the same, values that make no sense are refused with a sentence, and nothing skips the migration."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orlop.config.sources import ADMIN_PASSWORD_VARIABLE, all_settings, load
from tests.deploy.charts import CHART, VALUES, VERSIONS, helm, objects, of_the_docs, rendered, schemas
from tests.needs import need
from tests.postgres import PostgresServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What each set of values becomes."""
    folder = tmp_path_factory.mktemp("helm")
    found = {}
    for name, values in {**VALUES, "docs": of_the_docs()}.items():
        done = rendered(values, folder)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        found[name] = done.stdout
    return found


def _of(text: str, kind: str) -> list[dict[str, Any]]:
    return [each for each in objects(text) if each["kind"] == kind]


def _container(text: str, kind: str = "Deployment") -> dict[str, Any]:
    (found,) = _of(text, kind)
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def test_there_are_twelve_sets_and_three_versions() -> None:
    assert len(VALUES) >= 12
    assert len(VERSIONS) >= 3


def test_lint_has_no_complaint() -> None:
    done = helm("lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout
    assert not re.search("WARNING|ERROR", done.stdout)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_one_of_kubernetes(version: str, texts: Mapping[str, str], tmp_path: Path) -> None:
    program = need("kubeconform")["kubeconform"]
    folder = schemas(version, tmp_path / version)
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    command = [
        program,
        "-strict",
        "-summary",
        "-output",
        "json",
        "-schema-location",
        f"{folder}/{{{{.ResourceKind}}}}.json",
    ]
    done = subprocess.run([*command, *sorted(tmp_path.glob("*.yaml"))], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)["summary"]
    assert summary["valid"] == sum(len(objects(text)) for text in texts.values())
    assert summary["invalid"] == summary["errors"] == summary["skipped"] == 0


def test_a_field_that_is_not_there_is_found(tmp_path: Path) -> None:
    """The schemas are strict: without this a test with them says nothing."""
    program = need("kubeconform")["kubeconform"]
    folder = schemas(VERSIONS[0], tmp_path / "schemas")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {prots: []}\n")
    command = [program, "-strict", "-schema-location", f"{folder}/{{{{.ResourceKind}}}}.json", str(wrong)]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 1


def test_the_text_is_always_the_same(texts: Mapping[str, str], tmp_path: Path) -> None:
    for name in ("nothing", "everything", "url"):
        assert rendered(VALUES[name], tmp_path).stdout == texts[name]


def test_pods_have_no_rights(texts: Mapping[str, str]) -> None:
    for text in texts.values():
        for found in (*_of(text, "Deployment"), *_of(text, "Job")):
            pod = found["spec"]["template"]["spec"]
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["automountServiceAccountToken"] is False
            for container in pod["containers"]:
                assert container["securityContext"]["readOnlyRootFilesystem"] is True
                assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_no_secret_is_made_up(texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        made = _of(text, "Secret")
        assert bool(made) == (name == "url"), name
        assert all(each["stringData"] == {"catalog-url": "postgresql://orlop:word@db.example/orlop"} for each in made)


def test_what_pods_are_given_are_settings(texts: Mapping[str, str]) -> None:
    known = {setting.variable for setting in all_settings().values()} | {ADMIN_PASSWORD_VARIABLE}
    for text in texts.values():
        for kind in ("Deployment", *(["Job"] if _of(text, "Job") else [])):
            given = {each["name"]: each.get("value") for each in _container(text, kind)["env"]}
            ours = {name: value for name, value in given.items() if name.startswith("ORLOP_")}
            assert set(ours) <= known
            load({}, {name: value for name, value in ours.items() if value is not None and "TLS" not in name})


def test_the_migration_is_a_hook_wherever_there_is_a_database(texts: Mapping[str, str], tmp_path: Path) -> None:
    for name, text in texts.items():
        jobs = _of(text, "Job")
        values = VALUES.get(name, of_the_docs())
        assert bool(jobs) == ("catalog" in values), name
        for job in jobs:
            assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
            assert _container(text, "Job")["args"] == ["migrate", "run"]
            assert _container(text, "Job")["image"] == _container(text)["image"]
            # What it needs is there before anything of the release is.
            own = {each["metadata"]["name"] for each in _of(text, "Secret") if "annotations" in each["metadata"]}
            (url,) = [each for each in _container(text, "Job")["env"] if each["name"] == "ORLOP_CATALOG_URL"]
            assert url["valueFrom"]["secretKeyRef"]["name"] in {*own, "registry-catalog"}
        if jobs and "blobs" in values:  # the release before goes on until its successor is ready
            strategy = _of(text, "Deployment")[0]["spec"]["strategy"]
            assert strategy["rollingUpdate"]["maxUnavailable"] == 0
    # There is no value that takes it away.
    for switch in ("enabled", "skip", "hook"):
        refused = rendered({**VALUES["replicas"], "migration": {switch: False}}, tmp_path)
        assert refused.returncode != 0


def test_the_hook_does_what_a_server_waits_for(
    postgres: PostgresServer, texts: Mapping[str, str], tmp_path: Path
) -> None:
    arguments = _container(texts["replicas"], "Job")["args"]
    orlop = [sys.executable, "-m", "orlop"]
    environment = {**os.environ, "ORLOP_CATALOG_URL": postgres.catalog(), "ORLOP_DATA": str(tmp_path)}
    # An empty database, and one that is up to date.
    for _ in range(2):
        done = subprocess.run([*orlop, *arguments], env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
    # Where it fails the job fails, and with it the upgrade.
    environment["ORLOP_CATALOG_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    done = subprocess.run([*orlop, *arguments], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"replicas": 3}, "several replicas need one catalog"),
        ({"replicas": 3, "catalog": {"existingSecret": "c"}}, "several replicas need one store of blobs"),
        ({"autoscaling": {"enabled": True}}, "several replicas need one catalog"),
        ({"catalog": {"url": "postgresql://db/orlop", "existingSecret": "c"}}, "leave one empty"),
        ({"blobs": {"existingSecret": "s"}}, "blobs.url names none"),
        ({"blobs": {"endpoint": "https://s3.example"}}, "blobs.url names none"),
        ({"ingress": {"enabled": True}}, "set host to the name"),
        ({"gateway": {"enabled": True}, "host": "r.example"}, "name it in gateway.parentRefs"),
        (
            {
                "gateway": {"enabled": True, "parentRefs": [{"name": "g"}]},
                "ingress": {"enabled": True},
                "host": "r.example",
            },
            "choose one",
        ),
        (
            {**VALUES["scaled"], "autoscaling": {"enabled": True, "min": 9, "max": 8}},
            "autoscaling.min (9) is more than autoscaling.max (8)",
        ),
        ({**VALUES["replicas"], "persistence": {"existingClaim": "c"}}, "nothing is kept in one"),
        ({"settings": {"open": True}}, "open is set by the chart"),
        ({"settings": {"tls.cert": "/c"}}, "tls.cert is set by the chart"),
        ({"settings": {"Workers": 2}}, "Workers"),
        ({"replicas": 0}, "replicas"),
        ({"replica": 2}, "replica"),
        ({"catalog": {"url": "mysql://db"}}, "catalog"),
        ({"host": "https://registry.example"}, "host"),
        ({"image": {"digest": "sha256:abc"}}, "digest"),
    ],
)
def test_values_that_make_no_sense_are_refused(values: Mapping[str, Any], sentence: str, tmp_path: Path) -> None:
    done = rendered(values, tmp_path)
    assert done.returncode != 0
    assert sentence in done.stderr


def test_every_value_is_described() -> None:
    text = (CHART / "values.yaml").read_text()
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert {f"{name}:" for name in schema["properties"]} - {"global:"} == set(re.findall(r"^\w+:", text, re.MULTILINE))
