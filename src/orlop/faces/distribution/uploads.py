"""Uploads over HTTP: POST, PATCH, PUT, GET and DELETE of a session, mounts, and whole blobs in one request."""

from orlop.domain.blob import Blob
from orlop.domain.digest import CANONICAL, Digest, checked_algorithm, digest_of
from orlop.domain.errors import DigestInvalid
from orlop.domain.names import RepositoryName
from orlop.domain.upload import Upload, parse_chunk_range, uploaded_range
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.request import Request
from orlop.faces.http.responses import Headers, Response, header
from orlop.services.content.blobs import Blobs
from orlop.services.content.uploads import Body, Uploads


class UploadHandlers:
    """end-4, end-5, end-6, end-11, end-13 and end-14 of the specification."""

    def __init__(self, uploads: Uploads, blobs: Blobs) -> None:
        self._uploads = uploads
        self._blobs = blobs

    async def start(self, request: Request, exchange: Exchange) -> Response:
        """POST: mount a blob, take a whole one, or begin a session."""
        repository = _repository(request)
        mount = request.parameter("mount")
        if mount is not None:
            source = request.parameter("from")
            named = RepositoryName(source) if source else None
            mounted = await self._blobs.mount(Digest(mount), named, repository, exchange.caller)
            if mounted is not None:
                return _created(repository, mounted)
        digest = request.parameter("digest")
        if digest is not None and mount is None:
            wanted = Digest(digest)
            # Some clients name the digest although they bring the content later: they get a session.
            if exchange.body.length != 0 or wanted == digest_of(b"", wanted.algorithm):
                blob = await self._uploads.push(repository, wanted, _body(exchange), exchange.caller)
                return _created(repository, blob)
        algorithm = checked_algorithm(request.parameter("digest-algorithm") or CANONICAL)
        return _session(202, await self._uploads.start(repository, exchange.caller, algorithm))

    async def append(self, request: Request, exchange: Exchange) -> Response:
        """PATCH: the next chunk, or with no Content-Range whatever comes."""
        return _session(
            202, await self._uploads.append(_repository(request), request.upload, _body(exchange), exchange.caller)
        )

    async def finish(self, request: Request, exchange: Exchange) -> Response:
        """PUT: the last chunk, if any, and the digest of the whole."""
        digest = request.parameter("digest")
        if digest is None:
            raise DigestInvalid("the request that ends an upload names its digest: ?digest=<algorithm>:<hex>")
        repository = _repository(request)
        blob = await self._uploads.finish(repository, request.upload, Digest(digest), _body(exchange), exchange.caller)
        return _created(repository, blob)

    async def status(self, request: Request, exchange: Exchange) -> Response:
        """GET: where the session stands."""
        return _session(204, await self._uploads.status(_repository(request), request.upload, exchange.caller))

    async def cancel(self, request: Request, exchange: Exchange) -> Response:
        """DELETE: the session ends, its bytes are dropped."""
        await self._uploads.cancel(_repository(request), request.upload, exchange.caller)
        return Response(204, [])


def _repository(request: Request) -> RepositoryName:
    assert request.repository is not None
    return request.repository


def _body(exchange: Exchange) -> Body:
    chunk = exchange.header(b"content-range")
    body = exchange.body
    return Body(
        body.pieces(),
        0 if body.finished else body.length,
        parse_chunk_range(chunk) if chunk else None,
    )


def _created(repository: RepositoryName, blob: Blob) -> Response:
    digest = blob.key.digest
    return Response(
        201, [header("location", f"/v2/{repository}/blobs/{digest}"), header("docker-content-digest", digest)]
    )


def _session(status: int, upload: Upload) -> Response:
    headers: Headers = [
        header("location", f"/v2/{upload.repository}/blobs/uploads/{upload.id}"),
        header("range", uploaded_range(upload.offset)),
        header("docker-upload-uuid", upload.id),
    ]
    return Response(status, headers)
