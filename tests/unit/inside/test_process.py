"""Layers in a process of their own: whatever is in them, it ends in time, and what was found is kept."""

import asyncio
import gzip
import multiprocessing
import os
import resource
import sys
import tarfile
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from backports import zstd

from orlop.adapters.inside import child, process
from orlop.adapters.inside.bounds import MEMORY, Beyond, Bounds
from orlop.adapters.inside.process import ProcessLayerReader
from orlop.domain.errors import Unavailable
from orlop.domain.inside.layers import LayerFacts
from orlop.ports.inside import LayerPacking, packing_of
from tests.needs import need
from tests.unit.inside.streams import END, entry, files, header, padded, tarred, unpacked

STATUS = b"Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n"
LAYER = files({"var/lib/dpkg/status": STATUS, "etc/os-release": b"ID=debian\n", "x": b"x" * 3_000_000})


async def pieces(content: bytes, size: int = 1_000_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(content: bytes, packing: LayerPacking = LayerPacking.TAR_GZIP) -> LayerFacts:
    return await ProcessLayerReader().facts(pieces(content), packing)


@pytest.mark.parametrize("packing", [LayerPacking.TAR, LayerPacking.TAR_GZIP])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress])
async def test_a_layer_is_read_as_its_first_bytes_say(pack: object, packing: LayerPacking) -> None:
    told = await read(pack(LAYER), packing)  # type: ignore[operator]
    assert {found.path: found.reader for found in told.found} == {
        "var/lib/dpkg/status": "dpkg",
        "etc/os-release": "os-release",
    }
    assert (told.files, len(told.names), told.unread) == (3, 18, "")


async def test_a_type_that_is_not_known_changes_nothing_of_what_a_layer_says() -> None:
    """It is kept by the digest of the layer, whose type is what a manifest says."""
    assert await read(LAYER, LayerPacking.UNKNOWN) == await read(LAYER, LayerPacking.TAR)
    told = await read(os.urandom(100_000), LayerPacking.UNKNOWN)
    assert told == LayerFacts(unread="it is no layer of files, or packed in a way that is not read")


async def test_a_process_that_does_not_begin_says_nothing_of_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", need("false")["false"])
    with pytest.raises(Unavailable):
        await read(LAYER)


@pytest.mark.parametrize(
    ("media_type", "packing"),
    [
        ("application/vnd.oci.image.layer.v1.tar", LayerPacking.TAR),
        ("application/vnd.oci.image.layer.v1.tar+gzip", LayerPacking.TAR_GZIP),
        ("application/vnd.oci.image.layer.v1.tar+zstd", LayerPacking.TAR_ZSTD),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", LayerPacking.TAR_GZIP),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", LayerPacking.TAR_GZIP),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", LayerPacking.TAR_GZIP),
        ("application/vnd.docker.image.rootfs.diff.tar", LayerPacking.TAR),
        ("application/vnd.docker.image.rootfs.diff.tar.zstd", LayerPacking.TAR_ZSTD),
        ("application/vnd.docker.container.image.rootfs.diff+x-gtar", LayerPacking.TAR_GZIP),
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", LayerPacking.UNKNOWN),
        ("application/vnd.in-toto+json", LayerPacking.UNKNOWN),
        ("", LayerPacking.UNKNOWN),
    ],
)
def test_packings_of_media_types(media_type: str, packing: LayerPacking) -> None:
    assert packing_of(media_type) is packing


@pytest.mark.slow
async def test_what_was_found_before_a_bomb_is_kept() -> None:
    """24 GiB of zeros in little more than 20 MB of gzip, of which 20 GiB would be unpacked."""
    start = gzip.compress(files({"var/lib/dpkg/status": STATUS})[:1024] + header(b"bomb", b"%o" % (24 << 30)))
    piece = gzip.compress(bytes(16 << 20), 1)

    async def bomb() -> AsyncIterator[bytes]:
        yield start
        for _ in range(1536):
            yield piece

    told = await ProcessLayerReader().facts(bomb(), LayerPacking.TAR_GZIP)
    assert [package.name for found in told.found for package in found.packages] == ["a"]
    assert told.unread == "it holds more than the 20480 MiB that are read"


async def test_a_zstd_bomb_is_refused_by_its_ratio() -> None:
    packer = zstd.ZstdCompressor(1)
    packed = packer.compress(header(b"bomb", b"%o" % (1 << 30)))
    for _ in range(64):
        packed += packer.compress(bytes(16 << 20))
    assert len(packed) < 200_000
    told = await read(packed + packer.flush())
    assert told.unread == "it unpacks to more than 1100 times its size"


@pytest.mark.parametrize("error", [ConnectionResetError, BrokenPipeError, TimeoutError, Unavailable])
async def test_content_that_ends_with_an_error_raises_it(error: type[Exception]) -> None:
    """Whatever it is: what was not given says nothing of the layer."""

    async def broken() -> AsyncIterator[bytes]:
        yield LAYER[:2_000]
        raise error("x")

    with pytest.raises(error):
        await ProcessLayerReader().facts(broken(), LayerPacking.TAR)


async def test_a_process_that_stalls_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pipe is full, or its answer does not come: here there is no time for either."""
    monkeypatch.setattr(process, "_RAN", 0.0)
    assert (await ProcessLayerReader(0.001).facts(pieces(LAYER * 20), LayerPacking.TAR)).unread
    assert (await ProcessLayerReader(0.001).facts(pieces(b""), LayerPacking.TAR)).unread


@pytest.mark.parametrize("content", [LAYER * 20, b""], ids=["it takes nothing", "it says nothing"])
async def test_a_process_that_could_not_run_says_nothing_of_a_layer(content: bytes) -> None:
    """It stands behind all others: on a machine that has no time for it, it is for later."""
    with pytest.raises(Unavailable, match="has no time"):
        await ProcessLayerReader(0.001).facts(pieces(content), LayerPacking.TAR)


async def test_an_answer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ANSWER", 70_000)
    told = await read(files({f".wh.{number:060}": b"" for number in range(5_000)}))
    assert (told.removed, bool(told.unread)) == ((), True)


async def test_whoever_gives_up_leaves_no_process() -> None:
    before = _children()
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield LAYER[:512]
        begun.set()
        await asyncio.sleep(60)
        yield b""

    reading = asyncio.ensure_future(ProcessLayerReader().facts(endless(), LayerPacking.TAR))
    await begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert _children() == before


def _children() -> set[str]:
    children = set[str]()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended since
            children.update((task / "children").read_text().split())
    return children


def test_what_takes_too_much_memory_is_told(tmp_path: Path) -> None:
    """A database whose pages say that each is in every chain, read by a process without any other child."""
    layer = tmp_path / "layer"
    layer.write_bytes(tarred(entry("var/lib/rpm/Packages", b"\0" * (200 << 20)), entry("etc/os-release", b"ID=a\n")))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        told, most = fresh.submit(_facts_and_memory, str(layer)).result()
    assert [(found.reader, bool(found.unread)) for found in told.found] == [("rpm", True), ("os-release", False)]
    assert most < MEMORY


def _facts_and_memory(layer: str) -> tuple[LayerFacts, int]:
    told = asyncio.run(read(Path(layer).read_bytes()))
    return told, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10


def test_a_reader_of_layers_has_so_many_seconds_of_a_processor() -> None:
    """They grow with what goes in."""
    source = unpacked(padded(b"x" * (8 << 20)), Bounds())
    source.skip(8 << 20)
    child.hurry(source, Bounds(seconds=10_000))(0, None)
    child.hurry(source, Bounds(seconds=0, seconds_each=10_000))(0, None)
    with pytest.raises(Beyond, match="seconds of a processor"):
        child.hurry(source, Bounds(seconds=0, seconds_each=0))(0, None)


async def test_the_end_of_an_archive_is_enough() -> None:
    """What comes after it is not waited for, however long it is."""
    told = await read(files({"etc/os-release": b"ID=a\n"}) + END + b"x" * 30_000_000, LayerPacking.TAR)
    assert (len(told.found), told.unread) == (1, "")


async def test_real_archives_in_all_formats() -> None:
    for written_as in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        told = await read(tarred(entry("etc/os-release", b"ID=a\n"), written_as=written_as), LayerPacking.TAR)
        assert [found.distribution.id for found in told.found if found.distribution] == ["a"]
