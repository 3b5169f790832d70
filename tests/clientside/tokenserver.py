"""A registry that wants Bearer tokens and the server that gives them, as distribution's token specification says.

Strict: a request that the specification does not allow is answered 400 and noted, so a test that reads `faults` fails.
"""

import base64
import json
import secrets
from urllib.parse import parse_qs

from aiohttp import web

from tests.clientside.loopback import Loopback

USER, PASSWORD, IDENTITY = "ada", "correct horse:battery", "identity-token-of-ada"
SERVICE = "registry.example"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:" + "0" * 64, "size": 2},
        "layers": [],
    }
).encode()


class TokenRealm:
    """Gives tokens to those who say who they are, and to nobody in particular for pulling `public/…`."""

    def __init__(self) -> None:
        self.tokens: dict[str, set[str]] = {}
        self.faults: list[str] = []
        self.expires_in: int | None = 300
        self.key = "token"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request for a token."""
        form = parse_qs(await request.text(), strict_parsing=True) if request.method == "POST" else {}
        fault, subject, scopes = self._read_post(request, form) if form else self._read_get(request)
        if fault:
            self.faults.append(fault)
            return web.json_response({"details": fault}, status=400)
        if subject is None:
            return web.json_response({"details": "wrong credentials"}, status=401)
        token = secrets.token_urlsafe(16)
        self.tokens[token] = {scope for scope in scopes if subject or scope.startswith("repository:public/")}
        answer: dict[str, object] = {self.key: token}
        if self.expires_in is not None:
            answer["expires_in"] = self.expires_in
        return web.json_response(answer)

    def _read_get(self, request: web.Request) -> tuple[str, str | None, list[str]]:
        query = request.query
        if request.method != "GET" or query.getall("service", []) != [SERVICE]:
            return "not a GET with one service", None, []
        scopes = query.getall("scope", [])
        header = request.headers.get("Authorization")
        if header is None:
            return ("account without credentials" if "account" in query else ""), "", scopes
        if header != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            return "", None, scopes
        return ("" if query.get("account") == USER else "account is not the user"), USER, scopes

    def _read_post(self, request: web.Request, form: dict[str, list[str]]) -> tuple[str, str | None, list[str]]:
        if "Authorization" in request.headers:
            return "a refresh token and an Authorization header", None, []
        if form.get("grant_type") != ["refresh_token"] or form.get("service") != [SERVICE] or "client_id" not in form:
            return "not a refresh_token grant for the service", None, []
        if request.content_type != "application/x-www-form-urlencoded" or "refresh_token" in request.query:
            return "the refresh token does not travel in a form", None, []
        good = form.get("refresh_token") == [IDENTITY]
        return "", USER if good else None, form.get("scope", [""])[0].split()


class TokenRegistry:
    """Answers every manifest with the same one, to those whose token covers what they do."""

    def __init__(self, realm: TokenRealm, realm_url: str) -> None:
        self._realm = realm
        self.realm_url = realm_url
        self.revoked: set[str] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        await request.read()
        repository = request.path.removeprefix("/v2/").rpartition("/manifests/")[0]
        action = "pull" if request.method in ("GET", "HEAD") else "push"
        needed = f"repository:{repository}:{action}"
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        granted = set() if token in self.revoked else self._realm.tokens.get(token, set())
        if not any(self._covers(scope, repository, action) for scope in granted):
            challenge = f'Bearer realm="{self.realm_url}",service="{SERVICE}",scope="{needed}"'
            if token:
                challenge += ',error="insufficient_scope"'
            return web.json_response(
                {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]},
                status=401,
                headers={"WWW-Authenticate": challenge},
            )
        if action == "push":
            return web.Response(status=201)
        return web.Response(body=MANIFEST, content_type="application/vnd.oci.image.manifest.v1+json")

    @staticmethod
    def _covers(scope: str, repository: str, action: str) -> bool:
        kind, name, actions = scope.split(":")
        return (kind, name) == ("repository", repository) and action in actions.split(",")


def realm_of(server: Loopback, host: str | None = None) -> str:
    """The address of a token server, under another of its names if one is given."""
    port = server.host.rpartition(":")[2]
    return f"http://{host}:{port}/token" if host else f"{server.url}/token"
