"""What lies in the bucket, a page at a time, and whether it can be written at all."""

from collections.abc import AsyncIterator
from datetime import datetime

from orlop.adapters.s3.errors import translated
from orlop.adapters.s3.keys import upload_of_copy
from orlop.adapters.s3.session import S3Session
from orlop.domain.blob import Blob
from orlop.domain.errors import Unavailable
from orlop.ports.blobs import StoredCopy, StoredStage
from orlop.ports.clock import SECOND, Ids

_PROBE = b"orlop\n"
_LISTING = "listing the store"


class S3Inventory:
    """See ports.blobs.BlobInventory. Objects that are named like nothing of ours are passed over."""

    def __init__(self, session: S3Session, ids: Ids) -> None:
        self._session = session
        self._ids = ids

    async def copies(self) -> AsyncIterator[StoredCopy]:
        """See ports.blobs.BlobInventory."""
        with translated(_LISTING):
            async for page in self._session.list("list_objects_v2", Prefix=self._session.keys.blobs):
                for entry in page.get("Contents", ()):
                    key = self._session.keys.copy_of(entry["Key"])
                    if key is not None:
                        yield StoredCopy(Blob(key, entry["Size"]), _microseconds(entry["LastModified"]))

    async def stages(self) -> AsyncIterator[StoredStage]:
        """See ports.blobs.BlobInventory. A multipart upload that was never completed counts as a stage."""
        upload, newest = "", 0
        with translated(_LISTING):
            async for page in self._session.list("list_objects_v2", Prefix=self._session.keys.stages):
                for entry in page.get("Contents", ()):
                    found = self._session.keys.upload_of(entry["Key"])
                    if found is None:
                        continue
                    if upload and found != upload:
                        yield StoredStage(upload, newest)
                        newest = 0
                    upload, newest = found, max(newest, _microseconds(entry["LastModified"]))
            if upload:
                yield StoredStage(upload, newest)
            async for page in self._session.list("list_multipart_uploads", Prefix=self._session.keys.blobs):
                for entry in page.get("Uploads", ()):
                    key = self._session.keys.copy_of(entry["Key"])
                    if key is not None:
                        yield StoredStage(upload_of_copy(key.copy), _microseconds(entry["Initiated"]))

    async def check(self) -> None:
        """See ports.blobs.BlobInventory."""
        key = self._session.keys.check(self._ids.new())
        with translated("writing to the blob store"):
            await self._session.put(key, _PROBE)
            answer = await self._session.ask("get_object", Key=key)
            async with answer["Body"] as body:
                found = await body.read()
            await self._session.ask("delete_object", Key=key)
        if found != _PROBE:
            raise Unavailable("the blob store does not give back what was written to it")


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * SECOND)
