"""An OpenID provider that says whatever a test wants it to, on a loopback address."""

import hashlib
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from orlop.ports.clock import SECOND, Clock

Key = RSAKey | ECKey | OKPKey
CLIENT, SECRET = "orlop", "a secret: with/odd characters"

#: Made once: RSA keys take long.
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})


def part(content: Any) -> str:
    """One part of a token: JSON, or bytes as they are."""
    encoded = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return urlsafe_b64encode(encoded).rstrip(b"=").decode()


def sign(claims: Any, key: Key = RSA, algorithm: str = "RS256", **header: Any) -> str:
    """A token; a header of None is left out."""
    whole = {"alg": algorithm, "kid": key.dict_value.get("kid"), **header}
    protected = {name: value for name, value in whole.items() if value is not None}
    content = claims if isinstance(claims, bytes) else msgspec.json.encode(claims)
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    with warnings.catch_warnings(action="ignore"):  # the library would rather have Ed25519 than EdDSA
        return jws.serialize_compact(protected, content, key, registry=registry)


class SimulatedProvider:
    """Attributes are what it says; change them at will. `heard` is every request: (path, form or headers)."""

    def __init__(self, clock: Clock, name: str = "one") -> None:
        self.clock = clock
        self.name = name
        self.claims: dict[str, Any] = {
            "sub": f"{name}-248289761001",
            "preferred_username": "ada",
            "name": "Ada",
            "email": "ada@example.org",
            "email_verified": True,
        }
        self.userinfo: dict[str, Any] | None = None
        self.keys: list[Key] = [RSA, EC, ED]
        self.discovery: dict[str, Any] = {}
        self.id_token: Callable[[dict[str, Any]], Any] = sign
        self.token_answer: tuple[int, dict[str, Any]] | None = None
        self.refresh_answer: tuple[int, dict[str, Any]] | None = None
        self.refresh_token: str | None = None
        self.codes: dict[str, dict[str, str]] = {}
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.issuer = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/keys", self._keys)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.issuer = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    def body(self, **more: Any) -> bytes:
        """The document of it as a provider."""
        said = {"type": "oidc", "issuer": self.issuer, "client_id": CLIENT, "client_secret": SECRET, **more}
        return msgspec.json.encode(said)

    def signed_in(self, query: dict[str, str]) -> str:
        """Somebody signed in there, sent by these parameters; the code that the browser brings back."""
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return code

    def common(self) -> dict[str, Any]:
        """What every token of it says."""
        now = self.clock.now() // SECOND
        return {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300}

    def logout_token(self, **claims: Any) -> str:
        """A logout token; a claim of None is left out."""
        events = {"http://schemas.openid.net/event/backchannel-logout": {}}
        said = {**self.common(), "jti": "j-1", "sub": self.claims["sub"], "events": events, **claims}
        return sign({name: value for name, value in said.items() if value is not None}, typ="logout+jwt")

    async def _discovery(self, request: web.Request) -> web.Response:
        self.heard.append((request.path, dict(request.headers)))
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?theme=dark",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "response_types_supported": ["code"],
            **self.discovery,
        }
        return web.json_response({name: value for name, value in said.items() if value is not None})

    async def _keys(self, request: web.Request) -> web.Response:
        self.heard.append((request.path, {}))
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.heard.append((request.path, {**form, "authorization": request.headers.get("Authorization", "")}))
        if form["grant_type"] == "refresh_token":
            status, said = self.refresh_answer or (200, {"access_token": "at", "token_type": "Bearer"})
            return web.json_response(said, status=status)
        if self.token_answer:
            return web.json_response(self.token_answer[1], status=self.token_answer[0])
        asked = self.codes.pop(form["code"], None)
        challenge = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if not asked or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims = {**self.common(), "nonce": asked["nonce"], **self.claims}
        answer = {"access_token": "at", "token_type": "Bearer", "id_token": self.id_token(claims)}
        if self.refresh_token:
            answer["refresh_token"] = self.refresh_token
        return web.json_response(answer)

    async def _userinfo(self, request: web.Request) -> web.Response:
        self.heard.append((request.path, dict(request.headers)))
        return web.json_response(self.userinfo or {"sub": self.claims["sub"]})
