"""Addresses under which clients read copies from the store themselves."""

from orlop.adapters.s3.errors import translated
from orlop.adapters.s3.session import S3Session
from orlop.domain.blob import Blob


class S3Addresses:
    """See ports.blobs.BlobAddresses. `seconds` is how long an address is good for."""

    def __init__(self, session: S3Session, seconds: int) -> None:
        self._session = session
        self._seconds = seconds

    async def address(self, blob: Blob) -> str:
        """See ports.blobs.BlobAddresses. Signed here, without a request."""
        with translated("signing the address of the blob"):
            client = await self._session.client()
            url: str = await client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._session.options.bucket,
                    "Key": self._session.keys.copy(blob.key),
                    "ResponseContentType": "application/octet-stream",
                },
                ExpiresIn=self._seconds,
            )
        return url
