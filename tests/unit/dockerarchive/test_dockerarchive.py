"""Docker archives: what `docker save` writes in its old and new style is read, and what is written is read back."""

import gzip
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from orlop.adapters.dockerarchive.opening import open_reader, open_writer
from orlop.adapters.layout.repository import open_archive, open_folder
from orlop.domain.digest import digest_of
from orlop.domain.errors import (
    BlobUnknown,
    ContentCorrupt,
    Denied,
    ManifestUnknown,
    NameInvalid,
    RegistryError,
    Unsupported,
)
from orlop.domain.manifest import parse_manifest
from orlop.services.content.copy import CopyRequest, Outcome, copy
from tests import content
from tests.clientside.clients import manifest_of, opener, push, read_all

LAYERS = [os.urandom(3_000), os.urandom(5_000)]
CONFIG = json.dumps(
    {
        "architecture": "arm64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [str(digest_of(layer)) for layer in LAYERS]},
    }
).encode()


class Tar:
    """A tar in the making."""

    def __init__(self) -> None:
        self._file = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._file, mode="w")

    def add(self, name: str, body: bytes) -> "Tar":
        """A file."""
        entry = tarfile.TarInfo(name)
        entry.size = len(body)
        self._tar.addfile(entry, io.BytesIO(body))
        return self

    def link(self, name: str, target: str) -> "Tar":
        """A symbolic link."""
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(entry)
        return self

    def write(self, path: Path) -> Path:
        """Close it."""
        self._tar.close()
        path.write_bytes(self._file.getvalue())
        return path


def saved(*entries: tuple[str, list[str], list[str]]) -> bytes:
    """manifest.json of (config, names, layers)."""
    return json.dumps([{"Config": c, "RepoTags": n, "Layers": ls} for c, n, ls in entries]).encode()


def old_style(path: Path, layers: list[bytes] | None = None) -> Path:
    """As dockers before 25 write it: a folder for every layer, a repeated one as a link to the first."""
    first, second = layers or LAYERS
    tar = Tar().add("aaa/VERSION", b"1.0").add("aaa/layer.tar", first).add("bbb/layer.tar", second)
    tar.link("ccc/layer.tar", "../aaa/layer.tar").add("config.json", CONFIG)
    names = ["app:v1", "registry.example/team/app:v1"]
    return tar.add("manifest.json", saved(("config.json", names, ["ccc/layer.tar", "bbb/layer.tar"]))).write(path)


async def test_the_old_style_is_read(tmp_path: Path) -> None:
    async with open_reader(old_style(tmp_path / "a.tar")) as archive:
        assert [name async for name in archive.tags()] == ["app:v1", "registry.example/team/app:v1"]
        found = await archive.fetch("app:v1")
        for reference in ("", "docker.io/library/app:v1", "registry.example/team/app:v1", found.digest):
            assert await archive.fetch(reference) == found
        edges = parse_manifest(found.content, found.media_type).edges
        assert [edge.digest for edge in edges] == [digest_of(CONFIG), *map(digest_of, LAYERS)]
        for edge, body in zip(edges, [CONFIG, *LAYERS], strict=True):
            assert await archive.stat_blob(edge.digest) == len(body)
            assert await read_all(archive, edge.digest, edge.size) == body
            assert await read_all(archive, edge.digest, edge.size, 9) == body[9:]
        with pytest.raises(ManifestUnknown, match="its images: app:v1"):
            await archive.fetch("other")
        with pytest.raises(BlobUnknown):
            await read_all(archive, digest_of(b"absent"), 1)
        for writing in (
            push(archive, content.image("x")),
            archive.untag("app:v1"),
            archive.delete_manifest(found.digest),
        ):
            with pytest.raises(Unsupported):
                await writing


async def test_compressed_layers_keep_their_compression(tmp_path: Path) -> None:
    packed = [gzip.compress(layer) for layer in LAYERS]
    async with open_reader(old_style(tmp_path / "a.tar", packed)) as archive:
        found = await archive.fetch("")
        _, *layers = parse_manifest(found.content, found.media_type).edges
        assert [layer.media_type.rpartition("+")[2] for layer in layers] == ["gzip", "gzip"]
        for layer, body in zip(layers, packed, strict=True):
            assert await read_all(archive, layer.digest, layer.size) == body


async def test_layers_that_are_not_what_the_config_says_are_not_given_out(tmp_path: Path) -> None:
    async with open_reader(old_style(tmp_path / "a.tar", [LAYERS[0], os.urandom(5_000)])) as archive:
        with pytest.raises(ContentCorrupt):
            await read_all(archive, digest_of(LAYERS[1]), 5_000)


async def test_what_is_written_is_read_back_with_its_digest(tmp_path: Path) -> None:
    image = content.image("app", layers=["base", "code", "base"])
    path = tmp_path / "a.tar"
    async with open_writer(path) as archive:
        await push(archive, image, "app", "registry.example/app:v2")
        assert (await archive.resolve("app")).digest == image.digest
        assert await read_all(archive, image.blobs[0].digest, image.blobs[0].size) == image.blobs[0].content
    async with open_reader(path) as archive:
        assert [name async for name in archive.tags()] == ["app:latest", "registry.example/app:v2"]
        for reference in ("app", "app:latest", "registry.example/app:v2", image.digest, ""):
            assert await archive.fetch(reference) == manifest_of(image.piece)
        for piece in image.blobs:
            assert await read_all(archive, piece.digest, piece.size) == piece.content
    async with open_archive(path, writing=False) as layout:
        assert (await layout.fetch("docker.io/library/app:latest")).digest == image.digest
        assert (await layout.fetch("v2")).digest == image.digest


async def test_an_index_saved_whole_with_some_of_its_images_still_gives_them(tmp_path: Path) -> None:
    """Newer dockers write the index as they pulled it and only the images that they have."""
    layer = content.blob("layer")
    config = json.dumps({"rootfs": {"diff_ids": [str(layer.digest)]}}).encode()
    document = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": str(digest_of(config)),
            "size": len(config),
        },
        "layers": [layer.descriptor()],
    }
    manifest = json.dumps(document, indent=3).encode()
    here = content.Piece("here", "application/vnd.oci.image.manifest.v1+json", manifest)
    index = content.index("all", [here, content.image("elsewhere").piece])
    outer = {"schemaVersion": 2, "manifests": [index.piece.descriptor()]}
    tar = Tar().add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}').add("index.json", json.dumps(outer).encode())
    for body in (manifest, index.content, config, layer.content):
        tar.add(f"blobs/sha256/{digest_of(body).hex}", body)
    entry = (f"blobs/sha256/{digest_of(config).hex}", ["app:v1"], [f"blobs/sha256/{layer.digest.hex}"])
    path = tar.add("manifest.json", saved(entry)).write(tmp_path / "a.tar")
    async with open_reader(path) as archive:
        assert (await archive.fetch("app:v1")).digest == here.digest, "the manifest is kept to the byte"


async def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"dear to somebody")
    with pytest.raises(Denied, match="there already"):
        async with open_writer(path):
            pass
    assert path.read_bytes() == b"dear to somebody"


@pytest.mark.parametrize(
    ("what", "name", "error"),
    [
        (content.index("all", [content.image("one")]), "app", Unsupported),
        (content.artifact("sbom"), "app", Unsupported),
        (content.image("app"), "Not A Name", NameInvalid),
    ],
)
async def test_what_docker_cannot_load_is_not_written(
    tmp_path: Path, what: content.Pushable, name: str, error: type[RegistryError]
) -> None:
    with pytest.raises(error):
        async with open_writer(tmp_path / "a.tar") as archive:
            await push(archive, what, name)
    assert os.listdir(tmp_path) == []


def _archive(manifest: bytes, *members: tuple[str, bytes]) -> Tar:
    tar = Tar().add("manifest.json", manifest).add("c", CONFIG)
    for name, body in members:
        tar.add(name, body)
    return tar


@pytest.mark.parametrize(
    ("tar", "error"),
    [
        (Tar().add("repositories", b"{}"), ManifestUnknown),
        (_archive(b"{"), ContentCorrupt),
        (_archive(b"{}"), ContentCorrupt),
        (_archive(b"[" * 100_000), ContentCorrupt),
        (_archive(b"[]"), ManifestUnknown),
        (_archive(saved(("absent", [], []))), ContentCorrupt),
        (_archive(saved(("c", [], []))), ContentCorrupt),
        (_archive(saved(("c", [], ["../../etc/passwd", "/etc/passwd"]))), ContentCorrupt),
        (_archive(saved(("l", [], ["c"])), ("l", b"[]")), ContentCorrupt),
        (_archive(saved(("l", [], ["c"])), ("l", b'{"rootfs": {"diff_ids": ["md5:x"]}}')), ContentCorrupt),
        (_archive(saved(("c", [], ["x", "y"]))).link("x", "y").link("y", "x"), ContentCorrupt),
        (_archive(saved(), ("index.json", b"{")), ContentCorrupt),
    ],
)
async def test_bad_archives_are_refused(tmp_path: Path, tar: Tar, error: type[RegistryError]) -> None:
    path = tar.write(tmp_path / "a.tar")
    with pytest.raises(error):
        async with open_reader(path) as archive:
            await archive.fetch("")


async def test_a_layer_that_is_not_to_be_distributed_has_to_be_there(tmp_path: Path) -> None:
    """Docker loads no image that lacks one. So it is copied where the source has it, and else the copy is refused."""
    image = content.image("windows", layers=["base"], foreign=["foreign"])
    layer = content.blob("foreign")
    request = CopyRequest(reference="v1", tags=("app:v1",), foreign=True)
    async with open_folder(tmp_path / "layout", writing=True) as layout:
        await push(layout, image, "v1")
        with pytest.raises(Unsupported, match=f"{layer.digest}.*not to be distributed"):
            async with open_writer(tmp_path / "a.tar") as archive:
                await copy(layout, archive, request)
        with pytest.raises(Unsupported, match=f"lacks a layer.*{layer.digest}"):
            async with open_writer(tmp_path / "a.tar") as archive:
                await copy(layout, archive, CopyRequest(reference="v1", tags=("app:v1",)))
        assert not (tmp_path / "a.tar").exists()

        await layout.push_blob(layer.digest, layer.size, opener(layer.content))
        async with open_writer(tmp_path / "a.tar") as archive:
            report = await copy(layout, archive, request)
        assert report.blobs[layer.digest] is Outcome.COPIED
    with tarfile.open(tmp_path / "a.tar") as tar:
        written = tar.extractfile("manifest.json")
        assert written is not None
        layers = json.load(written)[0]["Layers"]
    assert layers == [f"blobs/sha256/{piece.digest.hex}" for piece in (content.blob("base"), layer)]
    async with open_reader(tmp_path / "a.tar") as archive:
        assert await read_all(archive, layer.digest, layer.size) == layer.content
