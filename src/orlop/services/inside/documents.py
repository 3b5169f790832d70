"""SBOMs that are attached to an image: where clients put them, who did, and what of them counts by the rules there.

What is looked for: referrers of the types of SBOMs and of attestations, what BuildKit attests in the index of an image,
and what cosign writes under tags that name the digest.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.artifacts import attested
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ContentCorrupt, DigestInvalid, ManifestInvalid, RegistryError
from orlop.domain.inside.assembly import ImageClaims
from orlop.domain.inside.carriers import SBOM_DOCUMENTS, CarriedLayer
from orlop.domain.inside.claimed import ClaimedDocument
from orlop.domain.inside.layers import LayerFacts
from orlop.domain.inside.sbom_rules import SBOM_RULES, AttachedCount, SbomsHere, least, sboms_by
from orlop.domain.manifest import EdgeKind, Manifest, parse_index_entries, parse_manifest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.ranges import Span
from orlop.ports.catalog import Holdings, Manifests, StoredManifest
from orlop.ports.clock import Clock
from orlop.ports.inside import DOCUMENT_BYTES, DOCUMENT_READER_VERSION, DocumentReader
from orlop.ports.insides import InsideStore
from orlop.services.access.standing import AccountStanding
from orlop.services.content.blobs import Blobs
from orlop.services.content.referrers import Referrers
from orlop.services.settings.in_force import SettingsInForce

#: Repositories that are asked about an image, indexes that name it, and documents of it in one repository.
HOLDERS, _INDEXES, DOCUMENTS = 20, 8, 64
#: Referrers that are looked at.
_REFERRERS = 200
#: Larger configs are not read.
_CONFIG_BYTES = 8 * 1024 * 1024


class AttachedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document that somebody attached to an image, and may be an SBOM: that is seen when it is read."""

    digest: Digest
    """Of the document."""
    manifest: Digest
    """What holds it."""
    media_type: str
    size: int
    way: str
    """How it is attached: `referrer`, `buildkit` or `cosign`."""
    pushed_by: str
    pushed_at: int
    certain: bool = True
    """Whether what is around it says that it is an SBOM."""


class AttachedDocuments:
    """See the module."""

    def __init__(
        self,
        store: InsideStore,
        manifests: Manifests,
        referrers: Referrers,
        holdings: Holdings,
        blobs: Blobs,
        settings: SettingsInForce,
        reader: DocumentReader,
        standing: AccountStanding,
        clock: Clock,
    ) -> None:
        self._standing = standing
        self._store = store
        self._manifests = manifests
        self._referrers = referrers
        self._holdings = holdings
        self._blobs = blobs
        self._settings = settings
        self._reader = reader
        self._clock = clock

    async def rules(self, repository: RepositoryName) -> SbomsHere:
        """What holds in a repository. Raises Unavailable."""
        return sboms_by(each.body for each in await self._settings.covering(SBOM_RULES, repository))

    async def listed(self, repository: RepositoryName, image: Digest) -> tuple[AttachedDocument, ...]:
        """What is attached to an image in a repository, at most `DOCUMENTS`: each document once, by way and type."""
        found: dict[Digest, AttachedDocument] = {}
        for way, digest in await self._places(repository, image):
            stored = await self._manifests.resolve(repository, digest)
            standing = await self._holdings.manifest(repository, digest, 0)
            if stored is None or standing is None:  # it went meanwhile
                continue
            for layer in _documents(stored):
                if len(found) >= DOCUMENTS:
                    return _sorted(found)
                found.setdefault(
                    layer.digest,
                    AttachedDocument(
                        digest=layer.digest,
                        manifest=stored.digest,
                        media_type=layer.media_type,
                        size=layer.size,
                        way=way,
                        pushed_by=standing.pushed_by,
                        pushed_at=standing.pushed_at,
                        certain=layer.certain,
                    ),
                )
        return _sorted(found)

    async def trusted(
        self, rules: SbomsHere, repository: RepositoryName, documents: Sequence[AttachedDocument]
    ) -> frozenset[str]:
        """Those that attached any of these documents and whose word counts there, as of now."""
        found = set()
        for name in dict.fromkeys(each.pushed_by for each in documents):
            roles = await self._standing.roles(name, rules.roles, repository) if rules.roles else frozenset()
            if rules.trusts(name, roles):
                found.add(name)
        return frozenset(found)

    async def claims(self, image: Digest, layers: Sequence[Digest], *, last: bool) -> ImageClaims:
        """What counts of what others say of an image. Raises RegistryError where a document cannot be read now; of the
        `last` time that is said of the document instead.

        Images are known by their digests, wherever they are: a document counts where every repository that holds the
        image has it by somebody whose word counts there, and no more than the least of their rules says.
        """
        holders = await self._store.places.holders(image, HOLDERS + 1)
        rules = [await self.rules(each) for each in holders]
        counts = least(rule.counts for rule in rules)
        if counts is AttachedCount.NEVER or len(holders) > HOLDERS:
            return ImageClaims()
        documents: dict[Digest, RepositoryName] | None = None
        for repository, rule in zip(holders, rules, strict=True):
            listed = await self.listed(repository, image)
            trusted = await self.trusted(rule, repository, listed)
            here = {each.digest: repository for each in listed if each.pushed_by in trusted}
            documents = here if documents is None else {key: documents[key] for key in documents if key in here}
        read = [(each, await self._facts(repository, each, last)) for each, repository in (documents or {}).items()]
        told = [(digest, facts) for digest, facts in read if not facts.about or str(image) in facts.about]
        return ImageClaims(
            tuple(ClaimedDocument(digest, facts) for digest, facts in told if facts.found),
            counts is AttachedCount.INSTEAD,
            _numbers(layers, await self.config(holders[0], image)),
            tuple(f"the SBOM {digest}: {facts.unread}" for digest, facts in told if facts.unread),
        )

    async def _facts(self, repository: RepositoryName, document: Digest, last: bool) -> LayerFacts:
        try:
            return await self.facts(repository, document)
        except RegistryError as error:
            if not last:
                raise
            return LayerFacts(unread=error.message)

    async def facts(self, repository: RepositoryName, document: Digest) -> LayerFacts:
        """What a document says, which is read once. Raises RegistryError where it cannot be read now."""
        known = await self._store.layers.get([document], DOCUMENT_READER_VERSION)
        if document in known:
            return known[document]
        found = await self._blobs.find(repository, document, Caller(SYSTEM))
        if found.blob.size > DOCUMENT_BYTES:
            return LayerFacts(unread=f"it is larger than the {DOCUMENT_BYTES >> 20} MiB that are read")
        content = await self._blobs.open(found.blob)
        try:
            facts = await self._reader.facts(content.chunks(Span(0, found.blob.size)))
        except ContentCorrupt as corrupt:
            raise await self._blobs.damaged(found.blob, corrupt) from corrupt
        finally:
            content.close()
        await self._store.layers.keep(document, DOCUMENT_READER_VERSION, facts, self._clock.now())
        return facts

    async def config(self, repository: RepositoryName, image: Digest) -> Mapping[str, Any]:
        """The config of an image; empty where it is not here, none, or larger than is read. Raises RegistryError."""
        stored = await self._manifests.resolve(repository, image)
        if stored is None:
            return {}
        try:
            edges = parse_manifest(stored.content, stored.media_type).edges
            found = await self._blobs.find(
                repository, next(edge.digest for edge in edges if edge.kind is EdgeKind.CONFIG), Caller(SYSTEM)
            )
            if found.blob.size > _CONFIG_BYTES:
                return {}
            content = await self._blobs.open(found.blob)
            try:
                pieces = [piece async for piece in content.chunks(Span(0, found.blob.size))]
            finally:
                content.close()
            return await asyncio.to_thread(msgspec.json.decode, b"".join(pieces), type=dict[str, Any])
        except (BlobUnknown, ManifestInvalid, StopIteration, RecursionError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}

    async def _places(self, repository: RepositoryName, image: Digest) -> list[tuple[str, Digest]]:
        """Manifests that may hold documents, and how each is attached."""
        page = await self._referrers.page(repository, image, None, PageRequest(_REFERRERS))
        found: list[tuple[str, Digest]] = []
        for each in page.items:
            if SBOM_DOCUMENTS.may_hold(each.artifact_type):
                with suppress(DigestInvalid):
                    found.append(("referrer", each.content_digest))
        for index in await self._store.places.indexes(repository, image, _INDEXES):
            stored = await self._manifests.resolve(repository, index)
            found += [("buildkit", each) for each in attesting(stored, image)]
        for tag in cosign_tags(image):
            stored = await self._manifests.resolve(repository, tag)
            found += [("cosign", stored.digest)] if stored is not None else []
        return found


def _sorted(found: Mapping[Digest, AttachedDocument]) -> tuple[AttachedDocument, ...]:
    return tuple(sorted(found.values(), key=lambda each: (each.way, each.media_type, each.digest)))


def attesting(index: StoredManifest | None, image: Digest) -> list[Digest]:
    """The entries of an index that attest an image of it."""
    if index is None:
        return []
    try:
        entries = [each for each in parse_index_entries(index.content) if attested(each) == image]
        return [each.content_digest for each in entries]
    except (ManifestInvalid, DigestInvalid):  # an earlier release let it in
        return []


def cosign_tags(image: Digest) -> tuple[Tag, ...]:
    """Tags under which cosign attaches attestations and SBOMs (sigstore/cosign, specs/SIGNATURE_SPEC.md)."""
    named = f"{image.algorithm}-{image.hex}"
    return tuple(Tag.stored(f"{named}{ending}") for ending in (".att", ".sbom"))


def said_by(manifest: Manifest, content: bytes) -> tuple[Digest, ...]:
    """The images that a manifest may say something of: the subject of an artifact, what an index has attested."""
    if manifest.is_index:
        with suppress(ManifestInvalid):  # an earlier release let it in
            said = [attested(each) for each in parse_index_entries(content)]
            return tuple(dict.fromkeys(each for each in said if each is not None))
        return ()
    return (
        (manifest.subject,) if manifest.subject is not None and SBOM_DOCUMENTS.may_hold(manifest.artifact_type) else ()
    )


def said_by_tag(tag: str) -> Digest | None:
    """The image that a tag of cosign's says something of."""
    named, dot, ending = tag.rpartition(".")
    if not dot or ending not in ("att", "sbom"):
        return None
    try:
        return Digest(named.replace("-", ":", 1))
    except DigestInvalid:
        return None


def _documents(stored: StoredManifest) -> tuple[CarriedLayer, ...]:
    """The layers of an artifact that may be documents."""
    try:
        manifest = parse_manifest(stored.content, stored.media_type)
    except ManifestInvalid:
        return ()
    return SBOM_DOCUMENTS.layers(manifest, stored.content, attached=True)


def _numbers(layers: Sequence[Digest], config: Mapping[str, Any]) -> Mapping[str, int]:
    """Layers by their numbers, by their digests, and by the digests of what is in them (image-spec, config.md)."""
    root = config.get("rootfs")
    inner = root.get("diff_ids") if isinstance(root, dict) else None
    named = {str(number): number for number in range(len(layers))}
    for number, digest in reversed(list(enumerate(layers))):
        named[str(digest)] = number
        if isinstance(inner, list) and len(inner) == len(layers) and isinstance(inner[number], str):
            named[inner[number]] = number
    return named
