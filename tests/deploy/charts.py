"""The chart as Helm renders it, and the schemas that its objects are held against."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.pythons import ROOT
from tests.needs import need

CHART = ROOT / "deploy" / "helm" / "orlop"
_SCHEMAS = Path(__file__).parent / "schemas"
#: Of Kubernetes.
VERSIONS = tuple(sorted(file.stem.partition("-")[2] for file in _SCHEMAS.glob("kubernetes-*.json")))

_DATABASE = {"catalog": {"existingSecret": "registry-catalog"}}
_BUCKET = {"blobs": {"url": "s3://registry/orlop", "endpoint": "https://s3.example", "existingSecret": "registry-s3"}}
_SHARED = {**_DATABASE, **_BUCKET}

#: What people install it with.
VALUES: Mapping[str, Mapping[str, Any]] = {
    "nothing": {},
    "own-volume": {"persistence": {"existingClaim": "images"}, "admin": {"existingSecret": "registry-admin"}},
    "database-alone": _DATABASE,
    "url": {"catalog": {"url": "postgresql://orlop:word@db.example/orlop"}, **_BUCKET},
    "replicas": {**_SHARED, "replicas": 3, "host": "registry.example"},
    "scaled": {
        **_SHARED,
        "autoscaling": {"enabled": True, "min": 2, "max": 8},
        "disruption": {"maxUnavailable": "25%"},
    },
    "ingress": {
        **_SHARED,
        "replicas": 3,
        "host": "registry.example",
        "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "registry-tls"},
    },
    "gateway": {
        **_SHARED,
        "host": "registry.example",
        "gateway": {"enabled": True, "parentRefs": [{"name": "public", "namespace": "gateways"}]},
    },
    "watched": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "networkPolicy": {"enabled": True},
    },
    "walled": {
        **_SHARED,
        "networkPolicy": {
            "enabled": True,
            "from": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
        },
    },
    "own-tls": {
        "tls": {"existingSecret": "registry-tls"},
        "host": "registry.example",
        "service": {"type": "LoadBalancer", "port": 443},
        "serviceMonitor": {"enabled": True},
    },
    "everything": {
        **_SHARED,
        "replicas": 5,
        "image": {"digest": f"sha256:{'0' * 64}", "pullSecrets": [{"name": "pull"}]},
        "settings": {"gc.grace": "24h", "uploads.concurrent": 2000000, "blobs.redirect": "never"},
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}],
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/orlop"}},
        "podAnnotations": {"note": "yes"},
        "podLabels": {"team": "platform"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "registry", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "system-cluster-critical",
        "migration": {"deadline": 60, "resources": {"requests": {"cpu": "1"}}},
    },
}


def of_the_docs() -> Mapping[str, Any]:
    """The values that docs/installing.md shows."""
    page = (ROOT / "docs" / "installing.md").read_text()
    values: Mapping[str, Any] = yaml.safe_load(page.partition("`registry.yaml` is\n\n```yaml\n")[2].partition("```")[0])
    return values


def helm(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """`helm`, however it ends."""
    command = [need("helm")["helm"], *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def rendered(values: Mapping[str, Any], folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    """`helm template` with these values."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)))
    return helm("template", "registry", CHART, "--namespace", "tools", "--kube-version", "1.32.0", "-f", file, *more)


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of a rendered chart."""
    return [each for each in yaml.safe_load_all(text) if each]


def schemas(version: str, folder: Path) -> Path:
    """A folder with a strict schema of each kind in a version of Kubernetes, as kubeconform looks for them."""
    folder.mkdir(exist_ok=True)
    for name in (f"kubernetes-{version}.json", "custom.json"):
        document = json.loads((_SCHEMAS / name).read_text())
        definitions = {each: _strict(schema) for each, schema in document["definitions"].items()}
        for kind, definition in document["kinds"].items():
            whole = {"definitions": definitions, "allOf": [{"$ref": f"#/definitions/{definition}"}]}
            (folder / f"{kind.lower()}.json").write_text(json.dumps(whole))
    return folder


def _strict(schema: Any) -> Any:
    """A schema of OpenAPI as one of JSON, which takes no field that it does not name."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string":
        return {"anyOf": [{"type": "string"}, {"type": "integer"}]}
    made = {
        name: {each: _strict(of) for each, of in value.items()} if name == "properties" else _strict(value)
        for name, value in schema.items()
        if name not in {"format", "nullable"}
    }
    if "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made
