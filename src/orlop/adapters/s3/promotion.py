"""Turning a stage into a copy: the store copies its objects, no byte comes through here.

A stage of one object is copied as it is. Several become the parts of a multipart upload under the key of the copy,
which appears whole when that is completed, or not at all. Either way the size is asked for afterwards, whatever the
store answered before: an answer may be lost, and a repetition then finds nothing left to complete.
"""

import asyncio
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from orlop.adapters.s3.errors import FAILURES, code_of, is_missing, translated
from orlop.adapters.s3.place import Piece, Place
from orlop.adapters.s3.session import S3Session
from orlop.domain.blob import Blob
from orlop.domain.errors import BlobUploadUnknown, Unavailable

#: Parts that are copied at once.
_PARALLEL = 8


async def promote(session: S3Session, upload: str, blob: Blob, place: str) -> None:
    """Make the copy. Raises BlobUploadUnknown when neither it nor all of the stage is there, Unavailable."""
    key = session.keys.copy(blob.key)
    with translated("storing the blob"):
        try:
            pieces = Place.read(place).pieces(blob.size) if place and Place.read(place).size == blob.size else []
            if pieces:
                await _copy(session, upload, pieces, key)
        except FAILURES as failure:
            # Gone are the objects of the stage, or the multipart upload: somebody was here before, if the copy is.
            if (
                not is_missing(failure)
                and code_of(failure) != "NoSuchUpload"
                and not await _is_there(session, key, blob)
            ):
                raise
        if not await _is_there(session, key, blob):
            raise BlobUploadUnknown("the bytes of the upload are not there; begin a new one")


async def _copy(session: S3Session, upload: str, pieces: list[Piece], key: str) -> None:
    sources = [{"Bucket": session.options.bucket, "Key": session.keys.stage(upload) + piece.name} for piece in pieces]
    if len(pieces) == 1:
        await session.ask("copy_object", Key=key, CopySource=sources[0], **session.options.writing)
        return
    begun = await session.ask("create_multipart_upload", Key=key, **session.options.writing)
    try:
        parts = await _parts(session, key, begun["UploadId"], sources)
        await session.ask(
            "complete_multipart_upload", Key=key, UploadId=begun["UploadId"], MultipartUpload={"Parts": parts}
        )
    except BaseException:
        with suppress(*FAILURES):
            await session.ask("abort_multipart_upload", Key=key, UploadId=begun["UploadId"])
        raise


async def _parts(session: S3Session, key: str, multipart: str, sources: list[dict[str, str]]) -> list[dict[str, Any]]:
    limit = asyncio.Semaphore(_PARALLEL)

    async def copied(number: int, source: dict[str, str]) -> dict[str, Any]:
        async with limit:
            answer = await session.ask(
                "upload_part_copy", Key=key, UploadId=multipart, PartNumber=number, CopySource=source
            )
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    tasks = [asyncio.ensure_future(copied(number, source)) for number, source in enumerate(sources, 1)]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _is_there(session: S3Session, key: str, blob: Blob) -> bool:
    """Whether the copy is there. Raises Unavailable for one of another size."""
    try:
        size = await session.size(key)
    except ClientError as failure:
        if is_missing(failure):
            return False
        raise
    if size != blob.size:
        raise Unavailable(f"the store made a copy of {size} bytes out of {blob.size}")
    return True
