"""How backups are named, written, read and chosen (domain.backup)."""

import msgspec
import pytest

from orlop.domain.backup import (
    FORMAT,
    Backup,
    BackupFile,
    ListedBlob,
    NamedBackup,
    backup_key,
    chosen,
    listed_blob,
    name_of,
    outlived,
    read,
    written,
)
from orlop.domain.digest import digest_of
from orlop.domain.errors import ContentCorrupt, DigestInvalid, NotFound

CHUNK = str(digest_of(b"chunk"))
STAMP = "20261130T120000Z"


def backup(at: int = 5, **more: object) -> Backup:
    files = (BackupFile("catalog.sqlite", 5, (CHUNK,)),)
    return msgspec.structs.replace(Backup(FORMAT, at, at + 1, "0.1.0", "sqlite", 52, 1, 9, files), **more)


def aged(*times: int) -> list[NamedBackup]:
    return [NamedBackup(f"at-{at}", backup(at)) for at in times]


def test_it_is_read_as_it_was_written() -> None:
    name, content = written(backup(), STAMP)
    assert name.startswith(f"{STAMP}-")
    assert read(name, content) == backup()
    assert read(name, content).file("catalog.sqlite").digests() == (CHUNK,)
    assert name_of(backup_key(name)) == name


def test_every_flipped_bit_is_noticed() -> None:
    name, content = written(backup(), STAMP)
    for place in range(len(content)):
        with pytest.raises(ContentCorrupt):
            read(name, content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 100_000, b'{"format": "1"}', b"\xff", b'{"format": 1}'])
def test_what_is_no_backup_is_refused(body: bytes) -> None:
    with pytest.raises(ContentCorrupt):
        read(f"{STAMP}-{digest_of(body).hex[:16]}", body)


def test_a_newer_format_is_refused_by_its_number() -> None:
    name, content = written(backup(format=FORMAT + 1), STAMP)
    with pytest.raises(ContentCorrupt, match=f"has format {FORMAT + 1}, and this program knows {FORMAT}"):
        read(name, content)


@pytest.mark.parametrize("chunk", ["", "sha256:12", "../../etc/passwd", f"md5:{'0' * 32}"])
def test_a_chunk_that_is_no_digest_is_refused(chunk: str) -> None:
    name, content = written(backup(files=(BackupFile("blobs.list", 1, (chunk,)),)), STAMP)
    with pytest.raises(DigestInvalid):
        read(name, content)


@pytest.mark.parametrize(
    "key",
    [
        "backups/../x.json",
        f"backups/{STAMP}.json",
        f"backups/{STAMP}-0123456789ABCDEF.json",
        f"backups/x/{STAMP}-0123456789abcdef.json",
        f"blobs/{STAMP}-0123456789abcdef.json",
    ],
)
def test_what_is_named_like_no_backup_is_none(key: str) -> None:
    assert name_of(key) is None


def test_a_line_of_the_list_is_read_as_it_was_written() -> None:
    blob = ListedBlob(digest_of(b"layer"), 5, "0" * 32)
    assert listed_blob(blob.line().rstrip(b"\n")) == blob


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"sha256:12\t5\t" + b"0" * 32,
        CHUNK.encode() + b"\t-5\t" + b"0" * 32,
        CHUNK.encode() + b"\t5\t../x",
        CHUNK.encode() + b"\t5\t" + b"0" * 32 + b"\tmore",
        b"\xff" * 9,
    ],
)
def test_a_line_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises((ContentCorrupt, DigestInvalid)):
        listed_blob(line)


def test_the_newest_from_before_a_time_is_chosen() -> None:
    backups = aged(30, 10, 20)
    assert chosen(backups).name == "at-30"
    assert chosen(backups, at=29).name == "at-20"
    assert chosen(backups, at=20).name == "at-20"
    assert chosen(backups, "at-10").name == "at-10"
    for refused in ({"at": 9}, {"name": "at-11"}):
        with pytest.raises(NotFound):
            chosen(backups, **refused)
    with pytest.raises(NotFound):
        chosen([])


def test_the_oldest_go() -> None:
    assert [one.name for one in outlived(aged(30, 10, 20), 1)] == ["at-10", "at-20"]
    assert outlived(aged(30, 10), 2) == ()
    assert outlived(aged(30, 10), 9) == ()
