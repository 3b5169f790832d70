"""Keeps a report beside its image: an artifact manifest whose subject is the image and whose one blob is the report
(image-spec, "Guidelines for Artifact Usage")."""

from collections.abc import AsyncIterator

import msgspec

from orlop.domain import media_types
from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import ManifestUnknown
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import StoredManifest
from orlop.services.content.manifests import Manifests
from orlop.services.content.uploads import Body, Uploads

#: What the manifest says of itself: whose report it is.
SCANNER = "dev.orlop.scanner"
_EMPTY, _EMPTY_TYPE = b"{}", "application/vnd.oci.empty.v1+json"
_REGISTRY = Caller(SYSTEM)


class AttachedReports:
    """Writes and removes them, as the registry itself: quotas count, rights do not."""

    def __init__(self, uploads: Uploads, manifests: Manifests) -> None:
        self._uploads = uploads
        self._manifests = manifests

    async def attach(
        self,
        repository: RepositoryName,
        subject: StoredManifest,
        report: bytes,
        media_type: str,
        scanner: str,
    ) -> Digest:
        """Put a report beside an image; the digest of its manifest. Raises what refuses a push there."""
        blobs = [(_EMPTY, _EMPTY_TYPE), (report, media_type)]
        for content, _ in blobs:
            await self._uploads.push(repository, digest_of(content), Body(_pieces(content), len(content)), _REGISTRY)
        config, layer = (_descriptor(content, type_) for content, type_ in blobs)
        document = {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "artifactType": media_type.partition(";")[0],
            "config": config,
            "layers": [layer],
            "subject": _descriptor(subject.content, subject.media_type) | {"digest": subject.digest},
            "annotations": {SCANNER: scanner},
        }
        content = msgspec.json.encode(document, enc_hook=str)
        digest = digest_of(content)
        await self._manifests.put(repository, digest, content, media_types.OCI_MANIFEST, (), _REGISTRY)
        return digest

    async def remove(self, repository: RepositoryName, digest: Digest) -> None:
        """Remove one that another took the place of. Raises what refuses a removal."""
        try:
            await self._manifests.delete(repository, digest, _REGISTRY)
        except ManifestUnknown:
            return


def _descriptor(content: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(digest_of(content)), "size": len(content)}


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content
