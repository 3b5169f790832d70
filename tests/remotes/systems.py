"""Registries of others as their documentation has them sign in, by Bearer tokens: strict about all they are sent.

What no client may send is answered 400 and noted, so that a test that reads `faults` fails. Blobs are at another
origin, to which no credential may go. Each class says where its habits are written down.
"""

import base64
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, ClassVar

from aiohttp import web

from tests import content
from tests.clientside.loopback import serving
from tests.clientside.memoryregistry import MemoryRegistry

IMAGE = content.image("app", layers=["base", "code"])
LAYER = IMAGE.blobs[1]


def basic(user: str, password: str) -> str:
    """The header of RFC 7617."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class System:
    """The Docker token specification (distribution/distribution, docs/content/spec/auth/token.md and scope.md)."""

    user, password = "ada", "correct horse:battery"
    repository = "team/app"
    realm_path = "/token"
    service: ClassVar[str] = ""
    """Empty: the registry's own host and port."""
    answers: ClassVar[dict[str, Any]] = {"expires_in": 300}
    """What stands beside a token."""
    key = "token"
    """Under which name it does."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.registry.keep(self.repository, IMAGE, "1")
        self.faults = self.registry.faults
        self.tokens: dict[str, set[str]] = {}
        self.sign_ins = 0
        self.authority = self.elsewhere = ""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[str, None]:
        """The URL of the registry, until the block ends."""
        async with AsyncExitStack() as stack:
            self.elsewhere = (await stack.enter_async_context(serving(self.store))).url
            server = await stack.enter_async_context(serving(self.handle))
            self.authority = server.host
            yield server.url

    def fields(self) -> dict[str, Any]:
        """What a setting says to sign in here."""
        return {"user": self.user, "password": self.password}

    def wrong(self) -> dict[str, Any]:
        """The same, with a wrong password."""
        return self.fields() | {"password": "wrong"}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request to the registry, or to the token server beside it."""
        if request.path == self.realm_path:
            return await self.realm(request)
        if "docker-content-digest" in request.headers or "Cookie" in request.headers:
            return self.fault("a header of answers")
        name = request.path.removeprefix("/v2/").rpartition("/manifests/")[0]
        name = name or request.path.removeprefix("/v2/").rpartition("/blobs/")[0]
        if not self.is_let_in(request, f"repository:{name}:pull"):
            return self.challenge(request, f"repository:{name}:pull")
        if request.method == "GET" and "/blobs/" in request.path:
            return web.Response(status=307, headers={"Location": f"{self.elsewhere}{request.path}?signature=s"})
        return await self.registry.handle(request)

    def is_let_in(self, request: web.Request, scope: str) -> bool:
        """Whether a request has a token for what it is about."""
        return scope in self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), ())

    def challenge(self, request: web.Request, scope: str) -> web.StreamResponse:
        """A 401 "with information on how to authenticate" (token.md, "How to authenticate")."""
        told = f'Bearer realm="http://{self.authority}{self.realm_path}",service="{self.named}",scope="{scope}"'
        if "Authorization" in request.headers:
            told += ',error="invalid_token"'
        return web.json_response(
            {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required", "detail": None}]},
            status=401,
            headers={"WWW-Authenticate": told, "Docker-Distribution-Api-Version": "registry/2.0"},
        )

    async def realm(self, request: web.Request) -> web.StreamResponse:
        """ "Requesting a Token": GET with `service`, `scope` and, for whoever says who they are, Basic."""
        scopes = request.query.getall("scope", [])
        if request.method != "GET" or request.query.getall("service", []) != [self.named] or not scopes:
            return self.fault(f"{request.method} {request.path_qs} asks for no token of {self.named}")
        if any(scope != f"repository:{scope.split(':')[1]}:pull" for scope in scopes):
            return self.fault(f"{scopes} is more than a pull needs")
        if not set(request.query) <= {"service", "scope", "account", "client_id", "offline_token"}:
            return self.fault(f"{request.query_string}")
        self.sign_ins += 1
        authorization = request.headers.get("Authorization")
        if not self.knows(authorization):
            return self.refused()
        if request.query.get("account") != base64.b64decode(str(authorization)[6:]).decode().partition(":")[0]:
            return self.fault("account is not the user")
        return self.granted(scopes)

    def knows(self, authorization: str | None) -> bool:
        """Whether somebody says who they are."""
        return authorization == basic(self.user, self.password)

    def refused(self) -> web.StreamResponse:
        """What a wrong password is answered with."""
        return web.json_response({"details": "incorrect username or password"}, status=401)

    def granted(self, scopes: list[str]) -> web.StreamResponse:
        """A token, good for the intersection of what was asked for and what is allowed (token.md)."""
        token = secrets.token_urlsafe(16)
        self.tokens[token] = {scope for scope in scopes if scope.split(":")[1] == self.repository}
        return web.json_response({self.key: token, **self.answers})

    def expire(self) -> None:
        """All tokens end."""
        self.tokens.clear()

    async def store(self, request: web.Request) -> web.StreamResponse:
        """Where blobs are: "Only one auth mechanism allowed" (Amazon S3, InvalidArgument; others are alike)."""
        if "Authorization" in request.headers or "Cookie" in request.headers:
            return self.fault("a credential at the store of blobs")
        if request.query_string != "signature=s":
            return self.fault(f"{request.query_string} is not what was signed")
        return await self.registry.handle(request)

    def fault(self, what: str) -> web.StreamResponse:
        """What no client may send."""
        return self.registry.fault(what)

    @property
    def named(self) -> str:
        """The service."""
        return self.service or self.authority


class DockerHub(System):
    """https://docs.docker.com/reference/api/registry/auth/ ("Registry authentication") and
    https://docs.docker.com/docker-hub/usage/pulls/ (limits in headers; HEAD is not counted). Its token server is at
    another host, `auth.docker.io`."""

    user, password = "ada", "dckr_pat_0123456789abcdefghijklmnop"
    repository = "library/debian"
    service = "registry.docker.io"
    answers: ClassVar[dict[str, Any]] = {"access_token": "", "expires_in": 300, "issued_at": "2026-12-01T00:00:00Z"}

    def __init__(self) -> None:
        super().__init__()
        self.left = 100

    def fields(self) -> dict[str, Any]:
        return super().fields() | {"trust_realms": ("localhost",)}

    def challenge(self, request: web.Request, scope: str) -> web.StreamResponse:
        answer = super().challenge(request, scope)
        there = answer.headers["WWW-Authenticate"].replace("//127.0.0.1:", "//localhost:")
        answer.headers["WWW-Authenticate"] = there
        return answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        answer = await super().handle(request)
        if "/manifests/" in request.path and answer.status == 200:
            self.left -= request.method == "GET"
            answer.headers["RateLimit-Limit"] = "100;w=21600"
            answer.headers["RateLimit-Remaining"] = f"{self.left};w=21600"
            answer.headers["Docker-RateLimit-Source"] = "192.0.2.7"
        return answer


class Harbor(System):
    """https://goharbor.io/docs/2.13.0/working-with-projects/project-configuration/create-robot-accounts/ (`robot$` and
    the project in names) and goharbor/harbor `src/core/service/token` (service `harbor-registry`)."""

    user, password = "robot$team+ci", "Zq3hE8uR6tY1wP0o"
    realm_path = "/service/token"
    service = "harbor-registry"
    answers: ClassVar[dict[str, Any]] = {"access_token": "", "expires_in": 1800, "issued_at": "2026-12-01T00:00:00Z"}

    def refused(self) -> web.StreamResponse:
        errors = [{"code": "UNAUTHORIZED", "message": "unauthorized: authentication required"}]
        return web.json_response({"errors": errors}, status=401)


class GitLab(System):
    """https://docs.gitlab.com/administration/packages/container_registry/ (realm `/jwt/auth`, service
    `container_registry`) and https://docs.gitlab.com/user/project/deploy_tokens/ (`gitlab+deploy-token-{n}`). No
    `expires_in`; a project that is not to be seen is 403, "access forbidden"."""

    user, password = "gitlab+deploy-token-7", "gldt-0123456789abcdefghij"
    repository = "group/project/app"
    realm_path = "/jwt/auth"
    service = "container_registry"
    answers: ClassVar[dict[str, Any]] = {}

    def refused(self) -> web.StreamResponse:
        errors = [{"code": "UNAUTHORIZED", "message": "HTTP Basic: Access denied"}]
        return web.json_response({"errors": errors}, status=401)

    def granted(self, scopes: list[str]) -> web.StreamResponse:
        if any(scope.split(":")[1] != self.repository for scope in scopes):
            return web.json_response({"errors": [{"code": "DENIED", "message": "access forbidden"}]}, status=403)
        return super().granted(scopes)


class Artifactory(System):
    """https://jfrog.com/help/r/jfrog-artifactory-documentation/docker-registry ("Authenticate via OAuth": realm
    `…/artifactory/api/docker/null/v2/token`, the service is the host)."""

    repository = "docker-remote/team/app"
    realm_path = "/artifactory/api/docker/null/v2/token"
    answers: ClassVar[dict[str, Any]] = {"expires_in": 3600}

    def refused(self) -> web.StreamResponse:
        return web.json_response({"errors": [{"status": 401, "message": "Bad Credentials"}]}, status=401)


class ArtifactoryByBasic(Artifactory):
    """The same where tokens are switched off: `Basic realm="Artifactory Realm"`."""

    def challenge(self, request: web.Request, scope: str) -> web.StreamResponse:
        headers = {"WWW-Authenticate": 'Basic realm="Artifactory Realm"'}
        errors = [{"status": 401, "message": "Bad Credentials"}]
        self.sign_ins += "Authorization" in request.headers
        return web.json_response({"errors": errors}, status=401, headers=headers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == self.realm_path:
            return self.fault("a question for a token that nobody offered")
        if request.path == "/v2/" and self.is_let_in(request, ""):
            return web.json_response({})
        return await super().handle(request)

    def is_let_in(self, request: web.Request, scope: str) -> bool:
        return self.knows(request.headers.get("Authorization"))


class Quay(System):
    """https://docs.quay.io/glossary/robot-accounts.html (`organization+robot`) and quay/quay `endpoints/v2/v2auth.py`
    (realm `/v2/auth`; no `expires_in`)."""

    user, password = "team+ci", "0123456789ABCDEFGHIJKLMNOPQRSTUV"
    realm_path = "/v2/auth"
    answers: ClassVar[dict[str, Any]] = {}

    def refused(self) -> web.StreamResponse:
        words = "Could not find robot with specified username"
        errors = [{"code": "UNAUTHORIZED", "detail": {}, "message": words}]
        return web.json_response({"errors": errors}, status=401)


class Ghcr(System):
    """https://docs.github.com/en/packages/working-with-a-github-packages-registry/working-with-the-container-registry:
    a personal access token (classic) is the password. No `expires_in`; a wrong one is 403, "denied"."""

    user, password = "ada", "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
    answers: ClassVar[dict[str, Any]] = {}

    def refused(self) -> web.StreamResponse:
        return web.json_response({"errors": [{"code": "DENIED", "message": "denied"}]}, status=403)


class GoogleByKey(System):
    """https://docs.cloud.google.com/artifact-registry/docs/docker/authentication, "Service account key": `_json_key`
    and the key, or `_json_key_base64` and the key in Base64; realm `/v2/token`."""

    user, password = "_json_key_base64", base64.b64encode(b'{"type": "service_account"}').decode()
    repository = "project/repository/app"
    realm_path = "/v2/token"
    answers: ClassVar[dict[str, Any]] = {"expires_in": 3600, "issued_at": "2026-12-01T00:00:00Z"}

    def refused(self) -> web.StreamResponse:
        errors = [{"code": "UNAUTHORIZED", "message": "authentication failed"}]
        return web.json_response({"errors": errors}, status=401)


BY_TOKENS = (DockerHub, Harbor, GitLab, Artifactory, ArtifactoryByBasic, Quay, Ghcr, GoogleByKey)
