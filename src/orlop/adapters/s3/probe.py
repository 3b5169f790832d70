"""What may be done in a bucket, tried on a key of its own, and how far away it is."""

import statistics
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError

from orlop.adapters.s3.errors import translated
from orlop.adapters.s3.session import S3Options, S3Session
from orlop.domain.checkup import BucketFacts

_CONTENT = b"orlop doctor"
_REFUSED = frozenset({"AccessDenied", "403", "Forbidden", "AllAccessDisabled"})


class BucketProbe:
    """See ports.checkup.BucketProbe. `name`: a random one, of what is written."""

    def __init__(self, options: S3Options, name: str) -> None:
        self._session = S3Session(options)
        self._name = name
        self._skews: list[int] = []

    async def look(self) -> BucketFacts:
        """See ports.checkup.BucketProbe."""
        session, key = self._session, self._session.keys.check(self._name)
        refused: list[tuple[str, str]] = []
        took: list[float] = []

        async def tried(what: str, ask: Callable[[], Awaitable[Any]]) -> Any:
            began = time.perf_counter()
            try:
                answer = await ask()
            except ClientError as failure:
                code = str(failure.response.get("Error", {}).get("Code", ""))
                if code not in _REFUSED:
                    raise
                refused.append((what, code))
                return None
            took.append(time.perf_counter() - began)
            return answer

        try:
            with translated("looking at the blob store"):
                await tried("PutObject", lambda: session.put(key, _CONTENT))
                began = time.time_ns() // 1000
                head = await tried("GetObject", lambda: session.ask("head_object", Key=key))
                self._told(head, began)
                listing = session.ask
                await tried("ListBucket", lambda: listing("list_objects_v2", Prefix=key, MaxKeys=1))
                begun = await tried("PutObject", lambda: session.ask("create_multipart_upload", Key=f"{key}-parts"))
                if begun is not None:
                    upload = begun["UploadId"]
                    part = {"Key": f"{key}-parts", "UploadId": upload}
                    await tried(
                        "PutObject",
                        lambda: session.ask("upload_part", PartNumber=1, Body=BytesIO(_CONTENT), **part),
                    )
                    await tried("AbortMultipartUpload", lambda: session.ask("abort_multipart_upload", **part))
                await tried("DeleteObject", lambda: session.ask("delete_object", Key=key))
        finally:
            await session.close()
        unique = tuple(dict.fromkeys(refused))
        skew = int(statistics.median(self._skews)) if self._skews else None
        return BucketFacts(statistics.median(took) if took else 0.0, skew, unique)

    def _told(self, answer: Any, began: int) -> None:
        """The clock of the store, from the Date of an answer, which is in whole seconds."""
        date = (answer or {}).get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if not date:
            return
        said = int(parsedate_to_datetime(date).timestamp() * 1_000_000) + 500_000
        self._skews.append(said - (began + time.time_ns() // 1000) // 2)
