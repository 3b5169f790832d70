"""The blob store of a bucket: its parts over one session, and the one that deletes copies."""

from orlop.adapters.s3.addresses import S3Addresses
from orlop.adapters.s3.errors import translated
from orlop.adapters.s3.inventory import S3Inventory
from orlop.adapters.s3.reader import S3Reader
from orlop.adapters.s3.session import S3Session
from orlop.adapters.s3.stage import PART, S3Stage
from orlop.domain.blob import BlobKey
from orlop.ports.clock import Ids


class S3Remover:
    """See ports.blobs.BlobRemover."""

    def __init__(self, session: S3Session) -> None:
        self._session = session

    async def remove(self, key: BlobKey) -> None:
        """See ports.blobs.BlobRemover. "If the object does not exist", the answer is the same (S3, DeleteObject)."""
        with translated("deleting the blob"):
            await self._session.ask("delete_object", Key=self._session.keys.copy(key))


class S3Blobs:
    """All roles of the blob store in one bucket, for bootstrap to hand each service what it needs."""

    def __init__(self, session: S3Session, ids: Ids, *, part: int = PART, address_seconds: int = 600) -> None:
        self._session = session
        self.reader = S3Reader(session)
        self.stage = S3Stage(session, ids, part)
        self.remover = S3Remover(session)
        self.inventory = S3Inventory(session, ids)
        self.addresses = S3Addresses(session, address_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
