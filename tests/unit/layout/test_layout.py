"""Image layouts in folders and archives: the port's promises, names, concurrent writers, and bad input."""

import asyncio
import io
import json
import tarfile
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from orlop.adapters.layout.repository import LayoutRepository, open_archive, open_folder
from orlop.domain.digest import digest_of
from orlop.domain.errors import (
    BlobUnknown,
    ContentCorrupt,
    Denied,
    DigestInvalid,
    ManifestInvalid,
    ManifestUnknown,
    RegistryError,
    SizeInvalid,
    Unsupported,
)
from orlop.ports.upstream import UpstreamError
from tests import content
from tests.clientside.clients import manifest_of, opener, push, read_all


class Kind:
    """A folder or an archive, opened the same way."""

    def __init__(self, path: Path, *, archive: bool) -> None:
        self.path = path
        self.archive = archive

    def open(self, *, writing: bool) -> AbstractAsyncContextManager[LayoutRepository]:
        """Until the block ends."""
        return (open_archive if self.archive else open_folder)(self.path, writing=writing)


@pytest.fixture(params=["folder", "archive"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """Both in turn."""
    return Kind(tmp_path / "layout", archive=request.param == "archive")


def listed(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_what_is_written_can_be_read(kind: Kind) -> None:
    image = content.image("app", layers=["base", content.blob("large", 2_500_000)])
    async with kind.open(writing=True) as layout:
        await push(layout, image, "v1", "registry.example/app:v1")
    async with kind.open(writing=False) as layout:
        for reference in ("v1", "registry.example/app:v1", image.digest, ""):
            assert await layout.fetch(reference) == manifest_of(image.piece)
        assert [name async for name in layout.tags()] == ["registry.example/app:v1", "v1"]
        assert [name async for name in layout.tags("t")] == ["v1"]
        for piece in image.blobs:
            assert await layout.stat_blob(piece.digest) == piece.size
            assert await read_all(layout, piece.digest, piece.size) == piece.content
            assert await read_all(layout, piece.digest, piece.size, 7) == piece.content[7:]


async def test_a_second_writer_adds_to_the_first(kind: Kind) -> None:
    first, second = content.image("first"), content.image("second", layers=["base", "more"])
    async with kind.open(writing=True) as layout:
        await push(layout, first, "v1", "moving")
    async with kind.open(writing=True) as layout:
        assert await layout.stat_blob(first.blobs[1].digest) is not None
        await push(layout, second, "v2", "moving")
    async with kind.open(writing=False) as layout:
        assert (await layout.fetch("v1")).digest == first.digest
        assert (await layout.fetch("moving")).digest == second.digest
        assert await read_all(layout, second.blobs[-1].digest, second.blobs[-1].size) == second.blobs[-1].content
        with pytest.raises(ManifestUnknown, match="choose one of: moving, v1, v2"):
            await layout.fetch("")


async def test_the_index_names_what_nothing_else_leads_to(kind: Kind) -> None:
    amd64, arm64 = content.image("amd64"), content.image("arm64")
    index = content.index("all", [amd64, arm64])
    sbom = content.artifact("sbom", subject=amd64)
    async with kind.open(writing=True) as layout:
        await push(layout, index, "v1")
        await push(layout, sbom)
        await push(layout, sbom)
    async with kind.open(writing=False) as layout:
        entries = (await layout._entries()).all
        assert [entry.digest for entry in entries] == [index.digest, sbom.digest]
        assert (await layout.fetch(arm64.digest)).digest == arm64.digest
        assert (await layout.fetch("")).digest == index.digest
        found = [(entry.digest, entry.artifact_type) async for entry in layout.referrers(amd64.digest)]
        assert found == [(sbom.digest, "application/vnd.example.sbom")]
        assert [entry async for entry in layout.referrers(arm64.digest)] == []
        assert [entry async for entry in layout.referrers(amd64.digest, "other/type")] == []


async def test_an_archive_that_failed_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with pytest.raises(SizeInvalid):
        async with open_archive(path, writing=True) as layout:
            await layout.push_blob(digest_of(b"abc"), 3, opener(b"abcd"))
    assert listed(tmp_path) == []
    async with open_archive(path, writing=True) as layout:
        await push(layout, content.image("app"), "v1")
    before = path.read_bytes()
    with pytest.raises(DigestInvalid):
        async with open_archive(path, writing=True) as layout:
            await layout.push_blob(digest_of(b"abc"), 3, opener(b"abd"))
    assert path.read_bytes() == before
    assert listed(tmp_path) == ["a.tar"]


async def test_a_refused_blob_does_not_spoil_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    image = content.image("app")
    async with open_archive(path, writing=True) as layout:
        with pytest.raises(DigestInvalid):
            await layout.push_blob(digest_of(b"abc"), 3, opener(b"abd"))
        await push(layout, image, "v1")
    with tarfile.open(path) as tar:
        names = tar.getnames()
    assert f"blobs/sha256/{digest_of(b'abc').hex}" not in names
    async with open_archive(path, writing=False) as layout:
        assert (await layout.fetch("v1")).digest == image.digest


async def test_the_same_content_makes_the_same_archive(tmp_path: Path) -> None:
    for name in ("one", "two"):
        async with open_archive(tmp_path / name, writing=True) as layout:
            await push(layout, content.image("app"), "v1")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(("sent", "error"), [(b"abd", DigestInvalid), (b"ab", SizeInvalid), (b"abcd", SizeInvalid)])
async def test_wrong_bytes_never_appear_in_a_folder(tmp_path: Path, sent: bytes, error: type[Exception]) -> None:
    async with open_folder(tmp_path / "l", writing=True) as layout:
        with pytest.raises(error):
            await layout.push_blob(digest_of(b"abc"), 3, opener(sent))
        assert await layout.stat_blob(digest_of(b"abc")) is None
    assert list((tmp_path / "l" / "blobs" / "sha256").iterdir()) == []


async def test_rotten_bytes_are_not_given_out(tmp_path: Path) -> None:
    image = content.image("app", layers=[content.blob("large", 3_000_000)])
    layer = image.blobs[-1]
    async with open_folder(tmp_path / "l", writing=True) as layout:
        await push(layout, image, "v1")
        path = tmp_path / "l" / "blobs" / "sha256" / layer.digest.hex
        for damage in (layer.content[:-1] + b"!", layer.content[:-1], layer.content + b"!"):
            path.write_bytes(damage)
            with pytest.raises(ContentCorrupt):
                await read_all(layout, layer.digest, layer.size)
        with pytest.raises(BlobUnknown):
            await read_all(layout, digest_of(b"absent"), 1)
        manifest = tmp_path / "l" / "blobs" / "sha256" / image.digest.hex
        manifest.write_bytes(image.content.replace(b"schemaVersion", b"schemaversion"))
        with pytest.raises(ContentCorrupt):
            await layout.fetch("v1")


async def test_names_and_manifests_are_removed(tmp_path: Path) -> None:
    image = content.image("app")
    index = content.index("all", [image])
    async with open_folder(tmp_path / "l", writing=True) as layout:
        await push(layout, index, "v1", "v2")
        await layout.untag("v1")
        assert [name async for name in layout.tags()] == ["v2"]
        await layout.untag("v2")
        assert (await layout.fetch("")).digest == index.digest, "the last name went, the image stays"
        with pytest.raises(ManifestUnknown):
            await layout.untag("v2")
        with pytest.raises(Denied, match="belongs to"):
            await layout.delete_manifest(image.digest)
        await layout.delete_manifest(index.digest)
        with pytest.raises(ManifestUnknown):
            await layout.fetch(index.digest)
        await layout.delete_manifest(image.digest)


async def test_an_archive_is_not_changed_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    async with open_archive(path, writing=True) as layout:
        await push(layout, content.image("app"), "v1")
    async with open_archive(path, writing=False) as layout:
        with pytest.raises(Unsupported):
            await push(layout, content.image("other"), "v2")
        with pytest.raises(Unsupported):
            await layout.delete_manifest((await layout.fetch("v1")).digest)


async def test_many_writers_of_one_folder_lose_nothing(tmp_path: Path) -> None:
    images = [content.image(f"app{number}") for number in range(12)]

    async def write(number: int) -> None:
        async with open_folder(tmp_path / "l", writing=True) as layout:
            await layout.put_manifest(manifest_of(images[number].piece), (f"v{number}",))

    async with open_folder(tmp_path / "l", writing=True) as layout:
        await asyncio.gather(*(write(number) for number in range(len(images))))
        assert {name async for name in layout.tags()} == {f"v{number}" for number in range(len(images))}


async def test_many_writers_of_one_new_folder_take_turns(tmp_path: Path) -> None:
    """They make it together, and write the same blobs and manifests."""
    shared = content.blob("shared", 300_000)
    images = [content.image("same", layers=[shared])] * 4
    images += [content.image(f"app{number}", layers=[shared]) for number in range(4)]

    async def write(folder: Path, number: int) -> None:
        async with open_folder(folder, writing=True) as layout:
            await push(layout, images[number], f"v{number}")

    for attempt in range(6):
        folder = tmp_path / "deep" / f"l{attempt}"
        await asyncio.gather(*(write(folder, number) for number in range(len(images))))
        async with open_folder(folder, writing=False) as layout:
            assert [name async for name in layout.tags()] == [f"v{number}" for number in range(len(images))]
            for number, image in enumerate(images):
                assert (await layout.fetch(f"v{number}")).digest == image.digest
                for piece in image.blobs:
                    assert await read_all(layout, piece.digest, piece.size) == piece.content
        blobs = {piece.digest for image in images for piece in image.blobs} | {image.digest for image in images}
        assert listed(folder / "blobs" / "sha256") == sorted(digest.hex for digest in blobs), "no parts are left"
        assert listed(folder) == ["blobs", "index.json", "oci-layout"]


async def test_writers_of_one_archive_lose_nothing(tmp_path: Path) -> None:
    """One that comes while another is at it is told so; one that comes right after it keeps what that wrote."""
    written: list[int] = []

    async def write(number: int) -> None:
        for _ in range(200):
            try:
                async with open_archive(tmp_path / "a.tar", writing=True) as layout:
                    await push(layout, content.image(f"app{number}"), f"v{number}")
            except UpstreamError as refused:
                if "being written by somebody else" not in refused.message:
                    raise
                await asyncio.sleep(0.01)
            else:
                written.append(number)
                return

    await asyncio.gather(*(write(number) for number in range(6)))
    async with open_archive(tmp_path / "a.tar", writing=False) as layout:
        assert [name async for name in layout.tags()] == [f"v{number}" for number in range(6)]
    assert sorted(written) == list(range(6))


async def test_two_writers_of_one_blob_do_not_mix(tmp_path: Path) -> None:
    blob = b"x" * 500_000
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(offset: int) -> AsyncGenerator[bytes, None]:
        yield blob[:1000]
        inside.set()
        await go_on.wait()
        yield blob[1000:]

    async with open_folder(tmp_path / "l", writing=True) as layout:
        first = asyncio.ensure_future(layout.push_blob(digest_of(blob), len(blob), slow))
        await inside.wait()
        await layout.push_blob(digest_of(blob), len(blob), opener(blob))
        assert await read_all(layout, digest_of(blob), len(blob)) == blob, "whoever is slow holds nobody up"
        go_on.set()
        await first
        assert await read_all(layout, digest_of(blob), len(blob)) == blob
    assert listed(tmp_path / "l" / "blobs" / "sha256") == [digest_of(blob).hex]


async def test_what_a_killed_writer_left_is_overwritten(tmp_path: Path) -> None:
    async with open_folder(tmp_path / "l", writing=True) as layout:
        (tmp_path / "l" / "blobs" / "sha256" / f".{digest_of(b'abc').hex}.part").write_bytes(b"remains")
        await layout.push_blob(digest_of(b"abc"), 3, opener(b"abc"))
        assert await read_all(layout, digest_of(b"abc"), 3) == b"abc"
    assert len(list((tmp_path / "l" / "blobs" / "sha256").iterdir())) == 1


async def test_folders_of_other_things_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UpstreamError, match="not empty"):
        async with open_folder(tmp_path, writing=True):
            pass
    for opening in (open_folder(tmp_path, writing=False), open_folder(tmp_path / "absent", writing=False)):
        with pytest.raises(ManifestUnknown, match="not an OCI image layout"):
            async with opening:
                pass
    with pytest.raises(UpstreamError, match="cannot be opened"):
        async with open_archive(tmp_path / "absent.tar", writing=False):
            pass


DIGEST = "sha256:" + "0" * 64
ENTRY = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": DIGEST, "size": 5}


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (b"", ContentCorrupt),
        (b"[]", ContentCorrupt),
        (b'{"manifests": 5}', ContentCorrupt),
        (b'{"manifests": [5]}', ContentCorrupt),
        (b'{"manifests": [{"digest": "x"}]}', ContentCorrupt),
        (b"[" * 100_000, ContentCorrupt),
        (b"{}", ManifestUnknown),
        (json.dumps({"manifests": [ENTRY]}).encode(), ManifestUnknown),
        (json.dumps({"manifests": [{**ENTRY, "digest": "sha256:../../../etc/passwd"}]}).encode(), DigestInvalid),
        (json.dumps({"manifests": [{**ENTRY, "digest": "md5:" + "0" * 32}]}).encode(), DigestInvalid),
        (json.dumps({"manifests": [{**ENTRY, "size": -1}]}).encode(), ManifestUnknown),
    ],
)
async def test_bad_indexes_are_refused(tmp_path: Path, index: bytes, error: type[RegistryError]) -> None:
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (tmp_path / "index.json").write_bytes(index)
    async with open_folder(tmp_path, writing=False) as layout:
        with pytest.raises(error):
            await layout.fetch("")


@pytest.mark.parametrize("version", ["", "{}", "[]", '{"imageLayoutVersion": "2.0.0"}', "[" * 50_000])
async def test_layouts_of_another_version_are_refused(tmp_path: Path, version: str) -> None:
    (tmp_path / "oci-layout").write_text(version)
    with pytest.raises(ContentCorrupt, match="version"):
        async with open_folder(tmp_path, writing=False):
            pass


async def test_a_blob_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    large = b"x" * (4 * 1024 * 1024 + 1)
    async with open_folder(tmp_path / "l", writing=True) as layout:
        for blob in (b"text", large):
            await layout.push_blob(digest_of(blob), len(blob), opener(blob))
            with pytest.raises(ManifestInvalid):
                await layout.fetch(digest_of(blob))


def tar_of(*members: tuple[str, bytes]) -> bytes:
    """A tar of regular files."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, body in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return file.getvalue()


LAYOUT = ("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')


def _long_header() -> bytes:
    """A name that claims to be two gigabytes long, in a file that has them (as a hole)."""
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, 2**31
    return entry.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    ("archive", "error"),
    [
        (b"", RegistryError),
        (b"not a tar at all" * 100, ContentCorrupt),
        (b"\x1f\x8b" + b"\0" * 600, UpstreamError),
        (tar_of(LAYOUT, ("index.json", b"{}"), ("./index.json", b"{}")), ContentCorrupt),
        (tar_of(LAYOUT, ("index.json", b"x" * 3000))[:2048], ContentCorrupt),
        (tar_of(("readme", b"x")), ManifestUnknown),
        (_long_header() + b"\0" * 1024, ContentCorrupt),
        (tar_of(LAYOUT)[:100] + b"\xff" * 400 + tar_of(LAYOUT)[500:], ContentCorrupt),
    ],
)
async def test_bad_archives_are_refused(tmp_path: Path, archive: bytes, error: type[RegistryError]) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(archive)
    with pytest.raises(error):
        async with open_archive(path, writing=False) as layout:
            await layout.fetch("")


async def test_a_header_never_makes_the_reader_take_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(_long_header())
    with path.open("r+b") as file:
        file.truncate(2**31 + 2048)
    with pytest.raises(ContentCorrupt, match="longer than any name"):
        async with open_archive(path, writing=False):
            pass


async def test_members_outside_the_archive_do_not_exist(tmp_path: Path) -> None:
    """CVE-2024-24579 and its kin: links and names that lead out of an archive are only names here."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, target in (("oci-layout", "/etc/passwd"), ("index.json", "../../etc/passwd")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    path = tmp_path / "a.tar"
    path.write_bytes(file.getvalue())
    with pytest.raises(ManifestUnknown, match="no oci-layout"):
        async with open_archive(path, writing=False):
            pass
