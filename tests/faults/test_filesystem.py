"""The blob store in a folder under kill, power cut and failing calls."""

import asyncio
import errno
import random
import re
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from orlop.adapters.filesystem import FilesystemBlobs, open_data_folder
from orlop.domain.blob import Blob
from orlop.domain.digest import digest_of
from orlop.domain.errors import BlobUploadUnknown, ContentCorrupt
from tests.faults import storing
from tests.faults.power import Recording, recording
from tests.faults.strace import CHANGES, PYTHON, counted, failing, killing, spread
from tests.volume import volume

pytestmark = pytest.mark.slow

KILLS = volume(40, 100_000)
CUTS = volume(80, 500)


def _command(folder: Path) -> list[str]:
    return [PYTHON, "-m", "tests.faults.storing", str(folder)]


def _run(command: list[str]) -> list[tuple[str, int]]:
    """What the program said it did, however it ended."""
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in ran.stderr, ran.stderr
    said = (line.rpartition(" ") for line in ran.stdout.splitlines())
    return [(event, int(number)) for event, _, number in said]


def _check(folder: Path, said: list[tuple[str, int]], *, power_lost: bool = False) -> int:
    """Everything acknowledged holds, everything else is whole or absent, and the store goes on.

    How many copies there are that are not what their names say: only what was never acknowledged, where the power was
    lost, and then nobody whose session outlived that is told that it is stored.
    """
    store = FilesystemBlobs(open_data_folder(folder))
    try:
        return asyncio.run(_check_store(store, said, power_lost=power_lost))
    finally:
        store.close()


async def _check_store(store: FilesystemBlobs, said: list[tuple[str, int]], *, power_lost: bool) -> int:
    reader = store.reader
    torn = [copy async for copy in store.inventory.copies() if not await _is_whole(store, copy.blob)]
    for copy in torn:
        assert power_lost, "there is a copy that is not what its name says"
        assert ("put", int(copy.blob.key.copy, 16)) not in said, "a copy that was acknowledged is torn"
    for number in range(storing.COPIES) if power_lost else ():
        with suppress(BlobUploadUnknown):
            await store.stage.promote(storing.upload(number), storing.blob(number))
            assert await _is_whole(store, storing.blob(number)), "what a power cut tore was taken for a copy"
            if ("removed", number) in said:
                await store.remover.remove(storing.blob(number).key)
    for number in range(storing.COPIES):
        blob = storing.blob(number)
        if ("removed", number) in said:
            with pytest.raises(ContentCorrupt):
                await reader.open(blob)
        elif ("put", number) in said and ("removing", number) not in said:
            (await reader.open(blob)).close()
    async for stage in store.inventory.stages():
        await store.stage.discard(stage.upload)
    number = said[-1][1] if said else 0
    await storing.put(store, number)
    (await reader.open(storing.blob(number))).close()
    await store.remover.remove(storing.blob(number).key)
    await store.inventory.check()
    return len(torn)


async def _is_whole(store: FilesystemBlobs, blob: Blob) -> bool:
    opened = await store.reader.open(blob)
    try:
        return digest_of(await opened.read()) == blob.key.digest
    finally:
        opened.close()


@pytest.fixture(scope="module")
def most(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How often the program makes each call when nothing goes wrong."""
    place = tmp_path_factory.mktemp("counted")
    return counted(_command(place / "data"), CHANGES, place / "trace")


def test_killed_anywhere(most: Counter[str], tmp_path: Path) -> None:
    points = spread(most, KILLS)
    died = 0
    for index, (call, number) in enumerate(points):
        folder = tmp_path / str(index)
        said = _run([*killing(call, number), *_command(folder)])
        died += ("put", storing.COPIES - 1) not in said
        _check(folder, said)
    assert died >= min(KILLS, len(points)) * 3 // 4, "the program survived too many of its kills"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recording, list[tuple[str, int]]]:
    """One run of the program, and what it said. Its lines, numbered, are the marks."""
    place = tmp_path_factory.mktemp("recorded")
    said = _run([*recording(place / "trace"), *_command(place / "data")])
    assert len(said) > 2 * storing.COPIES
    return Recording(place / "trace", place / "data", re.compile(rb"^put ([0-9]+)\n$")), said


def test_power_lost_anywhere(recorded: tuple[Recording, list[tuple[str, int]]], tmp_path: Path) -> None:
    record, said = recorded
    assert set(record.marks) == set(range(storing.COPIES))
    torn = 0
    for seed in range(CUTS):
        choice = random.Random(seed)
        # Every other cut comes right after a rename, when a small copy has its name, and perhaps not yet its bytes.
        cut = choice.choice(record.renames if seed % 2 else record.steps)
        folder = tmp_path / str(seed)
        record.rebuild(cut, choice, folder)
        done = [number for number, step in record.marks.items() if step <= cut]
        until = said.index(("put", max(done))) + 1 if done else 0
        # What came after the last mark may have happened too; a removal may have been begun.
        begun = [entry for entry in said[until : until + 2] if entry[0] in ("putting", "removing")]
        torn += _check(folder, said[:until] + begun, power_lost=True)
    assert torn, "no cut hit between the name of a small copy and its bytes"


FAILURES = [
    ("writev", errno.ENOSPC, "1"),
    ("writev", errno.ENOSPC, "3+"),
    ("writev", errno.EDQUOT, "4"),
    ("writev", errno.EIO, "3"),
    ("fdatasync", errno.EIO, "1"),
    ("fdatasync", errno.ENOSPC, "1+"),
    ("fsync", errno.EIO, "1"),
    ("fsync", errno.EIO, "4"),
    ("fsync", errno.ENOSPC, "5+"),
    ("fsync", errno.EDQUOT, "9"),
    ("rename", errno.ENOSPC, "1"),
    ("rename", errno.EIO, "2"),
    ("openat", errno.ENOSPC, "1+"),
    ("openat", errno.EDQUOT, "3"),
    ("ftruncate", errno.EIO, "1"),
    ("unlink", errno.EIO, "1"),
]

SENTENCE = re.compile(
    r"failed \((storing the upload|storing the blob|deleting the blob|opening the upload) failed: "
    r"(the disk is full|the disk quota is used up|the disk fails); .+\) "
    r"because (OSError|Unavailable|StoreRefusesWrites)"
)


@pytest.mark.parametrize(("call", "error", "when"), FAILURES, ids=lambda value: str(value))
def test_failing_calls(tmp_path: Path, call: str, error: int, when: str) -> None:
    """The folder is made beforehand: here only the store fails, and says so in one sentence, and goes on."""
    folder = tmp_path / "data"
    data = open_data_folder(folder)
    inside = [f"{data.uploads}/{storing.upload(number)}" for number in range(storing.COPIES)]
    for number in range(storing.COPIES):
        key = storing.blob(number).key
        inside += [data.prefix(key.digest), data.copy(key)]
    said = _run([*failing(call, error, when, paths=sorted(set(inside))), *_command(folder)])
    assert said[0] == ("opened", 0)
    assert said[-1][1] == storing.COPIES - 1
    failures = [event for event, _ in said if event.startswith("failed")]
    assert all(SENTENCE.fullmatch(event) for event in failures), failures
    assert failures or call == "ftruncate", "nothing failed"
    _check(folder, said)
