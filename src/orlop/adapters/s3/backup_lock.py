"""The lock of the backups in a bucket: an object that says whose run it is, and is written anew while that goes on.

Whoever stood still for so long that it is nobody's any more, or finds another's word in it, writes nothing further.
"""

import asyncio
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from math import inf
from time import monotonic

from botocore.exceptions import ClientError

from orlop.adapters.s3.errors import FAILURES, code_of, is_missing
from orlop.adapters.s3.session import S3Session
from orlop.domain.errors import Conflict

#: A lock is renewed so often, and nobody's after so long, in seconds.
RENEWED, STALE = 60.0, 600.0

_REFUSED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"})


class BucketLock:
    """That of one place, `where`, for one program, which has it once at a time."""

    def __init__(self, session: S3Session, key: str, where: str) -> None:
        self._session = session
        self._key = key
        self._where = where
        self._run = ""
        self._renewing: asyncio.Task[None] | None = None
        self._until = inf
        """Until when it is ours on the clock of this machine, in seconds; without end where nobody took it."""

    def check(self) -> None:
        """Raises Conflict where it was taken, and is lost."""
        if monotonic() >= self._until:
            raise Conflict(
                f"the lock of the backups in {self._where} was lost: it could not be renewed for ten minutes, or"
                " somebody removed it, and another command may write there; run this one again"
            )

    async def take(self) -> None:
        """Have it until `release`. Raises Conflict, and what the driver does."""
        self._run = uuid.uuid4().hex
        self._renewing = asyncio.create_task(self._renew(await self._take()))

    async def release(self) -> None:
        """Let others have it. One that is another's by now is left alone."""
        assert self._renewing is not None, "whoever took it lets it go"
        self._renewing.cancel()
        await asyncio.wait([self._renewing])
        self._until = inf
        with suppress(*FAILURES):  # then it is nobody's in a while
            if await self._ours() is not None:
                await self._session.ask("delete_object", Key=self._key)

    async def _take(self) -> str:
        """Its tag. Raises Conflict."""
        condition = {"IfNoneMatch": "*"}
        try:
            there = await self._session.ask("head_object", Key=self._key)
        except ClientError as failure:
            if not is_missing(failure):
                raise
        else:
            if (datetime.now(UTC) - there["LastModified"]).total_seconds() < STALE:
                raise self._taken()
            condition = {"IfMatch": there["ETag"]}
        until, refused = monotonic() + STALE, None
        try:
            await self._session.put(self._key, self._word(), None, **condition)
        except ClientError as failure:
            if code_of(failure) not in _REFUSED:
                raise
            refused = failure  # also when the answer to ours was lost, and the driver asked again
        found = await self._ours()
        if found is None:
            raise self._taken() from refused
        self._until = until
        return found[0]

    async def _renew(self, tag: str) -> None:
        """Write it anew until cancelled, as long as it is ours."""
        while True:
            await asyncio.sleep(RENEWED)
            until, word = monotonic() + STALE, self._word()
            with suppress(*FAILURES):
                # Whatever comes of this: what then is there tells whose it is, and whether it was renewed.
                with suppress(*FAILURES):
                    await self._session.put(self._key, word, IfMatch=tag)
                found = await self._ours()
                if found is None:
                    self._until = -inf
                    return
                tag, there = found
                if there == word:
                    self._until = until

    async def _ours(self) -> tuple[str, bytes] | None:
        """Its tag and its word, if that is of this run."""
        try:
            answer = await self._session.ask("get_object", Key=self._key)
        except ClientError as failure:
            if is_missing(failure):
                return None
            raise
        async with answer["Body"] as body:
            word: bytes = await body.read()
        return (str(answer["ETag"]), word) if self._run.encode() in word.split() else None

    def _taken(self) -> Conflict:
        return Conflict(
            f"another command writes to the backups in {self._where}, or was killed less than ten minutes ago; try"
            " again then"
        )

    def _word(self) -> bytes:
        return f"{datetime.now(UTC).isoformat()} {self._run}\n".encode()
