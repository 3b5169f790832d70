"""Pushing one blob: mount it, send it in one piece, or stream it and ask after a break how far it came."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from yarl import URL

from orlop.adapters.upstream.connection import Connection
from orlop.adapters.upstream.downloads import find_size
from orlop.adapters.upstream.errors import error_of
from orlop.adapters.upstream.patience import RETRIED
from orlop.adapters.upstream.transport import Answer, Broken, Call, Unreachable, follow
from orlop.domain.digest import CANONICAL, Digest
from orlop.domain.errors import BlobUploadUnknown, Denied, NameUnknown, RegistryError, SizeInvalid, Unauthorized
from orlop.domain.names import RepositoryName
from orlop.ports.upstream import BlobOpener, Placement, UpstreamError

#: Up to this size in bytes a blob is held in memory and sent with the closing PUT: one request less.
_SINGLE = 512 * 1024

_RANGE = re.compile(r"(?:bytes[ =])?0-([0-9]{1,19})", re.ASCII)
_OCTETS = {"Content-Type": "application/octet-stream"}


class BlobUpload:
    """One blob on its way into one repository. Used once."""

    def __init__(
        self,
        connection: Connection,
        repository: RepositoryName,
        scopes: tuple[str, ...],
        digest: Digest,
        size: int,
        content: BlobOpener,
    ) -> None:
        self._connection = connection
        self._repository = repository
        self._scopes = scopes
        self._digest = digest
        self._size = size
        self._content = content
        self._what = f"pushing blob {digest} to {connection.base.authority}/{repository}"
        self._session: URL | None = None
        self._source_error: BaseException | None = None

    async def run(self, mount_from: RepositoryName | None) -> Placement:
        """Do it; see BlobPusher.push_blob in the port."""
        if mount_from is not None and await self._mount(mount_from):
            return Placement.MOUNTED
        if self._session is None:
            await self._begin()
        try:
            await (self._send_whole() if self._size <= _SINGLE else self._send_stream())
        except RegistryError:
            await self._cancel()
            raise
        return Placement.PUSHED

    async def _mount(self, mount_from: RepositoryName) -> bool:
        """Ask for the blob of another repository; False where it has to be sent.

        "If a registry does not support cross-repository mounting or is unable to mount the requested blob, it SHOULD
        return a 202" (distribution-spec, "Mounting a blob from another repository"). Registries also refuse: whoever
        may push here need not be who may pull there. No refusal of a mount is one of the push.
        """
        scopes = (*self._scopes, f"repository:{mount_from}:pull")
        try:
            answer = await self._post({"mount": self._digest, "from": mount_from}, scopes)
        except (Unauthorized, Denied):
            return False  # by the token server, which gives nothing for both at once
        if answer.status == 202:
            self._move_to(answer)
        return answer.status == 201

    async def _begin(self) -> None:
        """Open a session."""
        query = {"digest-algorithm": self._digest.algorithm} if self._digest.algorithm != CANONICAL else {}
        answer = await self._post(query, self._scopes)
        if answer.status != 202:
            raise error_of(answer, self._what, NameUnknown)
        self._move_to(answer)

    async def _post(self, query: dict[str, str], scopes: tuple[str, ...]) -> Answer:
        url = self._connection.base.joinpath("v2", *self._repository.split("/"), "blobs", "uploads/")
        return await self._connection.read(Call("POST", url.with_query(query), scopes=scopes))

    async def _send_whole(self) -> None:
        pieces: list[bytes] = []
        length = 0
        async with aclosing(self._content(0)) as content:
            async for piece in content:
                length += len(piece)
                if length > self._size:
                    break
                pieces.append(piece)
        if length != self._size:
            raise SizeInvalid(f"{self._what}: the source does not have the {self._size} bytes announced")
        await self._close(b"".join(pieces))

    async def _send_stream(self) -> None:
        offset, attempt = 0, 0
        while offset < self._size:
            attempt += 1
            retry_after: float | None = None
            failure: RegistryError
            try:
                answer = await self._connection.stream(self._patch(offset), self._body(offset))
                if answer.status in (202, 204):
                    self._move_to(answer)
                    break
                failure = error_of(answer, self._what, BlobUploadUnknown)
                retry_after = answer.retry_after
                # 401: the token ran out under way; 416 and 404: asking tells where the session stands, if at all.
                if answer.status not in RETRIED and answer.status not in (401, 404, 416):
                    raise failure
            except (Unreachable, Broken) as broken:
                failure = broken
            if isinstance(self._source_error, Exception):
                raise self._source_error
            if not await self._connection.wait_for(attempt, retry_after, failure.message):
                raise failure
            reached = await self._ask()
            if reached is None or (reached == offset and getattr(failure, "code", "") == "BLOB_UPLOAD_INVALID"):
                await self._begin()
                reached = 0
            attempt = 0 if reached > offset else attempt
            offset = reached
        await self._close(b"")

    def _patch(self, offset: int) -> Call:
        headers = {**_OCTETS, "Content-Length": str(self._size - offset)}
        if offset:
            headers["Content-Range"] = f"{offset}-{self._size - 1}"
        return Call("PATCH", self._at(), headers, scopes=self._scopes)

    async def _body(self, offset: int) -> AsyncGenerator[bytes, None]:
        """The content from `offset` on; an error of the source is kept, since the request only shows that it broke."""
        position = offset
        self._source_error = None
        try:
            async with aclosing(self._content(offset)) as content:
                async for piece in content:
                    position += len(piece)
                    if position > self._size:
                        break
                    yield piece
            if position != self._size:
                raise SizeInvalid(f"{self._what}: the source does not have the {self._size} bytes announced")
        except Exception as cause:
            self._source_error = cause
            raise

    async def _ask(self) -> int | None:
        """How many bytes the session has ("Retrieve the status of an upload", end-13); None when it is gone, or the
        registry does not tell."""
        answer = await self._connection.read(Call("GET", self._at(), scopes=self._scopes))
        if answer.status in (404, 405, 501):
            return None
        if answer.status not in (202, 204):
            raise error_of(answer, self._what, BlobUploadUnknown)
        self._move_to(answer)
        match = _RANGE.fullmatch(answer.headers.get("range", "").strip())
        last = int(match[1]) if match else 0
        # `0-0` stands for one byte and, in registries that have no other way to say it, for none.
        return min(last + 1, self._size) if last else 0

    async def _close(self, body: bytes) -> None:
        separator = "&" if self._at().raw_query_string else "?"
        url = URL(f"{self._at()}{separator}digest={self._digest.replace(':', '%3A')}", encoded=True)
        headers = {**_OCTETS, "Content-Length": str(len(body))}
        answer = await self._connection.read(Call("PUT", url, headers, body, scopes=self._scopes))
        if answer.status in (201, 204):
            return
        # The session may be gone because an earlier try of this PUT was obeyed and its answer lost.
        if answer.status != 404 or not await self._is_there():
            raise error_of(answer, self._what, BlobUploadUnknown)

    async def _is_there(self) -> bool:
        url = self._connection.base.joinpath("v2", *self._repository.split("/"), "blobs", self._digest)
        return await find_size(self._connection, url, self._scopes) == self._size

    async def _cancel(self) -> None:
        """Give the session back; what does not work here expires there."""
        if self._session is not None:
            try:
                await self._connection.read(Call("DELETE", self._session, scopes=self._scopes))
            except UpstreamError:
                self._session = None

    def _at(self) -> URL:
        if self._session is None:
            raise UpstreamError(f"{self._what}: the registry named no upload session")
        return self._session

    def _move_to(self, answer: Answer) -> None:
        location = answer.headers.get("location", "")
        if location or self._session is None:
            self._session = follow(answer.url, location)
