"""Attaches what was read of an image to it, as referrers, where a rule says so.

A push never waits for it, and is never refused for it. Where a quota is full nothing is attached, and that is said.
What was attached before goes when something else is said of the image, and stays as it is while nothing else is.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import msgspec
import structlog

from orlop.domain import media_types
from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import ManifestInvalid, RegistryError
from orlop.domain.image_config import parse_config
from orlop.domain.inside.assembly import ASSEMBLER_VERSION
from orlop.domain.inside.sbom_rules import SAID, SbomFormat
from orlop.domain.manifest import Manifest, parse_manifest
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest
from orlop.ports.by import By
from orlop.ports.catalog import Browse, Holdings, StoredManifest
from orlop.ports.catalog import Manifests as ManifestRows
from orlop.ports.clock import Clock
from orlop.ports.inside import READER_VERSION
from orlop.ports.insides import InsideState, InsideStore
from orlop.ports.upstreams import CachedContent
from orlop.services.content.manifests import Manifests
from orlop.services.content.uploads import Body, Uploads
from orlop.services.inside.cyclonedx import cyclonedx
from orlop.services.inside.documents import HOLDERS, AttachedDocuments
from orlop.services.inside.image import ImageInside
from orlop.services.inside.sbom import made_at_second
from orlop.services.inside.spdx import spdx

_log = structlog.get_logger("orlop.inside")

#: Types of the artifacts; a layer has the same. The versions of formats stand in the documents.
TYPES = {
    SbomFormat.CYCLONEDX: "application/vnd.cyclonedx+json",
    SbomFormat.SPDX: "application/spdx+json",
}
WRITERS: dict[SbomFormat, Callable[[ImageInside, int, str], bytes]] = {
    SbomFormat.CYCLONEDX: cyclonedx,
    SbomFormat.SPDX: spdx,
}
#: Annotations, beside the hash of all that is said of the image: when it was read, and by which version.
CREATED, TOOL_VERSION = "org.opencontainers.image.created", "dev.orlop.sbom.version"
_OWN = 100
_EMPTY = b"{}"
_CALLER = Caller(SYSTEM)


class Attached(msgspec.Struct, frozen=True):
    """What became of it: how many were attached, and why others could not be."""

    attached: int = 0
    refused: tuple[str, ...] = ()


class Attaching:
    """`version`: of Orlop; `counted` is told of each SBOM: its format, and whether it is attached or refused."""

    def __init__(
        self,
        store: InsideStore,
        documents: AttachedDocuments,
        rows: ManifestRows,
        browse: Browse,
        holdings: Holdings,
        cached: CachedContent,
        manifests: Manifests,
        uploads: Uploads,
        clock: Clock,
        version: str,
        counted: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        self._counted = counted
        self._store = store
        self._documents = documents
        self._rows = rows
        self._browse = browse
        self._holdings = holdings
        self._cached = cached
        self._manifests = manifests
        self._uploads = uploads
        self._clock = clock
        self._version = version

    async def image(self, image: Digest) -> Attached:
        """Attach what is known of an image to it, in the repositories that hold it and whose rules say so."""
        attached, refused = 0, list[str]()
        for repository in await self._store.places.holders(image, HOLDERS):
            for form in sorted(await self._wanted(repository)):
                try:
                    is_new = await self._attach(repository, image, form)
                except RegistryError as error:
                    _log.warning("an SBOM is not attached", repository=repository, image=image, why=error.message)
                    words = f"{form}: {error.message}"
                    await self._store.places.refused(repository, image, words, By(SYSTEM.name, self._clock.now()))
                    refused.append(f"{repository}@{image}: {error.message}")
                    self._counted(form, "refused")
                    continue
                if is_new:
                    attached += 1
                    self._counted(form, "attached")
        return Attached(attached, tuple(refused))

    async def _wanted(self, repository: RepositoryName) -> frozenset[SbomFormat]:
        """In which formats a repository is to have them."""
        rules = await self._documents.rules(repository)
        if rules.attach == rules.in_caches or not await self._cached.is_cache(repository):
            return rules.attach
        return rules.in_caches

    async def _attach(self, repository: RepositoryName, image: Digest, form: SbomFormat) -> bool:
        """Whether something was attached that was not there. Raises RegistryError."""
        subject = await self._rows.resolve(repository, image)
        inside = await self._store.images.of(image)
        if subject is None or inside is None or inside.state is not InsideState.READ:  # it went, or is to be read again
            return False
        packages = await self._store.images.packages(image)
        found = ImageInside(
            repository=repository,
            reference=image,
            digest=image,
            platform=parse_config(await self._documents.config(repository, image), 0).platform,
            inside=inside,
            packages=packages,
        )
        said = _said(found)
        own = await self._own(repository, image, TYPES[form])
        if any(each.annotations.get(SAID) == said for each in own.values()):
            return False
        document = WRITERS[form](found, inside.since, self._version)
        await self._push(repository, subject, TYPES[form], document, inside.since, said)
        for digest in own:
            with suppress(RegistryError):  # an index names it, or somebody tagged it: then it is theirs
                await self._manifests.delete(repository, digest, _CALLER)
        return True

    async def _own(self, repository: RepositoryName, image: Digest, kind: str) -> dict[Digest, Manifest]:
        """What was attached of this type by nobody, and says what this registry read; not the word of a scanner."""
        page = await self._browse.referrers(repository, image, kind, PageRequest(_OWN))
        found: dict[Digest, Manifest] = {}
        for each in page.items:
            digest = Digest.stored(each.digest)
            standing = await self._holdings.manifest(repository, digest, 0)
            stored = await self._rows.resolve(repository, digest)
            if standing is None or stored is None or standing.pushed_by != SYSTEM.name:
                continue
            with suppress(ManifestInvalid):
                manifest = parse_manifest(stored.content, stored.media_type)
                if SAID in manifest.annotations:
                    found[digest] = manifest
        return found

    async def _push(
        self, repository: RepositoryName, subject: StoredManifest, kind: str, document: bytes, made_at: int, said: str
    ) -> None:
        for content in (_EMPTY, document):
            await self._uploads.push(repository, digest_of(content), Body(_whole(content), len(content)), _CALLER)
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "artifactType": kind,
            "config": _descriptor(media_types.OCI_EMPTY, _EMPTY),
            "layers": [_descriptor(kind, document)],
            "subject": {
                "mediaType": subject.media_type,
                "digest": str(subject.digest),
                "size": len(subject.content),
            },
            "annotations": {CREATED: made_at_second(made_at), TOOL_VERSION: self._version, SAID: said},
        }
        content = msgspec.json.encode(manifest)
        await self._manifests.put(repository, digest_of(content), content, media_types.OCI_MANIFEST, (), _CALLER)


def _said(image: ImageInside) -> str:
    """A hash of all that is said of an image, but when."""
    inside = image.inside
    said = msgspec.json.encode(
        (READER_VERSION, ASSEMBLER_VERSION, inside.distribution, inside.unread, image.packages), enc_hook=str
    )
    return hashlib.sha256(said).hexdigest()


def _descriptor(media_type: str, content: bytes) -> dict[str, str | int]:
    return {"mediaType": media_type, "digest": str(digest_of(content)), "size": len(content)}


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
