"""A server that writes down what is asked of it, and answers as S3, AWS's token service and its instances do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

_XML = "application/xml"
_ROLE = (
    "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{key}</AccessKeyId>"
    "<SecretAccessKey>secret</SecretAccessKey><SessionToken>{key}-token</SessionToken>"
    "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
    "</AssumeRoleWithWebIdentityResponse>"
)
_INSTANCE = {
    "Code": "Success",
    "AccessKeyId": "from-instance",
    "SecretAccessKey": "secret",
    "Token": "from-instance-token",
    "Expiration": "2099-01-01T00:00:00Z",
}


class Seen(NamedTuple):
    """A request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


class Recorder:
    """`seen` is every request for an object, in order; `port` is where it listens."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        """One request."""
        if request.path.startswith("/latest/"):
            return self._instance(request)
        if request.path == "/" and "AssumeRoleWithWebIdentity" in await request.text():
            return web.Response(text=_ROLE.format(key="from-identity"), content_type="text/xml")
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(request.method, request.path, request.query_string, headers))
        await request.read()
        return self._object(request)

    def _object(self, request: web.Request) -> web.Response:
        if request.method == "HEAD":
            return web.Response(status=404)
        if request.method == "POST" and "uploads" in request.query:
            text = "<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>"
            return web.Response(text=text, content_type=_XML)
        if request.method == "POST":
            text = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
            return web.Response(text=text, content_type=_XML)
        if "x-amz-copy-source" in request.headers:
            kind = "CopyPartResult" if "uploadId" in request.query else "CopyObjectResult"
            return web.Response(text=f"<{kind}><ETag>e</ETag></{kind}>", content_type=_XML)
        return web.Response(headers={"ETag": '"e"'})

    def _instance(self, request: web.Request) -> web.Response:
        if request.path == "/latest/api/token":
            return web.Response(text="token", headers={"x-aws-ec2-metadata-token-ttl-seconds": "21600"})
        if request.path.endswith("/security-credentials/"):
            return web.Response(text="role")
        return web.json_response(_INSTANCE)


@asynccontextmanager
async def recorder() -> AsyncIterator[Recorder]:
    """On a free port of loopback."""
    made = Recorder()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()
