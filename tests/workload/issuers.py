"""Issuers of workload tokens on loopback, as their documentation has them; strict about how they are asked.

A request that no documented client makes is answered 400 and noted in `faults`, so a test that reads them fails.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from joserfc.jwk import Key

from tests.clientside.loopback import Loopback, serving
from tests.workload.keys import public, rsa, sign

DISCOVERY = "/.well-known/openid-configuration"
AUDIENCE = "registry.example.com"


class Issuer:
    """An issuer below `path` of a server. Its answers can be bent: see `answers`."""

    def __init__(self, jwks_path: str, path: str = "") -> None:
        self.path = path
        self.jwks_path = jwks_path
        self.url = ""
        self.keys: dict[str, Key] = {"key-1": rsa("key-1")}
        self.jwks: dict[str, Any] | None = None
        """Takes the place of the keys, to publish what no issuer should."""
        self.metadata: dict[str, Any] = {}
        """Takes the place of fields of the discovery document."""
        self.answers: dict[str, Callable[[web.Request], web.StreamResponse]] = {}
        """What a path answers instead."""
        self.asked: list[str] = []
        self.faults: list[str] = []
        self.delay = 0.0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.asked.append(request.path)
        if request.method != "GET" or request.query_string or await request.read():
            return self._fault(f"{request.method} {request.path_qs} is not a plain GET")
        strange = [
            name for name in ("Authorization", "Cookie", "Range", "Proxy-Authorization") if name in request.headers
        ]
        if strange or request.headers.get("Accept-Encoding") != "identity":
            return self._fault(f"headers {strange} or a coding that was not agreed on")
        await asyncio.sleep(self.delay)
        if request.path in self.answers:
            return self.answers[request.path](request)
        if request.path == self.path + DISCOVERY:
            return web.json_response(self.discovery() | self.metadata)
        if request.path == self.path + self.jwks_path:
            keys = {"keys": [public(key, alg=_algorithm(key)) for key in self.keys.values()]}
            return web.json_response(self.jwks if self.jwks is not None else keys)
        return self._fault(f"there is nothing at {request.path}")

    def _fault(self, what: str) -> web.Response:
        self.faults.append(what)
        return web.json_response({"error": what}, status=400)

    def discovery(self) -> dict[str, Any]:
        """The metadata: those that OpenID Connect Discovery 1.0, section 3, requires, as these issuers have them."""
        return {
            "issuer": self.url,
            "jwks_uri": self.url + self.jwks_path,
            "subject_types_supported": ["public"],
            "response_types_supported": ["id_token"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def token(self, claims: dict[str, Any], *, key: str = "key-1", **changed: Any) -> str:
        """A token with these claims; `changed` replaces some, None leaves one out."""
        whole = {"iss": self.url, **claims, **changed}
        return sign({name: value for name, value in whole.items() if value is not None}, self.keys[key])


def _algorithm(key: Key) -> str:
    return {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}[key.key_type]


@asynccontextmanager
async def running(issuer: Issuer, **options: Any) -> AsyncGenerator[Loopback, None]:
    """The issuer on a free port until the block ends. It must not have been asked anything strange."""
    async with serving(issuer.handle, **options) as server:
        issuer.url = f"http{'s' if options.get('certificate') else ''}://{server.host}{issuer.path}"
        yield server
    assert issuer.faults == []


def github() -> Issuer:
    """GitHub Enterprise Server: `https://HOSTNAME/_services/token` ("Configuring OpenID Connect", GitHub Docs)."""
    return Issuer("/.well-known/jwks", "/_services/token")


def github_claims(now: int, **changed: Any) -> dict[str, Any]:
    """The example token of "OpenID Connect reference" (GitHub Docs), made now for this registry."""
    claims = {
        "jti": "example-id",
        "sub": "repo:octo-org/octo-repo:environment:prod",
        "environment": "prod",
        "aud": AUDIENCE,
        "ref": "refs/heads/main",
        "sha": "0123456789abcdef0123456789abcdef01234567",
        "repository": "octo-org/octo-repo",
        "repository_owner": "octo-org",
        "actor_id": "12",
        "repository_visibility": "private",
        "repository_id": "74",
        "repository_owner_id": "65",
        "run_id": "1234567890",
        "run_number": "10",
        "run_attempt": "2",
        "runner_environment": "github-hosted",
        "actor": "octocat",
        "workflow": "example-workflow",
        "head_ref": "",
        "base_ref": "",
        "event_name": "workflow_dispatch",
        "ref_type": "branch",
        "ref_protected": "false",
        "job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
        "nbf": now - 300,
        "exp": now + 300,
        "iat": now,
    }
    return _changed(claims, changed)


def gitlab() -> Issuer:
    """A GitLab instance: keys at `/oauth/discovery/keys` ("OpenID Connect identity", GitLab Docs)."""
    return Issuer("/oauth/discovery/keys")


def gitlab_claims(now: int, **changed: Any) -> dict[str, Any]:
    """The example payload of "OpenID Connect (OIDC) Authentication Using ID Tokens" (GitLab Docs)."""
    claims = {
        "namespace_id": "72",
        "namespace_path": "my-group",
        "project_id": "20",
        "project_path": "my-group/my-project",
        "user_id": "1",
        "user_login": "sample-user",
        "user_email": "sample-user@example.com",
        "user_identities": [{"provider": "github", "extern_uid": "2435223452345"}],
        "pipeline_id": "574",
        "pipeline_source": "push",
        "job_id": "302",
        "ref": "feature-branch-1",
        "ref_type": "branch",
        "ref_path": "refs/heads/feature-branch-1",
        "ref_protected": "false",
        "environment": "test-environment2",
        "environment_protected": "false",
        "deployment_tier": "testing",
        "environment_action": "start",
        "runner_id": 1,
        "runner_environment": "self-hosted",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "project_visibility": "public",
        "ci_config_ref_uri": "gitlab.example.com/my-group/my-project//.gitlab-ci.yml@refs/heads/main",
        "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "jti": "235b3a54-b797-45c7-ae9a-f72d7bc6ef5b",
        "iat": now,
        "nbf": now - 5,
        "exp": now + 3600,
        "sub": "project_path:my-group/my-project:ref_type:branch:ref:feature-branch-1",
        "aud": AUDIENCE,
    }
    return _changed(claims, changed)


def kubernetes() -> Issuer:
    """A cluster's API server: keys at `/openid/v1/jwks` ("Configure Service Accounts for Pods", issuer discovery)."""
    return Issuer("/openid/v1/jwks")


def kubernetes_claims(now: int, **changed: Any) -> dict[str, Any]:
    """The example payload of "Managing Service Accounts" (Kubernetes documentation), bound to a pod on a node."""
    claims = {
        "aud": [AUDIENCE],
        "exp": now + 3607,
        "iat": now,
        "jti": "aed34954-b33a-4142-b1ec-389d6bbb4936",
        "kubernetes.io": {
            "namespace": "my-namespace",
            "node": {"name": "my-node", "uid": "646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1"},
            "pod": {"name": "my-pod", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3"},
            "serviceaccount": {"name": "my-serviceaccount", "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798"},
        },
        "nbf": now,
        "sub": "system:serviceaccount:my-namespace:my-serviceaccount",
    }
    return _changed(claims, changed)


def google_claims(now: int, **changed: Any) -> dict[str, Any]:
    """An identity token of a virtual machine, `format=full` ("Verifying the identity of instances", Google Cloud)."""
    claims = {
        "iss": "https://accounts.google.com",
        "iat": now,
        "exp": now + 3600,
        "aud": AUDIENCE,
        "sub": "107517467455664443766",
        "azp": "107517467455664443766",
        "email": "ci@project.iam.gserviceaccount.com",
        "email_verified": True,
        "google": {
            "compute_engine": {
                "project_id": "project",
                "project_number": 739419398126,
                "zone": "us-west1-a",
                "instance_id": "152986662232938449",
                "instance_name": "example-vm",
                "instance_creation_timestamp": 1496952205,
            }
        },
    }
    return _changed(claims, changed)


def _changed(claims: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (claims | changed).items() if value is not None}
