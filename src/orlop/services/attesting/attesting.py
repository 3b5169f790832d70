"""Attests: signs what is said of an image, and attaches that as `cosign attest` does.

It is attached twice: as a referrer with a bundle, which cosign 3 reads, and as a layer below the tag
`sha256-….att`, which cosign 2 reads. The same words under the same key are attached once.
"""

import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
import structlog

from orlop.domain import media_types
from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.attesting.statements import BUNDLE, Signed, bundle, envelope, statement, to_sign
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import Conflict, Denied, Stale, Unavailable
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.trust.claims import DSSE, SIGNATURE_ANNOTATION
from orlop.ports.attesting import AttestationKey, AttestationKeys, StatementSigner
from orlop.ports.catalog import Browse, Holdings, StoredManifest
from orlop.ports.catalog import Manifests as ManifestRows
from orlop.services.content.manifests import Manifests, unknown_manifest
from orlop.services.content.uploads import Body, Uploads

_log = structlog.get_logger("orlop.attesting")

#: The annotation with a hash of the key and of all that it signed.
SAID = "dev.orlop.attestation.said"
#: Layers below a tag `.att`, referrers on a page and pages that are looked at, and how often a race for a tag is run.
LAYERS_MAX, _PAGE, _PAGES, _TRIES = 100, 100, 10, 5
_CALLER = Caller(SYSTEM)
_EMPTY = b"{}"
_IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"


class Attesting:
    """See ports.attesting.Attester. `counted` is told what came of each: `attested`, `known`, `failed`."""

    def __init__(
        self,
        keys: AttestationKeys,
        signer: StatementSigner,
        rows: ManifestRows,
        browse: Browse,
        holdings: Holdings,
        manifests: Manifests,
        uploads: Uploads,
        counted: Callable[[str], None],
    ) -> None:
        self._keys = keys
        self._signer = signer
        self._rows = rows
        self._browse = browse
        self._holdings = holdings
        self._manifests = manifests
        self._uploads = uploads
        self._counted = counted

    async def attest(
        self, repository: RepositoryName, digest: Digest, predicate_type: str, predicate: Mapping[str, Any]
    ) -> Digest | None:
        """See Attester."""
        key = await self._keys.current()
        if key is None:
            return None
        subject = await self._rows.resolve(repository, digest)
        if subject is None:
            raise unknown_manifest(repository, digest)
        payload = statement(str(repository), digest, predicate_type, predicate)
        said = hashlib.sha256(key.id.encode() + b"\0" + payload).hexdigest()
        try:
            signature = await self._signer.sign(key, to_sign(payload))
        except Unavailable:
            self._counted("failed")
            raise
        signed = Signed(payload, signature, _hint(key))
        known = await self._referrer(repository, digest, said)
        if known is None:
            found = await self._refer(repository, subject, predicate_type, signed, said)
        else:
            found = known
        await self._append(repository, digest, predicate_type, signed, said, repeats=bool(key.private))
        self._counted("attested" if known is None else "known")
        return found

    async def _referrer(self, repository: RepositoryName, digest: Digest, said: str) -> Digest | None:
        """The referrer that says the same by the registry's own hand."""
        after = ""
        for _ in range(_PAGES):
            page = await self._browse.referrers(repository, digest, BUNDLE, PageRequest(_PAGE, after))
            for each in page.items:
                if each.annotations.get(SAID) == said:
                    found = Digest.stored(each.digest)
                    standing = await self._holdings.manifest(repository, found, 0)
                    if standing is not None and standing.pushed_by == SYSTEM.name:
                        return found
            if not page.more or not page.items:
                break
            after = page.items[-1].digest
        return None

    async def _refer(
        self, repository: RepositoryName, subject: StoredManifest, predicate_type: str, signed: Signed, said: str
    ) -> Digest:
        content = bundle(signed)
        await self._store(repository, _EMPTY, content)
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
                SAID: said,
            },
        }
        written = msgspec.json.encode(manifest)
        found = digest_of(written)
        await self._manifests.put(repository, found, written, media_types.OCI_MANIFEST, (), _CALLER)
        return found

    async def _append(
        self,
        repository: RepositoryName,
        digest: Digest,
        predicate_type: str,
        signed: Signed,
        said: str,
        *,
        repeats: bool,
    ) -> None:
        """Add the envelope to those below the tag. Where a rule keeps the tag as it is, or there are too many, or it is
        none of cosign's, the bundle is all there is. `repeats`: the key makes the same signature each time."""
        tag = Tag(f"{digest.algorithm}-{digest.hex}.att")
        content = envelope(signed)
        layer = {
            **_descriptor(DSSE, content),
            "annotations": {SIGNATURE_ANNOTATION: "", "predicateType": predicate_type, SAID: said},
        }
        for _ in range(_TRIES):
            stored = await self._rows.resolve(repository, tag)
            layers = _layers(stored)
            if layers is None or len(layers) >= LAYERS_MAX:
                _log.warning("an attestation is not added below its tag", repository=repository, tag=tag)
                return
            if any(_is_same(each, layer, said, repeats=repeats) for each in layers):
                return
            try:
                await self._put(repository, tag, [*layers, layer], content, stored)
            except Stale:
                continue
            except (Denied, Conflict) as refusal:
                _log.warning("an attestation is not added below its tag", repository=repository, why=refusal.message)
            return
        _log.warning("an attestation is not added below its tag", repository=repository, why="others change it, too")

    async def _put(
        self,
        repository: RepositoryName,
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
        await self._manifests.put(repository, tag, written, media_types.OCI_MANIFEST, (), _CALLER, expected)

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


def _is_same(one: dict[str, Any], layer: dict[str, Any], said: str, *, repeats: bool) -> bool:
    if one["digest"] == layer["digest"]:
        return True
    annotations = one.get("annotations")
    return not repeats and isinstance(annotations, dict) and annotations.get(SAID) == said


def _hint(key: AttestationKey) -> str:
    """As cosign names a key: the SHA-256 of its SubjectPublicKeyInfo, in base64."""
    return b64encode(bytes.fromhex(key.id.removeprefix("sha256:"))).decode()


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(digest_of(content)), "size": len(content)}


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
