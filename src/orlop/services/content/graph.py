"""The manifests that belong to an image: down to its children, up to its referrers. Reads manifests, moves no blob."""

from collections.abc import AsyncIterator

import msgspec

from orlop.domain import media_types
from orlop.domain.descriptor import Platform
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestInvalid, ManifestUnknown, RequestInvalid
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

    async def node(self, reference: str) -> Node:
        """One manifest."""
        content = await self._source.fetch(reference)
        return Node(content, parse_manifest(content.content, content.media_type))

    async def root(self, reference: str, platform: Platform | None = None) -> Node:
        """The manifest of a reference; with `platform` the image for it. Raises RequestInvalid where there is none."""
        node = await self.node(reference)
        if platform is None:
            return node
        if not node.manifest.is_index:
            await self._check_platform(node, platform)
        for _ in range(DEPTH):
            if not node.manifest.is_index:
                return node
            entries = parse_index_entries(node.content.content)
            entry = choose(platform, entries)
            if entry is None:
                offered = ", ".join(sorted({str(e.platform) for e in entries if e.platform})) or "none"
                raise RequestInvalid(f"there is no image for {platform}; platforms: {offered}")
            node = await self.node(entry.content_digest)
        raise ManifestInvalid(f"indexes are nested more than {DEPTH} deep")

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

    async def _check_platform(self, node: Node, wanted: Platform) -> None:
        """An image outside an index names its platform in its config only."""
        config = next((edge for edge in node.manifest.edges if edge.kind is EdgeKind.CONFIG), None)
        if config is None or config.size > CONFIG_BYTES:
            return
        content = b"".join([piece async for piece in self._source.read_blob(config.digest, config.size)])
        try:
            found = msgspec.json.decode(content, type=_Config)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        # Many configs leave the variant out; then it is not known, rather than another one.
        variant = found.variant or wanted.variant
        offered = Platform(os=found.os, architecture=found.architecture, variant=variant)
        if found.os and not matches(wanted, offered):
            raise RequestInvalid(f"the image is for {offered}, not for {wanted}")
