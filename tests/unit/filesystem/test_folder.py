"""What becomes a data folder, what is one, and what is refused."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from orlop.adapters.filesystem import FolderRefused, open_data_folder
from orlop.adapters.filesystem.formats import FORMAT
from orlop.domain.blob import Blob, BlobKey
from orlop.domain.digest import digest_of


def test_a_missing_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    folder = open_data_folder(tmp_path / "a" / "b" / "data")
    assert json.loads(Path(folder.root, "orlop.json").read_text()) == {
        "format": FORMAT,
        "store": folder.store,
        "kind": "orlop-data",
    }
    assert sorted(os.listdir(folder.root)) == ["blobs", "catalog", "orlop.json", "uploads"]
    assert sorted(os.listdir(folder.blobs)) == ["sha256", "sha512"]
    assert len(os.listdir(f"{folder.blobs}/sha256")) == 256
    assert folder.catalog == Path(folder.root, "catalog")


def test_it_is_the_same_folder_the_next_time(tmp_path: Path) -> None:
    assert open_data_folder(tmp_path) == open_data_folder(tmp_path, create=False)


def test_a_link_to_the_folder_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "data")
    (tmp_path / "data").mkdir()
    assert open_data_folder(tmp_path / "link") == open_data_folder(tmp_path / "data")


def test_only_the_user_and_the_group_may_look(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = open_data_folder(tmp_path / "data")
    finally:
        os.umask(before)
    for path in (folder.root, folder.blobs, f"{folder.blobs}/sha256/00", folder.uploads):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o750, path
    assert stat.S_IMODE(os.stat(f"{folder.root}/orlop.json").st_mode) == 0o640


@pytest.mark.parametrize("remains", ["orlop.json.new", "lost+found"])
def test_the_remains_of_a_broken_off_creation_and_of_mkfs_count_as_empty(tmp_path: Path, remains: str) -> None:
    (tmp_path / remains).write_text("{")
    assert open_data_folder(tmp_path).root == str(tmp_path)


def test_fixed_folders_that_were_tidied_away_are_made_again(tmp_path: Path) -> None:
    folder = open_data_folder(tmp_path)
    for prefix in ("00", "7f", "ff"):
        Path(folder.blobs, "sha256", prefix).rmdir()
    Path(folder.uploads).rmdir()
    open_data_folder(tmp_path, create=False)
    assert len(os.listdir(f"{folder.blobs}/sha256")) == 256
    assert Path(folder.uploads).is_dir()


def test_two_programs_that_start_at_once_agree_on_the_store(tmp_path: Path) -> None:
    code = (
        "import sys; from orlop.adapters.filesystem import open_data_folder; print(open_data_folder(sys.argv[1]).store)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    programs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({program.communicate(timeout=60)[0] for program in programs}) == 1
    assert all(program.returncode == 0 for program in programs)


def _marker(**changes: object) -> str:
    return json.dumps({"format": FORMAT, "store": "x", "kind": "orlop-data"} | changes)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"readme.txt": ""}, "is not empty and not a data folder of Orlop .it holds 'readme.txt'."),
        ({"orlop.json.new": "", "holiday.jpg": ""}, "it holds 'holiday.jpg'"),
        ({"orlop.json": _marker(format=FORMAT + 1)}, f"has format {FORMAT + 1}, and this program knows {FORMAT}"),
        ({"orlop.json": _marker(format=0)}, "is not that of a data folder of Orlop"),
        ({"orlop.json": _marker(kind="something-else")}, "is not that of a data folder of Orlop"),
        ({"orlop.json": ""}, "is damaged; restore it from a backup"),
        ({"orlop.json": "{"}, "is damaged"),
        ({"orlop.json": "[" * 5000}, "is damaged"),
        ({"orlop.json": "\x00" * 100}, "is damaged"),
        ({"orlop.json": '{"format": "one", "store": "x", "kind": "orlop-data"}'}, "is damaged"),
        ({"orlop.json": '{"format": 1}'}, "is damaged"),
        ({"orlop.json": _marker(), "blobs": "a file"}, "blobs is not a folder of its own"),
    ],
)
def test_refused(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(FolderRefused, match=sentence) as refused:
        open_data_folder(tmp_path)
    assert "\n" not in str(refused.value)
    assert {name: (tmp_path / name).read_text() for name in files} == files


def test_a_marker_of_bytes_that_are_no_text_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "orlop.json").write_bytes(b'{"kind": "\xff\xfe"}')
    with pytest.raises(FolderRefused, match="is damaged"):
        open_data_folder(tmp_path)


@pytest.mark.parametrize("create", [True, False])
def test_a_file_is_no_folder(tmp_path: Path, create: bool) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(FolderRefused, match="is not a folder"):
        open_data_folder(tmp_path / "data", create=create)


@pytest.mark.parametrize("missing", ["data", "."])
def test_nothing_is_made_without_leave(tmp_path: Path, missing: str) -> None:
    with pytest.raises(FolderRefused, match="there is no data folder at"):
        open_data_folder(tmp_path / missing, create=False)
    assert os.listdir(tmp_path) == []


def test_below_a_file_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderRefused, match=r"cannot be used|is not a folder"):
        open_data_folder(tmp_path / "file" / "data")


def test_a_marker_or_a_part_that_is_a_link_is_refused(tmp_path: Path) -> None:
    open_data_folder(tmp_path / "data")
    (tmp_path / "uploads").mkdir()
    Path(tmp_path, "data", "uploads").rmdir()
    Path(tmp_path, "data", "uploads").symlink_to(tmp_path / "uploads")
    with pytest.raises(FolderRefused, match="uploads is not a folder of its own"):
        open_data_folder(tmp_path / "data")
    Path(tmp_path, "data", "orlop.json").rename(tmp_path / "moved.json")
    Path(tmp_path, "data", "orlop.json").symlink_to(tmp_path / "moved.json")
    with pytest.raises(FolderRefused, match="symbolic link"):
        open_data_folder(tmp_path / "data")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_data_folder(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # root may write everywhere but here
    with pytest.raises(FolderRefused, match="not writable"):
        open_data_folder(tmp_path)


def test_a_folder_of_the_first_format_is_brought_up(tmp_path: Path) -> None:
    """There each digest had a folder of its own."""
    folder = open_data_folder(tmp_path / "data")
    contents = [(b"one", "sha256"), (b"two", "sha256"), (b"three", "sha512")]
    blobs = [
        Blob(BlobKey(digest_of(content, algorithm), f"{number:032x}"), len(content))
        for number, (content, algorithm) in enumerate(contents)
    ]
    for blob, (content, _) in zip(blobs, contents, strict=True):
        old = Path(folder.prefix(blob.key.digest), blob.key.digest.hex)
        old.mkdir(parents=True)
        (old / blob.key.copy).write_bytes(content)
    moved_before = Path(folder.prefix(blobs[0].key.digest), blobs[0].key.digest.hex, blobs[0].key.copy)
    moved_before.rename(folder.copy(blobs[0].key))  # a run before was killed here
    foreign = Path(folder.prefix(blobs[1].key.digest), blobs[1].key.digest.hex, "notes.txt")
    foreign.write_text("not ours")
    marker = Path(folder.root, "orlop.json")
    marker.write_text(marker.read_text().replace(f'"format": {FORMAT}', '"format": 1'))

    again = open_data_folder(tmp_path / "data")

    assert again == folder
    assert json.loads(marker.read_text())["format"] == FORMAT
    assert [Path(folder.copy(blob.key)).read_bytes() for blob in blobs] == [content for content, _ in contents]
    left = [path for path in Path(folder.blobs).glob("*/*/*") if path.is_dir()]
    assert left == [foreign.parent]
