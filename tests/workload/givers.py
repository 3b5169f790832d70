"""Those who give tokens to what runs in them, on loopback: GitHub's runner service and Google's metadata server."""

from typing import Any

from aiohttp import web

from tests.workload.issuers import Issuer, github_claims, google_claims
from tests.workload.keys import rsa, sign


class RunnerService:
    """What `ACTIONS_ID_TOKEN_REQUEST_URL` leads to ("OpenID Connect reference", GitHub Docs): wants the bearer token
    of the job, and gives `{"value": …}`; the URL has a query already."""

    SECRET = "job-secret"

    def __init__(self, issuer: Issuer, now: int) -> None:
        self._issuer = issuer
        self._now = now
        self.faults: list[str] = []
        self.answer: web.Response | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        if self.answer is not None:
            return self.answer
        if request.method != "GET" or request.query.getall("api-version", []) != ["2.0"]:
            return self._fault("not a GET of the URL that the job has")
        if request.headers.get("Authorization") != f"bearer {self.SECRET}":
            return web.json_response({"message": "unauthorized"}, status=401)
        audience = request.query.getall("audience", [])
        if len(audience) != 1 or set(request.query) != {"api-version", "audience"}:
            return self._fault("not exactly one audience")
        token = self._issuer.token(github_claims(self._now, aud=audience[0]))
        return web.json_response({"count": len(token), "value": token})

    def _fault(self, what: str) -> web.Response:
        self.faults.append(what)
        return web.json_response({"message": what}, status=400)

    @staticmethod
    def environment(host: str) -> dict[str, str]:
        """What a job finds."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://{host}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RunnerService.SECRET,
        }


class MetadataServer:
    """Google's ("Verifying the identity of instances", Google Cloud): the header goes with each question and answer."""

    def __init__(self, now: int) -> None:
        self._now = now
        self.faults: list[str] = []
        self.status = 200
        self.flavor: dict[str, str] = {"Metadata-Flavor": "Google"}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        path = "/computeMetadata/v1/instance/service-accounts/default/identity"
        query: dict[str, Any] = dict(request.query)
        if (request.method, request.path) != ("GET", path) or query.keys() != {"audience", "format"}:
            self.faults.append(request.path_qs)
        if request.headers.get("Metadata-Flavor") != "Google" or "X-Forwarded-For" in request.headers:
            return web.Response(status=403, headers=self.flavor)
        token = sign(google_claims(self._now, aud=query["audience"]), rsa("google"))
        return web.Response(status=self.status, text=token, content_type="text/html", headers=self.flavor)
