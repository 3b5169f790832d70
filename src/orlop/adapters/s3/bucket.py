"""Recognising a bucket, or marking an empty one: whose blobs are these?"""

import msgspec
from botocore.exceptions import ClientError

from orlop.adapters.s3.errors import FAILURES, code_of, is_missing, reason_of
from orlop.adapters.s3.session import S3Options, S3Session
from orlop.ports.stores import StoreRefused

#: The format that this program writes. A program that changes the keys so that an older one would err raises it.
FORMAT = 1

_KIND = "orlop-blobs"


class BucketRefused(StoreRefused):
    """A bucket that cannot serve as the blob store; the message is one sentence that says why and what to do."""


class Marker(msgspec.Struct, frozen=True):
    """What `orlop.json` holds. `catalog` is the id of the catalog whose rows name these blobs."""

    format: int
    catalog: str
    kind: str


async def prepare_bucket(options: S3Options, catalog: str) -> None:
    """Make sure that the prefix is the blob store of this catalog; an empty one becomes it. Raises BucketRefused."""
    session = S3Session(options)
    where = f"s3://{options.bucket}/{options.prefix}"
    try:
        await _prepare(session, catalog, where)
    except FAILURES as failure:
        raise BucketRefused(f"the blob store {where} cannot be used: {reason_of(failure)}") from failure
    except ValueError as cause:  # of botocore, for an endpoint or a bucket name that cannot be one
        raise BucketRefused(f"the blob store {where} cannot be used: {cause}") from cause
    finally:
        await session.close()


async def _prepare(session: S3Session, catalog: str, where: str) -> None:
    text = await _read(session)
    if text is None:
        await _mark(session, catalog, where)
        text = await _read(session)
    try:
        marker = msgspec.json.decode(text or b"", type=Marker)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise BucketRefused(f"the marker {where}/orlop.json is damaged; restore it from a backup") from cause
    if marker.kind != _KIND or marker.format < 1:
        raise BucketRefused(f"{where}/orlop.json is not the marker of a blob store of Orlop")
    if marker.format > FORMAT:
        raise BucketRefused(
            f"the blob store {where} has format {marker.format}, and this program knows {FORMAT}; use a newer program"
        )
    if marker.catalog != catalog:
        raise BucketRefused(
            f"the blob store {where} belongs to another catalog; name an empty prefix in blobs.url, or that catalog"
        )


async def _read(session: S3Session) -> bytes | None:
    try:
        answer = await session.ask("get_object", Key=session.keys.marker)
    except ClientError as failure:
        if is_missing(failure):
            return None
        raise
    async with answer["Body"] as body:
        content: bytes = await body.read()
    return content


async def _mark(session: S3Session, catalog: str, where: str) -> None:
    """Mark an empty prefix; refuse one that is not."""
    found = await session.ask("list_objects_v2", Prefix=session.keys.root, MaxKeys=1)
    foreign = [entry["Key"] for entry in found.get("Contents", ()) if entry["Key"] != session.keys.marker]
    if foreign:
        raise BucketRefused(
            f"{where} is not empty and not a blob store of Orlop (it holds {foreign[0]!r}); name an empty prefix"
        )
    marker = msgspec.json.encode(Marker(FORMAT, catalog, _KIND))
    try:
        # Of two that start at once on an empty prefix, the store lets one be first.
        await session.put(session.keys.marker, marker, IfNoneMatch="*")
    except ClientError as failure:
        if code_of(failure) == "NotImplemented":
            await session.put(session.keys.marker, marker)
        elif code_of(failure) not in {"PreconditionFailed", "ConditionalRequestConflict"}:
            raise


async def hand_over(options: S3Options, before: str, after: str) -> None:
    """Make the blob store of one catalog that of another; fine when it is that already. Raises BucketRefused."""
    session = S3Session(options)
    where = f"s3://{options.bucket}/{options.prefix}"
    try:
        marker = msgspec.json.decode(await _read(session) or b"", type=Marker)
        if marker.catalog not in (before, after):
            raise BucketRefused(f"the blob store {where} belongs to another catalog")
        await session.put(session.keys.marker, msgspec.json.encode(Marker(FORMAT, after, _KIND)))
    except FAILURES as failure:
        raise BucketRefused(f"the blob store {where} cannot be used: {reason_of(failure)}") from failure
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise BucketRefused(f"the marker {where}/orlop.json is damaged; restore it from a backup") from cause
    finally:
        await session.close()
