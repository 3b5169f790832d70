"""Backups that are encrypted: the same port, on a folder; age opens what lies there, and no stranger does."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from orlop.adapters.backups import age
from orlop.adapters.backups.sealed import sealed
from orlop.adapters.filesystem.backups import BackupFolder
from orlop.config import ConfigurationInvalid
from orlop.domain.backup import Sealing, backup_key, blob_key, chunk_key
from orlop.domain.digest import digest_of
from orlop.domain.errors import ContentCorrupt, Denied
from orlop.ports.backup import BackupTarget, StoredKey
from tests.contract.backups import BackupTargetKit, pieces, whole
from tests.needs import need

MINE, THEIRS = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
FOR_ME = Sealing(recipients=(str(MINE.to_public()),), identity=str(MINE))
ONE = b"one chunk"
BACKUP = backup_key("20261130T120000Z-0123456789abcdef")


class TestSealedFolder(BackupTargetKit):
    """The kit of every place, but for sizes, some hundred bytes of which are random."""

    exact = False

    @pytest.fixture
    def target(self, tmp_path: Path) -> BackupTarget:
        return asyncio.run(sealed(BackupFolder(tmp_path), FOR_ME, writing=True))

    @pytest.fixture
    def again(self, tmp_path: Path) -> Callable[[], BackupTarget]:
        return lambda: BackupFolder(tmp_path)


async def fill(folder: Path, sealing: Sealing) -> None:
    target = await sealed(BackupFolder(folder), sealing, writing=True)
    async with target.occupied():
        await target.write(chunk_key(digest_of(ONE)), pieces(ONE), len(ONE))
        await target.write(BACKUP, pieces(b"{}"), 2)
        await target.settle()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.age") if path.is_file()]


def run(command: list[str], given: bytes = b"") -> bytes:
    return subprocess.run(command, input=given, capture_output=True, check=True, timeout=30).stdout


async def test_nothing_of_it_lies_there_in_clear(tmp_path: Path) -> None:
    await fill(tmp_path, FOR_ME)
    assert len(files(tmp_path)) == 2
    for file in files(tmp_path):
        assert file.read_bytes().startswith(b"age-encryption.org/v1\n")
        assert ONE not in file.read_bytes()


async def test_the_program_age_opens_it_without_orlop(tmp_path: Path) -> None:
    program = need("age")["age"]
    await fill(tmp_path / "backups", FOR_ME)
    key = tmp_path / "key.txt"
    key.write_text(f"# made for a test\n{MINE}\n")
    (chunk,) = (tmp_path / "backups/chunks").rglob("*.age")
    assert await asyncio.to_thread(run, [program, "-d", "-i", str(key), str(chunk)]) == ONE


async def test_what_the_program_age_wrote_is_read(tmp_path: Path) -> None:
    program = need("age")["age"]
    await fill(tmp_path, FOR_ME)
    (chunk,) = (tmp_path / "chunks").rglob("*.age")
    large = os.urandom(3_000_000)
    chunk.write_bytes(await asyncio.to_thread(run, [program, "-r", str(MINE.to_public())], large))
    target = await sealed(BackupFolder(tmp_path), FOR_ME, writing=False)
    assert await whole(target, chunk_key(digest_of(ONE))) == large


async def test_a_strangers_key_opens_nothing(tmp_path: Path) -> None:
    await fill(tmp_path, FOR_ME)
    target = await sealed(BackupFolder(tmp_path), Sealing(identity=str(THEIRS)), writing=False)
    with pytest.raises(Denied, match="encrypted for somebody else"):
        await whole(target, BACKUP)


async def test_who_names_no_key_is_told_for_whom_it_is(tmp_path: Path) -> None:
    await fill(tmp_path, FOR_ME)
    with pytest.raises(Denied, match=f"for {MINE.to_public()}: name --identity"):
        await sealed(BackupFolder(tmp_path), Sealing(), writing=False)
    with pytest.raises(Denied, match="--encrypt-to"):
        await sealed(BackupFolder(tmp_path), Sealing(), writing=True)


async def test_whoever_only_writes_needs_no_secret(tmp_path: Path) -> None:
    await fill(tmp_path, FOR_ME)
    target = await sealed(BackupFolder(tmp_path), Sealing(recipients=FOR_ME.recipients), writing=True)
    layer = bytes(5_000_000)
    async with target.occupied():
        await target.write(blob_key(digest_of(layer)), pieces(layer), len(layer))
        assert await target.present([StoredKey(blob_key(digest_of(layer)), len(layer))])
        with pytest.raises(Denied, match="name --identity"):
            await whole(target, BACKUP)


async def test_all_of_a_place_is_for_the_same(tmp_path: Path) -> None:
    await fill(tmp_path, FOR_ME)
    with pytest.raises(Denied, match="name the same, or another place"):
        await sealed(BackupFolder(tmp_path), Sealing(recipients=(str(THEIRS.to_public()),)), writing=True)


async def test_what_lies_there_in_clear_stays_so(tmp_path: Path) -> None:
    plain = BackupFolder(tmp_path)
    async with plain.occupied():
        await plain.write(BACKUP, pieces(b"{}"), 2)
    with pytest.raises(Denied, match="not encrypted"):
        await sealed(BackupFolder(tmp_path), FOR_ME, writing=True)


async def test_several_read_what_is_for_all_of_them(tmp_path: Path) -> None:
    both = tuple(str(one.to_public()) for one in (MINE, THEIRS))
    await fill(tmp_path, Sealing(recipients=both))
    for identity in (MINE, THEIRS):
        target = await sealed(BackupFolder(tmp_path), Sealing(identity=str(identity)), writing=False)
        assert await whole(target, BACKUP) == b"{}"


async def test_a_passphrase_opens_what_it_encrypted(tmp_path: Path) -> None:
    await fill(tmp_path, Sealing(passphrase="a phrase"))
    target = await sealed(BackupFolder(tmp_path), Sealing(passphrase="a phrase"), writing=False)
    assert await whole(target, BACKUP) == b"{}"
    with pytest.raises(Denied, match="not the passphrase"):
        await sealed(BackupFolder(tmp_path), Sealing(passphrase="another"), writing=False)
    with pytest.raises(Denied, match="--passphrase-file"):
        await sealed(BackupFolder(tmp_path), Sealing(), writing=False)


async def test_a_marker_that_names_a_stranger_encrypts_nothing_for_them(tmp_path: Path) -> None:
    await fill(tmp_path, Sealing(passphrase="a phrase"))
    stranger = tmp_path.with_name("stranger")
    await fill(stranger, Sealing(recipients=(str(THEIRS.to_public()),)))
    marker = (tmp_path / "backups/sealed.json").read_text()
    recipient = marker.split('"age1')[1].split('"')[0]
    (tmp_path / "backups/sealed.json").write_text(marker.replace(f"age1{recipient}", str(THEIRS.to_public())))
    with pytest.raises(ContentCorrupt, match="names somebody"):
        await sealed(BackupFolder(tmp_path), Sealing(passphrase="a phrase"), writing=True)


@pytest.mark.parametrize("where", [0, 40, 150, 400, -1])
async def test_a_flipped_bit_is_told(tmp_path: Path, where: int) -> None:
    layer = os.urandom(200_000)
    target = await sealed(BackupFolder(tmp_path), FOR_ME, writing=True)
    async with target.occupied():
        await target.write(blob_key(digest_of(layer)), pieces(layer), len(layer))
        await target.settle()
    (file,) = (tmp_path / "blobs").rglob("*.age")
    content = bytearray(file.read_bytes())
    content[where] ^= 1
    file.write_bytes(content)
    with pytest.raises(ContentCorrupt):
        await whole(target, blob_key(digest_of(layer)))


async def test_who_stops_reading_leaves_no_thread_behind(tmp_path: Path) -> None:
    layer = os.urandom(8_000_000)
    target = await sealed(BackupFolder(tmp_path), FOR_ME, writing=True)
    async with target.occupied():
        await target.write(blob_key(digest_of(layer)), pieces(layer), len(layer))
        await target.settle()
    for _ in range(60):  # more than there are threads
        stream = target.read(blob_key(digest_of(layer)))
        assert len(await anext(stream)) > 0
        await stream.aclose()
    assert await whole(target, blob_key(digest_of(layer))) == layer


@pytest.mark.parametrize("text", ["", "age1", "AGE-SECRET-KEY-1", "# only a comment"])
def test_what_is_no_key_is_said(text: str) -> None:
    with pytest.raises(ConfigurationInvalid):
        age.parse_identities(text)
    with pytest.raises(ConfigurationInvalid):
        age.parse_recipient(text)


@pytest.mark.parametrize("plain", [0, 1, 65_535, 65_536, 65_537, 1_000_000])
def test_sizes_are_told_apart_as_far_as_they_can_be(plain: int) -> None:
    public = [MINE.to_public(), THEIRS.to_public()]
    for number in (1, 2):
        for _ in range(20):
            stored = len(pyrage.encrypt(bytes(plain), public[:number]))
            assert age.fits(stored, plain, number)
            assert stored <= age.most(plain, number)
            assert not age.fits(stored, plain + 5_000, number)
            assert abs(age.roughly(stored) - plain) < 600
