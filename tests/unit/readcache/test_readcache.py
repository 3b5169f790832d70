"""The cache of blobs: what is kept, how it stays within its bound, and that nothing wrong ever comes out of it."""

import fcntl
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orlop.adapters.readcache import CacheFolder, CacheRefused, Outcome
from orlop.adapters.readcache.entry import CHUNK, length_of
from orlop.domain.errors import ContentCorrupt
from orlop.domain.ranges import Span
from tests.content import Piece, blob
from tests.needs import lack, need
from tests.unit.readcache.scene import LIMIT, Scene

LARGE, SMALL = blob("large", 3 * CHUNK + 4711), blob("small", 5_000)


@pytest.fixture(name="scene")
def _scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "cache")


@pytest.mark.parametrize("piece", [LARGE, SMALL, blob("chunk", CHUNK), blob("one", 1)], ids=lambda piece: piece.name)
async def test_what_was_read_once_comes_from_here_the_next_time(scene: Scene, piece: Piece) -> None:
    copy = scene.store.hold(piece)
    for _ in range(3):
        assert await scene.read(copy) == piece.content
    assert scene.store.opened == 1
    assert scene.counts == {Outcome.STORE: 1, Outcome.KEPT: 2}
    scene.store.is_away = True
    for span in (Span(0, 1), Span(copy.size - 1, copy.size), Span(copy.size // 3, copy.size // 2)):
        assert await scene.read(copy, span) == piece.content[span.start : span.stop]
    scene.check()


async def test_a_small_blob_that_is_read_at_once_is_kept(scene: Scene) -> None:
    copy = scene.store.hold(SMALL)
    for _ in range(2):
        content = await scene.reader.open(copy)
        assert await content.read() == SMALL.content
        content.close()
    assert scene.store.opened == 1
    scene.check()


async def test_a_part_or_nothing_of_a_blob_is_not_kept(scene: Scene) -> None:
    copy, empty = scene.store.hold(LARGE), scene.store.hold(blob("nothing", 0))
    assert await scene.read(copy, Span(5, 500_000)) == LARGE.content[5:500_000]
    assert await scene.read(empty) == b""
    assert scene.entries() == []


async def test_a_reader_that_leaves_takes_its_part_along(scene: Scene) -> None:
    copy = scene.store.hold(LARGE)
    content = await scene.reader.open(copy)
    chunks = content.chunks(Span(0, copy.size))
    await anext(chunks)
    assert len(scene.parts()) == 1
    await chunks.aclose()  # type: ignore[attr-defined]
    content.close()
    await scene.settled()
    assert scene.entries() == []
    assert await scene.read(copy) == LARGE.content
    assert len(scene.entries()) == 1


async def test_one_of_many_readers_fills_and_the_others_do_not_wait(scene: Scene) -> None:
    copy = scene.store.hold(LARGE)
    contents = [await scene.reader.open(copy) for _ in range(5)]
    readers = [content.chunks(Span(0, copy.size)) for content in contents]
    firsts = [await anext(reader) for reader in readers]
    for first, reader in reversed(list(zip(firsts, readers, strict=True))):
        assert first + b"".join([piece async for piece in reader]) == LARGE.content
    assert len(scene.entries()) == 1
    await scene.settled()


async def test_content_that_does_not_match_its_digest_breaks_off_and_is_not_kept(scene: Scene) -> None:
    for piece in (LARGE, SMALL):
        wrong = bytearray(piece.content)
        wrong[1000] ^= 1
        copy = scene.store.hold(piece, bytes(wrong))
        content = await scene.reader.open(copy)
        got: list[bytes] = []
        with pytest.raises(ContentCorrupt):
            [got.append(part) async for part in content.chunks(Span(0, copy.size))]  # type: ignore[func-returns-value]
        assert sum(map(len, got)) < copy.size
        await scene.settled()
        with pytest.raises(ContentCorrupt):
            await content.read()
        content.close()
        await scene.settled()
    assert scene.entries() == []


@pytest.mark.parametrize("byte", [0, CHUNK - 1, CHUNK, LARGE.size - 1, LARGE.size, length_of(LARGE.size) - 1])
async def test_a_bit_that_flipped_is_noticed_and_the_blob_read_again(scene: Scene, byte: int) -> None:
    copy = scene.store.hold(LARGE)
    await scene.read(copy)
    (file,) = scene.entries()
    wrong = bytearray(file.read_bytes())
    wrong[byte] ^= 0x10
    file.write_bytes(wrong)
    assert await scene.read(copy) == LARGE.content
    assert scene.counts[Outcome.DAMAGED] == 1
    assert scene.entries() == []
    assert await scene.read(copy) == LARGE.content
    assert await scene.read(copy) == LARGE.content
    assert scene.counts == {Outcome.STORE: 2, Outcome.KEPT: 2, Outcome.DAMAGED: 1}
    scene.check()


async def test_any_bit_anywhere_is_noticed(scene: Scene) -> None:
    piece = blob("small", 2_000)
    copy = scene.store.hold(piece)
    choose = random.Random(3)
    for _ in range(100):
        await scene.read(copy)
        (file,) = scene.entries()
        wrong = bytearray(file.read_bytes())
        wrong[choose.randrange(len(wrong))] ^= 1 << choose.randrange(8)
        file.write_bytes(wrong)
        assert await scene.read(copy) == piece.content
        assert scene.entries() == []
    assert scene.counts[Outcome.DAMAGED] == 100


def _shorter(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def _longer(file: Path) -> None:
    with file.open("ab") as end:
        end.write(b"x")


def _zeros(file: Path) -> None:
    """As after a power cut, when the length was written and the bytes were not."""
    file.write_bytes(bytes(file.stat().st_size))


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("damage", [_shorter, _longer, _zeros, _folder, Path.unlink])
async def test_a_file_that_is_not_what_was_written_is_not_used(scene: Scene, damage: Callable[[Path], None]) -> None:
    copy = scene.store.hold(LARGE)
    await scene.read(copy)
    damage(scene.entries()[0])
    assert await scene.read(copy) == LARGE.content
    assert scene.store.opened == 2


async def test_a_file_that_is_cut_while_it_is_read_goes_on_from_the_store(scene: Scene) -> None:
    piece = blob("long", 10 * CHUNK)
    copy = scene.store.hold(piece)
    await scene.read(copy)
    content = await scene.reader.open(copy)
    chunks = content.chunks(Span(0, copy.size))
    first = await anext(chunks)
    os.truncate(scene.entries()[0], 5 * CHUNK)
    assert first + b"".join([part async for part in chunks]) == piece.content
    content.close()
    assert scene.counts[Outcome.DAMAGED] == 1


async def test_what_was_not_used_for_longest_goes_first(scene: Scene) -> None:
    copies = [scene.store.hold(blob(f"blob {number}", 2_200_000)) for number in range(8)]
    for hour, copy in enumerate(copies[:7]):
        before = scene.entries()
        await scene.read(copy)
        (entry,) = set(scene.entries()) - set(before)
        os.utime(entry, (hour * 3600, hour * 3600))
    assert len(scene.entries()) == 7
    await scene.read(copies[0])  # used again
    await scene.read(copies[7])
    assert scene.counted() <= LIMIT
    scene.check()
    names = [path.name for path in scene.entries()]
    assert [any(name.startswith(copy.key.digest.hex) for name in names) for copy in copies] == [
        *(True, False, False, True),
        *(True, True, True, True),
    ]


async def test_an_entry_that_is_being_read_may_go(scene: Scene) -> None:
    copy = scene.store.hold(LARGE)
    await scene.read(copy)
    content = await scene.reader.open(copy)
    for number in range(12):
        await scene.read(scene.store.hold(blob(f"blob {number}", 3_000_000)))
    assert not any(path.name.startswith(copy.key.digest.hex) for path in scene.entries())
    assert b"".join([piece async for piece in content.chunks(Span(0, copy.size))]) == LARGE.content
    content.close()


async def test_a_blob_that_would_push_out_too_much_is_not_kept(scene: Scene) -> None:
    copy = scene.store.hold(blob("huge", LIMIT // 4))
    assert await scene.read(copy) == blob("huge", LIMIT // 4).content
    assert scene.entries() == []
    assert scene.counts == {}


def test_leftovers_of_killed_processes_go_at_the_start_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    for name in ("dead", "alive"):
        (tmp_path / "parts" / name).write_bytes(bytes(1000))
    (tmp_path / "room").write_bytes((2000).to_bytes(8, "little"))
    with (tmp_path / "parts" / "alive").open() as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        scene.folder.prepare()
        assert [path.name for path in scene.parts()] == ["alive"]
        assert scene.counted() == 1000
    scene.folder.prepare()
    assert scene.parts() == []
    scene.check()


async def test_a_smaller_limit_and_a_lost_count_are_put_right_at_the_start(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    for number in range(6):
        await scene.read(scene.store.hold(blob(f"blob {number}", 2_000_000)))
    Scene(tmp_path, LIMIT // 2).check()
    assert 0 < len(scene.entries()) < 4
    for content in (b"", b"rot", bytes(8)):
        (tmp_path / "room").write_bytes(content)
        scene.folder.prepare()
        if len(content) != 8:
            scene.check()


async def test_a_cache_that_somebody_cleared_away_is_made_anew(scene: Scene) -> None:
    copy = scene.store.hold(LARGE)
    await scene.read(copy)
    shutil.rmtree(scene.root)
    for _ in range(2):
        assert await scene.read(copy) == LARGE.content
    assert scene.store.opened == 2
    scene.check()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(CacheRefused, match=r"cannot be used: .*; put that right, or set blobs.cache_bytes to 0"):
        CacheFolder(tmp_path / "cache", LIMIT).prepare()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    programs = need("mount", "umount")
    place = tmp_path / "disk"
    place.mkdir()
    command = [programs["mount"], "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        lack("a disk cannot be mounted here")
    yield place
    subprocess.run([programs["umount"], "-l", str(place)], check=True)


@pytest.mark.slow
async def test_on_a_full_disk_blobs_come_from_the_store(disk: Path) -> None:
    scene = Scene(disk / "cache")
    copies = [scene.store.hold(blob(f"blob {number}", 1_500_000)) for number in range(4)]
    for copy in copies:
        assert await scene.read(copy) == scene.store.pieces[copy.key]
    assert len(scene.entries()) == 2
    assert scene.counts == {Outcome.STORE: 4, Outcome.FAILED: 1}  # and then it is left alone
    await scene.settled()
    assert await scene.read(copies[0]) == scene.store.pieces[copies[0].key]
    assert scene.counts[Outcome.KEPT] == 1


@pytest.mark.slow
def test_processes_that_share_it_and_are_killed_stay_within_the_bound(tmp_path: Path) -> None:
    """Four processes fill and read; one after the other is killed and replaced, and nothing wrong comes out."""
    scene = Scene(tmp_path)
    choose = random.Random(5)

    def begin(seed: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.unit.readcache.filler", str(tmp_path), str(seed)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    running = [begin(seed) for seed in range(4)]
    try:
        for seed in range(4, 16):
            victim = running.pop(choose.randrange(4))
            assert victim.stdout is not None
            for _ in range(choose.randrange(1, 40)):
                assert victim.stdout.readline() == b"read\n"
            used = sum(path.stat().st_size for path in [*scene.entries(), *scene.parts()] if path.exists())
            assert used <= LIMIT
            victim.kill()
            assert b"Error" not in victim.communicate()[1]
            running.append(begin(seed))
    finally:
        for process in running:
            process.kill()
            process.communicate()
    scene.folder.prepare()
    assert scene.parts() == []
    assert sum(path.stat().st_size for path in scene.entries()) <= scene.counted() <= LIMIT
