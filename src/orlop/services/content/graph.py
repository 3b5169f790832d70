"""The manifests that belong to an image: down to its children, up to its referrers. Reads manifests, moves no blob."""

from collections.abc import AsyncIterator

import msgspec

from orlop.domain import media_types
from orlop.domain.descriptor import Platform
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ManifestInvalid, ManifestUnknown, RequestInvalid
from orlop.domain.manifest import EdgeKind, Manifest, parse_index_entries, parse_manifest
from orlop.domain.platforms import choose, matches
from orlop.ports.upstream import ContentSource, ManifestContent

#: An index of indexes of indexes is rare; deeper is a trap.
DEPTH = 8
#: A signature of an attestation of an SBOM of an image is three.
REFERRER_DEPTH = 4
#: Manifests of one graph; each may have as many blobs as a manifest may name.
MANIFESTS = 10_000
#: Bytes of manifests held at once, which bounds the memory of a copy.
MANIFEST_BYTES = 256 * 1024 * 1024
#: Entries of indexes without a platform that are looked into for one.
LOOKED = 256
#: The largest image config that is read to learn its platform.
CONFIG_BYTES = 8 * 1024 * 1024


class Node(msgspec.Struct, frozen=True):
    """A manifest and what was read out of it."""

    content: ManifestContent
    manifest: Manifest

    @property
    def digest(self) -> Digest:
        """Of the manifest."""
        return self.content.digest


class _Config(msgspec.Struct):
    architecture: str = ""
    os: str = ""
    variant: str = ""


class Graph:
    """Walks one source. Every manifest is visited once, whatever leads to it."""

    def __init__(self, source: ContentSource) -> None:
        self._source = source
        self._seen: set[Digest] = set()
        self._bytes = 0
        self._looked = 0

    async def node(self, reference: str) -> Node:
        """One manifest."""
        content = await self._source.fetch(reference)
        return Node(content, parse_manifest(content.content, content.media_type))

    async def root(self, reference: str, platform: Platform | None = None) -> Node:
        """The manifest of a reference; with `platform` the image for it. Raises RequestInvalid where there is none."""
        node = await self.node(reference)
        if platform is None:
            return node
        if node.manifest.is_index:
            offered: set[str] = set()
            found = await self._image_in(node, platform, offered)
            if found is None:
                raise RequestInvalid(
                    f"there is no image for {platform}; platforms: {', '.join(sorted(offered)) or 'none'}"
                )
            return found
        # Many configs leave the variant out; then it is not known, rather than another one.
        said = await self._platform_of(node)
        if said is not None and not said.variant:
            said = msgspec.structs.replace(said, variant=platform.variant)
        if said is not None and not matches(platform, said):
            raise RequestInvalid(f"the image is for {said}, not for {platform}")
        return node

    async def below(self, root: Node, depth: int = 0) -> AsyncIterator[Node]:
        """Everything under `root` that was not visited yet, children before parents, `root` itself last.

        Raises ManifestInvalid beyond the bounds of this module, ManifestUnknown where a child is missing.
        """
        if root.digest in self._seen:
            return
        self._seen.add(root.digest)
        self._bytes += len(root.content.content)
        if depth > DEPTH or len(self._seen) > MANIFESTS or self._bytes > MANIFEST_BYTES:
            raise ManifestInvalid(
                f"the image has more than {MANIFESTS} manifests, {MANIFEST_BYTES} bytes of them or {DEPTH} levels"
            )
        for edge in root.manifest.edges:
            if edge.kind is EdgeKind.MANIFEST and edge.digest not in self._seen:
                async for node in self.below(await self.node(edge.digest), depth + 1):
                    yield node
        yield root

    async def above(self, subjects: list[Node]) -> AsyncIterator[Node]:
        """Everything whose subject is among `subjects`, and what refers to that, with all that is under it."""
        for _ in range(REFERRER_DEPTH):
            found: list[Node] = []
            for subject in subjects:
                async for entry in self._source.referrers(subject.digest):
                    if entry.media_type not in media_types.MANIFESTS or entry.content_digest in self._seen:
                        continue
                    try:
                        referrer = await self.node(entry.content_digest)
                    except ManifestUnknown:
                        continue  # a list under the fallback tag outlives what it lists
                    async for node in self.below(referrer):
                        found.append(node)
                        yield node
            if not found:
                return
            subjects = found

    async def _image_in(self, index: Node, wanted: Platform, offered: set[str], depth: int = 0) -> Node | None:
        """The image for a platform in an index: by the entries that name one, else within those that name none.

        What is named instead is added to `offered`.
        """
        if depth == DEPTH:
            raise ManifestInvalid(f"indexes are nested more than {DEPTH} deep")
        entries = parse_index_entries(index.content.content)
        offered |= {str(entry.platform) for entry in entries if entry.platform}
        chosen = choose(wanted, entries)
        if chosen is not None:
            node = await self.node(chosen.content_digest)
            return await self._image_in(node, wanted, offered, depth + 1) if node.manifest.is_index else node
        for entry in entries:
            if entry.platform is None and entry.media_type in media_types.MANIFESTS:
                found = await self._image_behind(entry.content_digest, wanted, offered, depth)
                if found is not None:
                    return found
        return None

    async def _image_behind(self, digest: Digest, wanted: Platform, offered: set[str], depth: int) -> Node | None:
        """The image for a platform behind an entry that names none: an index, or an image that its config tells of."""
        self._looked += 1
        if self._looked > LOOKED:
            raise ManifestInvalid(f"more than {LOOKED} entries of the index name no platform")
        try:
            node = await self.node(digest)
            said = None if node.manifest.is_index else await self._platform_of(node)
        except (ManifestUnknown, BlobUnknown):
            return None  # an index need not be held with all that it names
        if node.manifest.is_index:
            return await self._image_in(node, wanted, offered, depth + 1)
        if said is None:
            return None
        offered.add(str(said))
        return node if matches(wanted, said) else None

    async def _platform_of(self, node: Node) -> Platform | None:
        """What an image is for: outside an index only its config says so. None where it does not, as in artifacts."""
        config = next((edge for edge in node.manifest.edges if edge.kind is EdgeKind.CONFIG), None)
        if config is None or config.size > CONFIG_BYTES:
            return None
        content = b"".join([piece async for piece in self._source.read_blob(config.digest, config.size)])
        try:
            found = msgspec.json.decode(content, type=_Config)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return Platform(os=found.os, architecture=found.architecture, variant=found.variant) if found.os else None
