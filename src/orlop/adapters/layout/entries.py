"""index.json of a layout: its entries, their names, and how they change. Reads no file."""

from typing import Any

import msgspec

from orlop.domain import media_types
from orlop.domain.digest import Digest
from orlop.domain.errors import ContentCorrupt, ManifestUnknown, RegistryError
from orlop.domain.manifest import Manifest
from orlop.ports.upstream import ManifestContent

#: The name within the layout (image-spec, annotations.md, "Pre-Defined Annotation Keys").
REF_NAME = "org.opencontainers.image.ref.name"
#: The whole name, which containerd and newer dockers write beside it.
IMAGE_NAME = "io.containerd.image.name"

#: "The imageLayoutVersion field … 1.0.0" (image-spec, image-layout.md, "oci-layout file").
LAYOUT_FILE = b'{"imageLayoutVersion":"1.0.0"}'
#: An index.json is no manifest and has no limit of the specification; this is one entry for every member of an archive.
INDEX_BYTES = 64 * 1024 * 1024


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One manifest that the layout names. Fields of other writers that are not here are kept by `Entries`."""

    media_type: str
    digest: str
    size: int
    annotations: dict[str, str] | None = None

    @property
    def names(self) -> list[str]:
        """What it is called; empty for one that is only there."""
        found = self.annotations or {}
        return [found[key] for key in (REF_NAME, IMAGE_NAME) if found.get(key)]


class Entries:
    """The entries of index.json as they stand; every change makes a new value."""

    def __init__(self, raw: tuple[dict[str, Any], ...] = (), rest: dict[str, Any] | None = None) -> None:
        self._raw = raw
        self._rest = rest or {}
        try:
            self.all = tuple(msgspec.convert(entry, Entry) for entry in raw)
        except msgspec.ValidationError as cause:
            raise ContentCorrupt(f"index.json of the layout has an entry that is no descriptor: {cause}") from cause

    def find(self, reference: str) -> Entry:
        """The entry of a name or digest; of an empty reference the only one there is. Raises ManifestUnknown."""
        if not reference:
            return self._only()
        for entry in self.all:
            if reference == entry.digest or reference in entry.names:
                return entry
        raise ManifestUnknown(f"the layout names no {reference[:200]!r}; {self._offer()}")

    def names(self) -> list[str]:
        """Every name, once, in byte order."""
        return sorted({entry.names[0] for entry in self.all if entry.names})

    def put(self, manifest: ManifestContent, parsed: Manifest, tags: tuple[str, ...]) -> "Entries":
        """With a manifest under its new names, which others lose.

        A manifest without a name gets an entry unless it has one; it loses that again to a name of its own, or to an
        index that names it, so that in the end the entries are what nothing else leads to.
        """
        children = {str(edge.digest) for edge in parsed.edges}
        digest = str(manifest.digest)
        kept = [
            raw
            for raw, entry in zip(self._raw, self.all, strict=True)
            if not (set(tags) & set(entry.names[:1]))
            and not (not entry.names and (entry.digest in children or (tags and entry.digest == digest)))
        ]
        plain: dict[str, Any] = {"mediaType": manifest.media_type, "digest": digest, "size": len(manifest.content)}
        if not parsed.is_index and parsed.subject is not None and parsed.artifact_type:
            plain["artifactType"] = parsed.artifact_type
        added = [{**plain, "annotations": {REF_NAME: tag}} for tag in tags]
        if not added and all(raw["digest"] != digest for raw in kept):
            added = [plain]
        return Entries((*kept, *added), self._rest)

    def untag(self, tag: str) -> "Entries":
        """Without a name; what it named stays, nameless if it has no other. Raises ManifestUnknown."""
        found = self.find(tag)
        if tag not in found.names:
            raise ManifestUnknown(f"the layout names no {tag[:200]!r}; {self._offer()}")
        position = self.all.index(found)
        raw = dict(self._raw[position])
        others = any(e.digest == found.digest for i, e in enumerate(self.all) if i != position)
        annotations = {k: v for k, v in (found.annotations or {}).items() if k not in (REF_NAME, IMAGE_NAME)}
        raw.pop("annotations", None)
        left = [] if others else [{**raw, "annotations": annotations} if annotations else raw]
        return Entries((*self._raw[:position], *left, *self._raw[position + 1 :]), self._rest)

    def without(self, digest: Digest) -> "Entries":
        """Without every entry of a manifest."""
        return Entries(tuple(raw for raw in self._raw if raw["digest"] != digest), self._rest)

    def encode(self) -> bytes:
        """index.json."""
        fixed = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX}
        return msgspec.json.encode({**self._rest, **fixed, "manifests": self._raw})

    def _only(self) -> Entry:
        named = {entry.digest: entry for entry in reversed(self.all) if entry.names}
        found = named if len(named) == 1 else {entry.digest: entry for entry in self.all}
        if len(found) == 1:
            return next(iter(found.values()))
        raise ManifestUnknown(f"the layout holds {len(found)} images; {self._offer()}")

    def _offer(self) -> str:
        names = self.names()
        if not names:
            return "none has a name"
        return f"choose one of: {', '.join(names[:10])}{', …' if len(names) > 10 else ''}"


def parse_entries(content: bytes) -> Entries:
    """Read index.json. Raises ContentCorrupt."""
    try:
        document = msgspec.json.decode(content, type=dict[str, Any])
        raw = msgspec.convert(document.pop("manifests", None) or [], list[dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise ContentCorrupt(f"index.json of the layout cannot be read: {cause}") from cause
    return Entries(tuple(raw), document)


def check_version(content: bytes | None, where: str) -> RegistryError | None:
    """What is wrong with the `oci-layout` file, if anything."""
    if content is None:
        return ManifestUnknown(f"{where} is not an OCI image layout: it has no oci-layout file")
    try:
        version = msgspec.json.decode(content, type=dict[str, Any]).get("imageLayoutVersion")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        version = None
    if version != "1.0.0":
        return ContentCorrupt(f"{where} is a layout of version {version!r}; only 1.0.0 is known")
    return None
