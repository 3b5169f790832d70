"""Dropping what an upload left: the objects of its stage, and a multipart upload that was never completed."""

from botocore.exceptions import ClientError

from orlop.adapters.s3.errors import code_of, translated
from orlop.adapters.s3.keys import upload_of_copy
from orlop.adapters.s3.session import S3Session
from orlop.domain.errors import Unavailable


async def clear_stage(session: S3Session, upload: str) -> None:
    """Delete every object of a stage, those of lost writers as well. Raises Unavailable."""
    with translated("clearing the upload"):
        async for page in session.list("list_objects_v2", Prefix=session.keys.stage(upload)):
            found = [{"Key": entry["Key"]} for entry in page.get("Contents", ())]
            if found:
                answer = await session.ask("delete_objects", Delete={"Objects": found, "Quiet": True})
                if answer.get("Errors"):
                    raise Unavailable(f"the store does not delete: {answer['Errors'][0].get('Code')}")


async def abort_multiparts(session: S3Session, upload: str) -> None:
    """Abort what began to become the copy of an upload. Raises Unavailable."""
    with translated("clearing the upload"):
        async for page in session.list("list_multipart_uploads", Prefix=session.keys.blobs):
            for entry in page.get("Uploads", ()):
                key = session.keys.copy_of(entry["Key"])
                if key is not None and upload_of_copy(key.copy) == upload:
                    await _abort(session, entry["Key"], entry["UploadId"])


async def _abort(session: S3Session, key: str, multipart: str) -> None:
    try:
        await session.ask("abort_multipart_upload", Key=key, UploadId=multipart)
    except ClientError as failure:
        if code_of(failure) != "NoSuchUpload":
            raise
