"""AWS's Security Token Service on loopback, for GetCallerIdentity alone, strict about Signature Version 4.

Computes the signature of a presigned request itself, from the text of "Create a signed AWS API request" and
"Authenticating Requests: Using Query Parameters" (AWS documentation), with none of the code that signs in the tests.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, unquote

from aiohttp import web


class Key(NamedTuple):
    """An access key and whom it belongs to."""

    secret: str
    arn: str
    session_token: str = ""


ACCOUNT = "123456789012"
ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/ci-push/i-0123456789abcdef0"


class Sts:
    """Answers those whose signature is right. `now`: seconds since 1970."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.keys = {"ASIAIOSFODNN7EXAMPLE": Key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ROLE, "session/+=token")}
        self.asked = 0
        self.answer: web.Response | None = None
        """What to answer instead."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.asked += 1
        if self.answer is not None:
            return self.answer
        wrong = self._wrong(request)
        if wrong is not None:
            error = {"Error": {"Code": wrong, "Type": "Sender", "Message": wrong}, "RequestId": "r"}
            return web.json_response(error, status=403)
        key = self.keys[self._parameters(request)["X-Amz-Credential"].partition("/")[0]]
        result = {"Account": ACCOUNT, "Arn": key.arn, "UserId": "AROAEXAMPLE:i-0123456789abcdef0"}
        whole = {"GetCallerIdentityResult": result, "ResponseMetadata": {"RequestId": "r"}}
        return web.json_response({"GetCallerIdentityResponse": whole})

    @staticmethod
    def _parameters(request: web.Request) -> dict[str, str]:
        pairs = (pair.partition("=") for pair in request.rel_url.raw_query_string.split("&"))
        return {unquote(name): unquote(value) for name, _, value in pairs}

    def _wrong(self, request: web.Request) -> str | None:
        """AWS's code for what is wrong with a request."""
        given = self._parameters(request)
        if request.method != "GET" or request.path != "/" or request.headers.get("Accept") != "application/json":
            return "InvalidAction"
        if given.get("Action") != "GetCallerIdentity" or given.get("Version") != "2011-06-15":
            return "InvalidAction"
        scope = given.get("X-Amz-Credential", "").split("/")
        key = self.keys.get(scope[0])
        if key is None or len(scope) != 5 or given.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256":
            return "InvalidClientTokenId"
        if given.get("X-Amz-Security-Token", "") != key.session_token:
            return "InvalidClientTokenId"
        signed = datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        if not signed - 300 <= self.now < signed + 900:
            return "ExpiredToken"
        region = request.headers["Host"].split(".")[1]
        if scope[1:] != [given["X-Amz-Date"][:8], region, "sts", "aws4_request"]:
            return "SignatureDoesNotMatch"
        expected = self._signature(request, given, key.secret, scope)
        return None if hmac.compare_digest(expected, given.get("X-Amz-Signature", "")) else "SignatureDoesNotMatch"

    @staticmethod
    def _signature(request: web.Request, given: dict[str, str], secret: str, scope: list[str]) -> str:
        query = sorted(
            (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
            for name, value in given.items()
            if name != "X-Amz-Signature"
        )
        names = given["X-Amz-SignedHeaders"].split(";")
        headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in names)
        canonical = "\n".join(
            [
                "GET",
                "/",
                "&".join(f"{name}={value}" for name, value in query),
                headers,
                ";".join(names),
                hashlib.sha256(b"").hexdigest(),
            ]
        )
        to_sign = "\n".join(
            [
                "AWS4-HMAC-SHA256",
                given["X-Amz-Date"],
                "/".join(scope[1:]),
                hashlib.sha256(canonical.encode()).hexdigest(),
            ]
        )
        key = f"AWS4{secret}".encode()
        for part in scope[1:]:
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, to_sign.encode(), "sha256").hexdigest()
