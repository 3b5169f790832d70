"""Backups in a bucket. See domain.backup for the keys; beside these there are `orlop-backups.json`, which says what the
prefix is, and `lock` while somebody writes."""

import asyncio
import hashlib
import io
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from botocore.exceptions import ClientError

from orlop.adapters.s3.backup_lock import BucketLock
from orlop.adapters.s3.errors import FAILURES, is_missing, translated
from orlop.adapters.s3.session import S3Options, S3Session
from orlop.domain.errors import Denied, NotFound
from orlop.ports.backup import StoredKey
from orlop.ports.blobs import PIECE

_MARKER, _LOCK = "orlop-backups.json", "lock"
_MARK = b'{"kind": "orlop-backups", "format": 1}\n'

#: Bytes of a part, at least, and how many parts an object has at most.
_PART, _PARTS = 16 << 20, 9_000
#: Requests about keys at a time.
_ASKED = 32

_WRITING, _READING = "writing the backup", "reading the backup"


class BackupBucket:
    """See ports.backup.BackupTarget."""

    def __init__(self, options: S3Options) -> None:
        self._session = S3Session(options)
        self._where = f"s3://{options.bucket}/{options.prefix}".rstrip("/")
        self._lock = BucketLock(self._session, self._key(_LOCK), self._where)

    async def write(self, key: str, pieces: AsyncIterable[bytes], size: int) -> None:
        """See BackupTarget. An object appears whole, and is durable then. Raises Conflict where the lock was lost."""
        self._lock.check()
        with translated(_WRITING):
            if size <= _PART:
                await self._session.put(self._key(key), b"".join([piece async for piece in pieces]))
            else:
                await self._in_parts(self._key(key), pieces, max(_PART, -(-size // _PARTS)))

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        """See BackupTarget."""
        with translated(_READING):
            try:
                answer = await self._session.ask("get_object", Key=self._key(key))
            except ClientError as failure:
                if is_missing(failure):
                    raise NotFound(f"there is no {key}") from failure
                raise
            async with answer["Body"] as body:
                while piece := await body.read(PIECE):
                    yield piece

    async def present(self, keys: Sequence[StoredKey]) -> frozenset[str]:
        """See BackupTarget. A request for each."""
        there = await self.sizes([one.key for one in keys])
        return frozenset(one.key for one in keys if there.get(one.key) == one.size)

    async def sizes(self, keys: Sequence[str]) -> dict[str, int]:
        """How large those are that are there, in bytes. A request for each."""
        turns = asyncio.Semaphore(_ASKED)

        async def ask(key: str) -> int | None:
            async with turns:
                try:
                    return await self._session.size(self._key(key))
                except ClientError as failure:
                    if is_missing(failure):
                        return None
                    raise

        with translated(_READING):
            found = await asyncio.gather(*map(ask, keys))
        return {key: size for key, size in zip(keys, found, strict=True) if size is not None}

    async def keys(self, under: str) -> AsyncIterator[StoredKey]:
        """See BackupTarget."""
        root = self._session.keys.root
        with translated(_READING):
            async for page in self._session.list("list_objects_v2", Prefix=f"{root}{under}"):
                for entry in page.get("Contents", ()):
                    yield StoredKey(entry["Key"].removeprefix(root), entry["Size"])

    async def settle(self) -> None:
        """See BackupTarget. Nothing is left to do."""

    async def remove(self, key: str) -> None:
        """See BackupTarget. Raises Conflict where the lock was lost."""
        self._lock.check()
        with translated("removing a backup"):
            await self._session.ask("delete_object", Key=self._key(key))

    @asynccontextmanager
    async def occupied(self) -> AsyncIterator[None]:
        """See BackupTarget. An empty prefix is marked, another is refused (Denied)."""
        with translated(_WRITING):
            await self._mark()
            await self._lock.take()
        try:
            yield
        finally:
            await self._lock.release()

    async def look(self) -> None:
        """Raises NotFound where there are no backups, Unavailable."""
        with translated(_READING):
            if not await self._is_marked():
                raise NotFound(f"there are no backups of Orlop in {self._where}")

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    def _key(self, key: str) -> str:
        return f"{self._session.keys.root}{key}"

    async def _in_parts(self, key: str, pieces: AsyncIterable[bytes], part: int) -> None:
        begun = await self._session.ask("create_multipart_upload", Key=key, **self._session.options.writing)
        of = {"Key": key, "UploadId": begun["UploadId"]}
        try:
            tags: list[dict[str, object]] = []
            async for content in _parts(pieces, part):
                summed = await asyncio.to_thread(hashlib.md5, content, usedforsecurity=False)
                number = len(tags) + 1
                answer = await self._session.ask(
                    "upload_part",
                    **of,
                    PartNumber=number,
                    Body=io.BytesIO(content),
                    ContentLength=len(content),
                    ContentMD5=b64encode(summed.digest()).decode(),
                )
                tags.append({"PartNumber": number, "ETag": answer["ETag"]})
            self._lock.check()
            await self._session.ask("complete_multipart_upload", **of, MultipartUpload={"Parts": tags})
        except BaseException:
            with suppress(*FAILURES):
                await self._session.ask("abort_multipart_upload", **of)
            raise

    async def _is_marked(self) -> bool:
        try:
            await self._session.size(self._key(_MARKER))
        except ClientError as failure:
            if is_missing(failure):
                return False
            raise
        return True

    async def _mark(self) -> None:
        if await self._is_marked():
            return
        found = await self._session.ask("list_objects_v2", Prefix=self._session.keys.root, MaxKeys=1)
        foreign = [entry["Key"] for entry in found.get("Contents", ())]
        if foreign:
            raise Denied(
                f"{self._where} is not empty, and holds no backups of Orlop but {foreign[0]!r}; name an empty prefix"
            )
        await self._session.put(self._key(_MARKER), _MARK)


async def _parts(pieces: AsyncIterable[bytes], part: int) -> AsyncGenerator[bytes, None]:
    gathered = bytearray()
    async for piece in pieces:
        gathered += piece
        while len(gathered) >= part:
            yield bytes(gathered[:part])
            del gathered[:part]
    if gathered:
        yield bytes(gathered)
