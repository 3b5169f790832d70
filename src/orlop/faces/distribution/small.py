"""Small blobs that a worker keeps in memory. That a repository holds one is not known here (see Fetching): these are
the bytes of a digest, which are right whatever happens to the catalog."""

from orlop.domain.blob import Blob
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import ContentCorrupt
from orlop.faces.distribution.budget import OVERHEAD, Budget
from orlop.faces.http.responses import INLINE

#: While others would have to go, one of so many that are read gets in: those that are read often soon, those that are
#: read once seldom, and only what gets in is hashed.
_EVERY = 32


class SmallBlobs:
    """Blobs of up to INLINE bytes, as configs of images are, in so many eighths of a budget."""

    def __init__(self, budget: Budget, eighths: int) -> None:
        self._share = budget.share(eighths, _cost)
        self._passed = 0

    def recall(self, digest: Digest) -> bytes | None:
        """The content, if it is here."""
        return self._share.recall(digest)

    def keep(self, blob: Blob, content: bytes) -> None:
        """Remember what was read of a small blob. Raises ContentCorrupt if it is not what its digest says."""
        cost = _cost(content)
        if not self._share.fits(cost) or blob.size > INLINE:
            return
        if self._share.is_full(cost):
            self._passed += 1
            if self._passed % _EVERY:
                return
        digest = blob.key.digest
        if digest_of(content, digest.algorithm) != digest:
            raise ContentCorrupt(f"the stored bytes of {digest} are not what was pushed")
        self._share.keep(digest, content)


def _cost(content: bytes) -> int:
    return len(content) + OVERHEAD
