"""Registries of clouds, whose credentials are lent by something beside them, as the clouds' documentation has it."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any, ClassVar
from urllib.parse import parse_qs

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tests.remotes.systems import System

_FORM = "application/x-www-form-urlencoded"


class Lending(System):
    """Its registry, and under `/lend` whoever lends credentials for it."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/lend":
            return await self.lend(request)
        return await super().handle(request)

    async def lend(self, request: web.Request) -> web.StreamResponse:
        """One question."""
        raise NotImplementedError

    def fields(self) -> dict[str, Any]:
        return super().fields() | {"sign_in_url": f"http://{self.authority}/lend"}

    async def form(self, request: web.Request) -> dict[str, str]:
        """The fields of a form, each once; nothing for what is none."""
        if request.method != "POST" or request.content_type != _FORM or "Authorization" in request.headers:
            return {}
        fields = parse_qs(await request.text(), strict_parsing=True)
        return {name: values[0] for name, values in fields.items() if len(values) == 1}


class Ecr(Lending):
    """Amazon ECR API Reference, GetAuthorizationToken (12 hours; `AWS:` and a password in Base64), Amazon ECR User
    Guide, "Private registry authentication" (Basic), and "Create a signed AWS API request" for what is signed. The
    signature is computed here, with none of the code that signs in the tests."""

    user, password = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    session = ""
    region, aws_service = "eu-central-1", "ecr"
    target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"

    def __init__(self) -> None:
        super().__init__()
        self.passwords: set[str] = set()
        self.seconds = 43_200.0

    def fields(self) -> dict[str, Any]:
        token = {"session_token": self.session} if self.session else {}
        return super().fields() | {"sign_in": "ecr", "region": self.region} | token

    def challenge(self, request: web.Request, scope: str) -> web.StreamResponse:
        told = f'Basic realm="http://{self.authority}/",service="ecr.amazonaws.com"'
        return web.Response(status=401, text="Not Authorized\n", headers={"WWW-Authenticate": told})

    def is_let_in(self, request: web.Request, scope: str) -> bool:
        return request.headers.get("Authorization") in self.passwords

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/v2/" and self.is_let_in(request, ""):
            return web.json_response({})
        return await super().handle(request)

    async def lend(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if (request.method, request.content_type) != ("POST", "application/x-amz-json-1.1") or body != b"{}":
            return self.fault("not the JSON protocol of AWS, or parameters that are deprecated")
        if request.headers.get("X-Amz-Target") != self.target:
            return self.fault(f"{request.headers.get('X-Amz-Target')} is not what is asked for here")
        self.sign_ins += 1
        if wrong := self._wrong(request, body):
            kind, words = wrong
            return web.json_response({"__type": kind, "message": words}, status=400)
        password = secrets.token_urlsafe(24)
        pair = f"AWS:{password}"
        self.passwords.add("Basic " + base64.b64encode(pair.encode()).decode())
        granted = {
            "authorizationToken": base64.b64encode(pair.encode()).decode(),
            "expiresAt": time.time() + self.seconds,
        }
        return web.json_response({"authorizationData": self.data(granted)})

    def data(self, granted: dict[str, Any]) -> Any:
        """As this kind of registry wraps it."""
        return [granted | {"proxyEndpoint": f"http://{self.authority}"}]

    def expire(self) -> None:
        self.passwords.clear()

    def _wrong(self, request: web.Request, body: bytes) -> tuple[str, str] | None:
        algorithm, _, rest = request.headers.get("Authorization", "").partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        scope = parts.get("Credential", "").split("/")
        stamp = request.headers.get("X-Amz-Date", "")
        if algorithm != "AWS4-HMAC-SHA256" or len(scope) != 5 or scope[0] != self.user:
            return "UnrecognizedClientException", "The security token included in the request is invalid."
        if request.headers.get("X-Amz-Security-Token", "") != self.session:
            return "UnrecognizedClientException", "The security token included in the request is invalid."
        if scope[1:] != [stamp[:8], self.region, self.aws_service, "aws4_request"]:
            return "InvalidSignatureException", f"Credential should be scoped to a valid region: {scope}"
        names = parts["SignedHeaders"].split(";")
        if not {"host", "x-amz-date", "x-amz-target"} <= set(names) or (
            self.session and "x-amz-security-token" not in names
        ):
            return "InvalidSignatureException", f"not signed: {names}"
        headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in names)
        lines = ["POST", request.path, "", headers, ";".join(names), hashlib.sha256(body).hexdigest()]
        canonical = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope[1:]), canonical])
        key = f"AWS4{self.password}".encode()
        for part in scope[1:]:
            key = hmac.digest(key, part.encode(), "sha256")
        if hmac.compare_digest(hmac.new(key, to_sign.encode(), "sha256").hexdigest(), parts.get("Signature", "")):
            return None
        words = "The request signature we calculated does not match the signature you provided."
        return "InvalidSignatureException", f"{words} Check your AWS Secret Access Key and signing method."


class EcrOfASession(Ecr):
    """The same for temporary credentials ("Use temporary credentials with AWS resources")."""

    user, session = "ASIAIOSFODNN7EXAMPLE", "session/+=token"


class Google(Lending):
    """Using OAuth 2.0 for Server to Server Applications, "HTTP/REST": a JWT by RS256 with `iss`, `scope`, `aud`,
    `iat` and an `exp` of at most an hour later; "Configure authentication to Artifact Registry for Docker", "Access
    token": it is the password of `oauth2accesstoken`."""

    EMAIL = "puller@project.iam.gserviceaccount.com"
    _private = rsa.generate_private_key(65537, 2048)
    _pem = _private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    _other = rsa.generate_private_key(65537, 2048)
    _other_pem = _other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    user = EMAIL
    repository = "project/repository/app"
    realm_path = "/v2/token"
    answers: ClassVar[dict[str, Any]] = {"expires_in": 300}

    def __init__(self) -> None:
        super().__init__()
        self.lent: set[str] = set()
        self.questions = 0

    def fields(self) -> dict[str, Any]:
        return super().fields() | {"sign_in": "google", "password": self._document(self._pem)}

    def wrong(self) -> dict[str, Any]:
        return self.fields() | {"password": self._document(self._other_pem)}

    def _document(self, pem: str) -> str:
        key = {"type": "service_account", "private_key_id": "key-1", "private_key": pem, "client_email": self.EMAIL}
        # No place to send anything to is taken from a key.
        return json.dumps(key | {"token_uri": "http://127.0.0.1:9/token"})

    def knows(self, authorization: str | None) -> bool:
        user, _, token = base64.b64decode(str(authorization).removeprefix("Basic ")).decode().partition(":")
        return user == "oauth2accesstoken" and token in self.lent

    async def lend(self, request: web.Request) -> web.StreamResponse:
        fields = await self.form(request)
        if set(fields) != {"grant_type", "assertion"}:
            return self.fault(f"{sorted(fields)} is no question for a token")
        self.questions += 1
        try:
            token = jwt.decode(fields["assertion"], RSAKey.import_key(self._pem), algorithms=["RS256"])
        except JoseError:
            self.sign_ins += 1
            refusal = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            return web.json_response(refusal, status=400)
        claims = token.claims
        if (token.header.get("typ"), token.header.get("kid")) != ("JWT", "key-1") or claims["iss"] != self.EMAIL:
            return self.fault(f"{token.header} {claims}")
        if claims["aud"] != f"http://{self.authority}/lend" or claims["exp"] > claims["iat"] + 3600:
            return self.fault(f"{claims}")
        if claims["scope"] != "https://www.googleapis.com/auth/cloud-platform" or abs(claims["iat"] - time.time()) > 60:
            return self.fault(f"{claims}")
        lent = "ya29." + secrets.token_urlsafe(16)
        self.lent.add(lent)
        return web.json_response({"access_token": lent, "expires_in": 3599, "token_type": "Bearer"})


class GoogleOfAMachine(Google):
    """About VM metadata, and "Access token" for the service account of a machine (Google Cloud): the header
    `Metadata-Flavor: Google` goes with the question."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/computeMetadata/v1/instance/service-accounts/default/token":
            return await super().handle(request)
        if request.method != "GET" or request.headers.get("Metadata-Flavor") != "Google":
            return self.fault("a question that a metadata server does not answer")
        self.questions += 1
        lent = "ya29." + secrets.token_urlsafe(16)
        self.lent.add(lent)
        return web.json_response({"access_token": lent, "expires_in": 3599, "token_type": "Bearer"})

    def fields(self) -> dict[str, Any]:
        return {"sign_in": "google"}


class Azure(Lending):
    """Azure/acr, docs/AAD-OAuth.md (`/oauth2/exchange`, `/oauth2/token`) and "Microsoft identity platform and the OAuth
    2.0 client credentials flow", "First case: Access token request with a shared secret"."""

    user, password = "11111111-2222-3333-4444-555555555555", "client~secret"
    tenant = "409520d4-8100-4d1d-ad47-72432ddcc120"
    realm_path = "/oauth2/token"
    key = "access_token"
    answers: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.lent: set[str] = set()
        self.refreshing: set[str] = set()
        self.questions = 0

    def fields(self) -> dict[str, Any]:
        return super().fields() | {"sign_in": "azure", "tenant": self.tenant}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/oauth2/exchange":
            return await self.exchange(request)
        return await super().handle(request)

    async def lend(self, request: web.Request) -> web.StreamResponse:
        fields = await self.form(request)
        self.questions += 1
        if set(fields) != {"grant_type", "client_id", "client_secret", "scope"}:
            return self.fault(f"{sorted(fields)} is no question for a token")
        if fields["scope"] != "https://containerregistry.azure.net/.default":
            return self.fault(f"{fields['scope']} is good for something else")
        if (fields["client_id"], fields["client_secret"]) != (self.user, self.password):
            self.sign_ins += 1
            words = "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the value.\r\nTrace"
            return web.json_response({"error": "invalid_client", "error_description": words}, status=401)
        return self.lend_entra()

    def lend_entra(self) -> web.StreamResponse:
        """An access token of Microsoft Entra ID."""
        lent = secrets.token_urlsafe(16)
        self.lent.add(lent)
        return web.json_response({"access_token": lent, "expires_in": 3599, "token_type": "Bearer"})

    async def exchange(self, request: web.Request) -> web.StreamResponse:
        """An access token of Microsoft Entra ID for a refresh token of the registry."""
        fields = await self.form(request)
        if fields.get("grant_type") != "access_token" or fields.get("service") != self.authority:
            return self.fault(f"{fields} is no exchange")
        if fields.get("tenant", self.tenant) != self.tenant or fields.get("access_token") not in self.lent:
            return web.json_response({"errors": [{"code": "UNAUTHORIZED", "message": "unauthorized"}]}, status=401)
        claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + 10_800}).encode()).decode().rstrip("=")
        token = f"e30.{claims}.{secrets.token_urlsafe(16)}"
        self.refreshing.add(token)
        return web.json_response({"refresh_token": token})

    async def realm(self, request: web.Request) -> web.StreamResponse:
        fields = await self.form(request)
        scope = f"repository:{self.repository}:pull"
        if fields.get("grant_type") != "refresh_token" or fields.get("service") != self.authority:
            return self.fault(f"{fields} is no question for an access token")
        if fields.get("scope") != scope:
            return self.fault(f"{fields.get('scope')} is more than a pull needs")
        self.sign_ins += 1
        if fields.get("refresh_token") not in self.refreshing:
            return web.json_response({"errors": [{"code": "UNAUTHORIZED", "message": "unauthorized"}]}, status=401)
        return self.granted([scope])


class AzureOfAMachine(Azure):
    """How to use managed identities on a VM to acquire an access token (Microsoft Learn), "Get a token using HTTP"."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/metadata/identity/oauth2/token":
            return await super().handle(request)
        wanted = {"api-version": "2018-02-01", "resource": "https://containerregistry.azure.net"}
        if request.method != "GET" or request.headers.get("Metadata") != "true" or dict(request.query) != wanted:
            return self.fault("a question that a metadata server does not answer")
        self.questions += 1
        return self.lend_entra()

    def fields(self) -> dict[str, Any]:
        return {"sign_in": "azure"}


BY_LENDING = (Ecr, EcrOfASession, Google, Azure)
