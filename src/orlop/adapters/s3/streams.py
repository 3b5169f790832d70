"""Reading objects piece by piece, going on after a cut connection."""

from collections.abc import AsyncGenerator

import aiohttp

from orlop.adapters.s3.errors import FAILURES, code_of
from orlop.adapters.s3.session import S3Session
from orlop.domain.ranges import Span
from orlop.ports.blobs import PIECE

#: How often in a row a connection may be cut before any further byte.
_CUTS = 3


async def reading(session: S3Session, key: str, span: Span, most: int = PIECE) -> AsyncGenerator[bytes, None]:
    """The bytes of `span`, never fewer, in pieces of at most `most`. Raises what the driver raises.

    A connection that is cut is made anew from where it ended: objects do not change.
    """
    start, cuts = span.start, 0
    while start < span.stop:
        try:
            answer = await session.ask("get_object", Key=key, Range=f"bytes={start}-{span.stop - 1}")
            async with answer["Body"] as body:
                if start and not answer.get("ContentRange", "").startswith(f"bytes {start}-"):
                    raise aiohttp.ClientPayloadError("the answer begins elsewhere")
                while start < span.stop and (piece := await body.read(min(most, span.stop - start))):
                    start, cuts = start + len(piece), 0
                    yield piece
            if start < span.stop:
                raise aiohttp.ClientPayloadError("the answer ended early")
        except FAILURES as failure:
            cuts += 1
            if code_of(failure) or cuts > _CUTS:
                raise
