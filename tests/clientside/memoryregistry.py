"""A registry in memory that a test bends in one place: the whole protocol by the book, one method for each request.

Strict: what no client may send is answered 400 and noted, so a test that reads `faults` fails.
"""

import re
from typing import NamedTuple

from aiohttp import web

from orlop.domain.digest import digest_of
from tests import content

_ROUTE = re.compile(r"/v2/(?P<name>.+?)/(?P<kind>blobs/uploads|blobs|manifests|tags|referrers)/(?P<rest>.*)", re.ASCII)
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Stored(NamedTuple):
    """A manifest."""

    media_type: str
    body: bytes


class MemoryRegistry:
    """Repositories by name. A test overrides the request that its registry answers in a way of its own."""

    def __init__(self) -> None:
        self.blobs: dict[str, dict[str, bytes]] = {}
        self.manifests: dict[str, dict[str, Stored]] = {}
        self.faults: list[str] = []
        self._sessions = 0

    def keep(self, name: str, what: content.Pushable, *tags: str) -> None:
        """An image with all that belongs to it, as if it had been pushed."""
        for item in what.everything():
            self.blobs.setdefault(name, {}).update({piece.digest: piece.content for piece in item.blobs})
            stored = Stored(item.media_type, item.content)
            self.manifests.setdefault(name, {}).update(dict.fromkeys((item.digest, *tags), stored))

    def holds(self, name: str, what: content.Pushable) -> bool:
        """Whether an image is there with all that belongs to it."""
        return all(
            item.digest in self.manifests.get(name, {})
            and all(piece.digest in self.blobs.get(name, {}) for piece in item.blobs)
            for item in what.everything()
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        match = _ROUTE.fullmatch(request.path)
        if match is None:
            return self.fault(f"{request.method} {request.path}")
        name, rest = match["name"], match["rest"]
        match request.method, match["kind"]:
            case "POST", "blobs/uploads" if "mount" in request.query:
                return await self.mount(request, name, request.query["mount"], request.query["from"])
            case "POST" | "PATCH" | "PUT" | "DELETE", "blobs/uploads":
                return await self.upload(request, name)
            case "HEAD", "blobs":
                return await self.head_blob(request, name, rest)
            case "GET", "blobs":
                return await self.get_blob(request, name, rest)
            case "HEAD" | "GET", "manifests":
                return await self.manifest(request, name, rest)
            case "PUT", "manifests":
                stored = Stored(request.content_type, await request.read())
                self.manifests.setdefault(name, {}).update(dict.fromkeys((digest_of(stored.body), rest), stored))
                return web.Response(status=201)
            case "GET", "tags":
                return await self.tags(request, name)
            case _:
                return web.Response(status=404)

    def fault(self, what: str) -> web.StreamResponse:
        """What no client may send."""
        self.faults.append(what)
        return web.json_response({"errors": [{"code": "UNSUPPORTED", "message": what}]}, status=400)

    async def mount(self, request: web.Request, name: str, digest: str, source: str) -> web.StreamResponse:
        """201 where the other repository has the blob, else a session."""
        found = self.blobs.get(source, {}).get(digest)
        if found is None:
            return await self.upload(request, name)
        self.blobs.setdefault(name, {})[digest] = found
        return web.Response(status=201)

    async def upload(self, request: web.Request, name: str) -> web.StreamResponse:
        """A session that takes everything at once: in its PATCH or in its PUT."""
        if request.method == "POST":
            self._sessions += 1
            return web.Response(status=202, headers={"Location": f"/v2/{name}/blobs/uploads/{self._sessions}"})
        body = await request.read()
        sessions = self.blobs.setdefault("", {})
        if request.method == "DELETE":
            sessions.pop(request.path, None)
            return web.Response(status=204)
        sessions[request.path] = whole = sessions.get(request.path, b"") + body
        if request.method == "PATCH":
            return web.Response(status=202, headers={"Location": request.path})
        if digest_of(whole) != request.query.get("digest"):
            return self.fault(f"{request.query_string} is not the digest of what came")
        self.blobs.setdefault(name, {})[digest_of(whole)] = sessions.pop(request.path)
        return web.Response(status=201)

    async def head_blob(self, request: web.Request, name: str, digest: str) -> web.StreamResponse:
        """Its size."""
        return await self.get_blob(request, name, digest)

    async def get_blob(self, request: web.Request, name: str, digest: str) -> web.StreamResponse:
        """The bytes, or the first of them."""
        found = self.blobs.get(name, {}).get(digest)
        if found is None:
            return web.Response(status=404)
        if request.headers.get("Range") == "bytes=0-0" and found:
            return web.Response(status=206, body=found[:1], headers={"Content-Range": f"bytes 0-0/{len(found)}"})
        return web.Response(body=found)

    async def manifest(self, request: web.Request, name: str, reference: str) -> web.StreamResponse:
        """By tag or digest."""
        found = self.manifests.get(name, {}).get(reference)
        if found is None:
            return web.Response(status=404)
        headers = {"Docker-Content-Digest": digest_of(found.body), "Content-Type": found.media_type}
        return web.Response(body=found.body, headers=headers)

    async def tags(self, request: web.Request, name: str) -> web.StreamResponse:
        """Page by page, with links."""
        every = sorted(tag for tag in self.manifests.get(name, {}) if ":" not in tag)
        size, last = int(request.query.get("n", "1000")), request.query.get("last", "")
        left = [tag for tag in every if tag > last]
        page = left[:size]
        headers = {"Link": f'<{request.path}?n={size}&last={page[-1]}>; rel="next"'} if len(left) > size else {}
        return web.json_response({"name": name, "tags": page}, headers=headers)
