"""The kubelet's credential provider protocol, by the examples of the Kubernetes documentation."""

import json
from pathlib import Path
from typing import Any

import pytest

from orlop.faces.cli.running import UsageError
from orlop.faces.cli.sign_in.ambient import Looking
from orlop.faces.cli.sign_in.credential_provider import respond
from orlop.ports.ambient import AmbientUnusable
from tests.workload.issuers import kubernetes_claims
from tests.workload.keys import rsa, sign
from tests.workload.scene import NOW
from tests.workload.tools import ToolsAt

V1 = "credentialprovider.kubelet.k8s.io/v1"
REQUEST = {
    "apiVersion": V1,
    "kind": "CredentialProviderRequest",
    "image": "registry.example.com/team/app:1.4",
}


def token(**changed: Any) -> str:
    """Of a service account."""
    return sign({"iss": "https://k", **kubernetes_claims(NOW, **changed)}, rsa("key-1"), header={"typ": None})


async def response(folder: Path, environment: dict[str, str] | None = None, **changed: Any) -> Any:
    """What is answered to a request."""
    request = {name: value for name, value in (REQUEST | changed).items() if value is not None}
    said = await respond(json.dumps(request).encode(), ToolsAt(folder, environment), Looking(), "", NOW)
    return json.loads(said)


async def test_the_token_of_a_pod_s_service_account_is_passed_on(tmp_path: Path) -> None:
    """With `tokenAttributes`, the kubelet sends a token of the pod's account along (KEP-4412)."""
    given = token()
    annotations = {"example.com/role": "x"}
    assert await response(tmp_path, serviceAccountToken=given, serviceAccountAnnotations=annotations) == {
        "apiVersion": V1,
        "kind": "CredentialProviderResponse",
        "cacheKeyType": "Registry",
        "cacheDuration": "3547s",
        "auth": {"registry.example.com": {"username": "oidc", "password": given}},
    }


async def test_a_node_says_who_it_is_itself(tmp_path: Path) -> None:
    given = token()
    answer = await response(tmp_path, {"REGISTRY_ID_TOKEN": given})
    assert answer["auth"] == {"registry.example.com": {"username": "oidc", "password": given}}


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("registry.example.com/app", "registry.example.com"),
        ("registry.example.com:5000/team/app@sha256:" + "a" * 64, "registry.example.com:5000"),
        ("127.0.0.1:5000/app:1", "127.0.0.1:5000"),
    ],
)
async def test_the_registry_is_that_of_the_image(tmp_path: Path, image: str, registry: str) -> None:
    answer = await response(tmp_path, image=image, serviceAccountToken=token())
    assert list(answer["auth"]) == [registry]


@pytest.mark.parametrize(
    ("expires_at", "duration"), [(NOW + 600, "540s"), (NOW + 30, "0s"), (NOW - 5, "0s"), (NOW + 86_400, "3600s")]
)
async def test_what_runs_out_is_not_kept(tmp_path: Path, expires_at: int, duration: str) -> None:
    answer = await response(tmp_path, serviceAccountToken=token(exp=expires_at))
    assert answer["cacheDuration"] == duration


async def test_the_beta_version_is_answered_in_kind(tmp_path: Path) -> None:
    beta = "credentialprovider.kubelet.k8s.io/v1beta1"
    assert (await response(tmp_path, apiVersion=beta, serviceAccountToken=token()))["apiVersion"] == beta


@pytest.mark.parametrize(
    "changed",
    [
        {"apiVersion": "credentialprovider.kubelet.k8s.io/v2"},
        {"apiVersion": None},
        {"kind": "CredentialProviderResponse"},
        {"kind": 1},
        {"image": None},
        {"image": ""},
        {"image": "registry.example.com/UPPER"},
        {"image": "https://registry.example.com/app"},
    ],
)
async def test_requests_that_are_none(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        await response(tmp_path, serviceAccountToken=token(), **changed)


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b"\xff"])
async def test_what_is_no_json(tmp_path: Path, sent: bytes) -> None:
    with pytest.raises(UsageError):
        await respond(sent, ToolsAt(tmp_path), Looking(), "", NOW)


@pytest.mark.parametrize("given", ["secret", "a.b.c"])
async def test_a_token_that_is_none_is_not_passed_on(tmp_path: Path, given: str) -> None:
    with pytest.raises(AmbientUnusable):
        await response(tmp_path, serviceAccountToken=given)


async def test_a_node_that_is_nobody_fails(tmp_path: Path) -> None:
    with pytest.raises(AmbientUnusable, match="nothing here says which node this is"):
        await response(tmp_path)
