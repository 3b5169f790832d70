"""Attaches what the registry signed of an image, as `cosign attest` does.

It is attached twice: as a referrer with a bundle, which cosign 3 reads, and as a layer below the tag
`sha256-….att`, which cosign 2 reads. Both are the same bytes for the same signature, so that attaching it again
changes nothing. What waits in quarantine has the referrer alone: a tag would show that it is there.
"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import structlog

from orlop.domain import media_types
from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.attesting.statements import BUNDLE, Signed, attestations_tag, bundle, envelope
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import Conflict, Denied, Stale
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.trust.claims import DSSE, SIGNATURE_ANNOTATION
from orlop.ports.catalog import Manifests as ManifestRows
from orlop.ports.catalog import StoredManifest
from orlop.ports.held import HeldPushes
from orlop.services.content.manifests import Manifests, unknown_manifest
from orlop.services.content.uploads import Body, Uploads

_log = structlog.get_logger("orlop.attesting")

#: Layers below a tag `.att`, and how often a race for a tag is run.
LAYERS_MAX, _TRIES = 100, 5
_CALLER = Caller(SYSTEM)
_EMPTY = b"{}"
_IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"


class AttestationAttaching:
    """See the module."""

    def __init__(self, rows: ManifestRows, manifests: Manifests, uploads: Uploads, held: HeldPushes) -> None:
        self._rows = rows
        self._manifests = manifests
        self._uploads = uploads
        self._held = held

    async def attach(self, repository: RepositoryName, digest: Digest, predicate_type: str, signed: Signed) -> Digest:
        """The digest of the referrer. Raises ManifestUnknown, and what refuses a push, such as a full quota."""
        subject = await self._rows.resolve(repository, digest)
        if subject is None:
            raise unknown_manifest(repository, digest)
        found = await self._refer(repository, subject, predicate_type, signed)
        if await self._held.of(repository, digest) is None:
            await self._append(repository, digest, predicate_type, signed)
        return found

    async def _refer(
        self, repository: RepositoryName, subject: StoredManifest, predicate_type: str, signed: Signed
    ) -> Digest:
        content = bundle(signed)
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "artifactType": BUNDLE,
            "config": _descriptor(media_types.OCI_EMPTY, _EMPTY),
            "layers": [_descriptor(BUNDLE, content)],
            "subject": {
                "mediaType": subject.media_type,
                "digest": str(subject.digest),
                "size": len(subject.content),
            },
            "annotations": {
                "dev.sigstore.bundle.content": "dsse-envelope",
                "dev.sigstore.bundle.predicateType": predicate_type,
            },
        }
        written = msgspec.json.encode(manifest)
        found = digest_of(written)
        if await self._rows.resolve(repository, found) is None:
            await self._store(repository, _EMPTY, content)
            await self._manifests.put(repository, found, written, media_types.OCI_MANIFEST, (), _CALLER)
        return found

    async def _append(self, repository: RepositoryName, digest: Digest, predicate_type: str, signed: Signed) -> None:
        """Add the envelope to those below the tag. Where a rule keeps the tag as it is, or there are too many, or it is
        none of cosign's, the bundle is all there is."""
        tag = attestations_tag(digest)
        if tag is None:
            return
        content = envelope(signed)
        layer = {
            **_descriptor(DSSE, content),
            "annotations": {SIGNATURE_ANNOTATION: "", "predicateType": predicate_type},
        }
        for _ in range(_TRIES):
            stored = await self._rows.resolve(repository, tag)
            layers = _layers(stored)
            if layers is None or len(layers) >= LAYERS_MAX:
                _log.warning("an attestation is not added below its tag", repository=repository, tag=tag)
                return
            if any(each["digest"] == layer["digest"] for each in layers):
                return
            try:
                await self._put(repository, digest, tag, [*layers, layer], content, stored)
            except Stale:
                continue
            except (Denied, Conflict) as refusal:
                _log.warning("an attestation is not added below its tag", repository=repository, why=refusal.message)
            return
        _log.warning("an attestation is not added below its tag", repository=repository, why="others change it, too")

    async def _put(
        self,
        repository: RepositoryName,
        subject: Digest,
        tag: Tag,
        layers: list[dict[str, Any]],
        content: bytes,
        stored: StoredManifest | None,
    ) -> None:
        config = msgspec.json.encode(
            {
                "architecture": "",
                "created": "0001-01-01T00:00:00Z",
                "os": "",
                "rootfs": {"type": "layers", "diff_ids": [each["digest"] for each in layers]},
                "config": {},
            }
        )
        await self._store(repository, config, content)
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": _descriptor(_IMAGE_CONFIG, config),
            "layers": layers,
        }
        written = msgspec.json.encode(manifest)
        expected = {tag: None if stored is None else stored.digest}
        await self._manifests.attest(repository, subject, written, _CALLER, expected)

    async def _store(self, repository: RepositoryName, *contents: bytes) -> None:
        for content in contents:
            await self._uploads.push(repository, digest_of(content), Body(_whole(content), len(content)), _CALLER)


def _layers(stored: StoredManifest | None) -> list[dict[str, Any]] | None:
    """Those of cosign's attestations below their tag; None: it is something else."""
    if stored is None:
        return []
    try:
        found = msgspec.json.decode(stored.content)
    except (msgspec.MsgspecError, RecursionError):
        return None
    layers = found.get("layers") if isinstance(found, dict) else None
    if not isinstance(layers, list):
        return None
    fitting = all(isinstance(each, dict) and each.get("mediaType") == DSSE and "digest" in each for each in layers)
    return layers if fitting else None


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(digest_of(content)), "size": len(content)}


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
