"""What an archive of `docker save` holds, old style or new: manifest.json turned into manifests."""

import hashlib
from typing import Any

import msgspec

from orlop.adapters.tarball import Member, TarReader
from orlop.domain import media_types
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import ContentCorrupt, DigestInvalid, ManifestInvalid, ManifestUnknown, RegistryError
from orlop.domain.manifest import MAX_BYTES, EdgeKind, Manifest, parse_manifest
from orlop.domain.references import parse_image_reference
from orlop.ports.upstream import ManifestContent

MANIFEST_FILE = "manifest.json"
_LIST_BYTES = 16 * 1024 * 1024
_CONFIG_BYTES = 8 * 1024 * 1024
#: More layers than any storage driver mounts.
_LAYERS = 1_000

_COMPRESSIONS = {b"\x1f\x8b": "+gzip", b"\x28\xb5\x2f\xfd": "+zstd"}


class _Saved(msgspec.Struct, rename="pascal"):
    config: str
    repo_tags: list[str] | None = None
    layers: list[str] | None = None


class _RootFs(msgspec.Struct):
    diff_ids: list[str] = []


class _Config(msgspec.Struct):
    rootfs: _RootFs = msgspec.field(default_factory=_RootFs)


class Image(msgspec.Struct, frozen=True):
    """One image of the archive and where its blobs lie."""

    names: tuple[str, ...]
    """As the archive writes them, `app:v1`."""
    manifest: ManifestContent
    blobs: dict[Digest, Member]


def full_name(name: str) -> str:
    """A name of the archive in its explicit form, so that `app` and `docker.io/library/app:latest` are one."""
    try:
        return str(parse_image_reference(name))
    except RegistryError:
        return name


async def read_images(tar: TarReader) -> list[Image]:
    """Every image, in the order of manifest.json. Layers are read only where nothing names their digest.

    Raises ManifestUnknown where the archive is of another kind, ContentCorrupt where it contradicts itself.
    """
    content = await tar.small(MANIFEST_FILE, _LIST_BYTES)
    if content is None:
        raise ManifestUnknown(f"{tar.path} is not a docker archive: it has no {MANIFEST_FILE}")
    try:
        saved = msgspec.json.decode(content, type=list[_Saved])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise ContentCorrupt(f"{MANIFEST_FILE} in {tar.path} cannot be read: {cause}") from cause
    native = await _native_manifests(tar)
    return [await _image(tar, entry, native) for entry in saved]


async def _image(tar: TarReader, saved: _Saved, native: dict[Digest, ManifestContent]) -> Image:
    config = await tar.small(saved.config, _CONFIG_BYTES)
    if config is None:
        raise ContentCorrupt(f"{tar.path} lacks the config {saved.config[:200]!r}")
    names = tuple(saved.repo_tags or ())
    known = native.get(digest_of(config))
    if known is not None and (blobs := _blobs_of(tar, parse_manifest(known.content, known.media_type))):
        return Image(names, known, blobs)
    layers = saved.layers or []
    diff_ids = _diff_ids(tar, config)
    if len(layers) != len(diff_ids) or len(layers) > _LAYERS:
        raise ContentCorrupt(
            f"{tar.path}: {saved.config[:200]!r} has {len(diff_ids)} layers, the archive {len(layers)}"
        )
    config_member = tar.find(saved.config)
    assert config_member is not None
    blobs = {digest_of(config): config_member}
    described = []
    for name, diff_id in zip(layers, diff_ids, strict=True):
        member = tar.find(name)
        if member is None:
            raise ContentCorrupt(f"{tar.path} lacks the layer {name[:200]!r}")
        digest, media_type = await _layer(tar, name, member, diff_id)
        blobs[digest] = member
        described.append({"mediaType": media_type, "digest": str(digest), "size": member.size})
    return Image(names, _manifest(config, described), blobs)


def _manifest(config: bytes, layers: list[dict[str, Any]]) -> ManifestContent:
    """The manifest that the archive does not have. The same image always gets the same one."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": {"mediaType": media_types.OCI_CONFIG, "digest": str(digest_of(config)), "size": len(config)},
        "layers": layers,
    }
    content = msgspec.json.encode(document)
    return ManifestContent(digest_of(content), media_types.OCI_MANIFEST, content)


def _diff_ids(tar: TarReader, config: bytes) -> list[Digest]:
    try:
        return [Digest(text) for text in msgspec.json.decode(config, type=_Config).rootfs.diff_ids]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, DigestInvalid) as cause:
        raise ContentCorrupt(f"{tar.path} holds a config that cannot be read: {cause}") from cause


async def _layer(tar: TarReader, name: str, member: Member, diff_id: Digest) -> tuple[Digest, str]:
    """Digest and media type of a layer: a plain tar is what the config calls it, a compressed one has to be hashed."""
    start = b""
    async for piece in tar.pieces(Member(member.offset, min(4, member.size)), 0):
        start += piece
    compression = next((suffix for magic, suffix in _COMPRESSIONS.items() if start.startswith(magic)), "")
    if not compression:
        return diff_id, media_types.OCI_LAYER
    state = hashlib.sha256()
    async for piece in tar.pieces(member, 0):
        state.update(piece)
    return Digest(f"sha256:{state.hexdigest()}"), media_types.OCI_LAYER + compression


async def _native_manifests(tar: TarReader) -> dict[Digest, ManifestContent]:
    """The image manifests of a new-style archive by their config: what the images had in their registry."""
    content = await tar.small("index.json", MAX_BYTES)
    if content is None:
        return {}
    found: dict[Digest, ManifestContent] = {}
    try:
        waiting = list(parse_manifest(content, media_types.OCI_INDEX).edges)
        seen: set[Digest] = set()
        while waiting:
            edge = waiting.pop()
            body = await tar.small(blob_name(edge.digest), MAX_BYTES) if edge.kind is EdgeKind.MANIFEST else None
            if body is None or edge.digest in seen or digest_of(body, edge.digest.algorithm) != edge.digest:
                continue
            seen.add(edge.digest)
            manifest = parse_manifest(body, edge.media_type)
            if manifest.is_index:
                waiting += manifest.edges
            else:
                found[manifest.edges[0].digest] = ManifestContent(edge.digest, manifest.media_type, body)
    except ManifestInvalid as cause:
        raise ContentCorrupt(f"{tar.path}: {cause.message}") from cause
    return found


def _blobs_of(tar: TarReader, manifest: Manifest) -> dict[Digest, Member] | None:
    """Where the blobs of a manifest lie; None unless all are there: an index may be saved whole, its images in part."""
    found: dict[Digest, Member] = {}
    for edge in manifest.edges:
        member = tar.find(blob_name(edge.digest))
        if member is not None and member.size == edge.size:
            found[edge.digest] = member
        elif not edge.foreign:
            return None
    return found


def blob_name(digest: Digest) -> str:
    """Where a new-style archive keeps a blob."""
    return f"blobs/{digest.algorithm}/{digest.hex}"
