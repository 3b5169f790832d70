"""What a layer says: what readers find in it, what it removes, and names; of a later member what it hides."""

import hashlib
import os
import tarfile

import msgspec
import pytest

from orlop.adapters.inside.bounds import Bounds
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found, LayerFacts
from tests.unit.inside.streams import (
    END,
    entry,
    facts,
    files,
    folder,
    hard_link,
    header,
    listed,
    pax,
    record,
    symlink,
    tarred,
    text_reader,
)

LIST = text_reader()


def read(content: bytes, bounds: Bounds | None = None, *readers: Reader) -> LayerFacts:
    return facts(content, bounds, readers or (LIST,))


def hashed(*paths: str) -> bytes:
    return b"".join(sorted(hashlib.sha256(path.encode()).digest()[:6] for path in paths))


def test_it_says_what_files_list_and_how_all_are_called() -> None:
    told = read(tarred(folder("a"), entry("./a/b.list", b"x y"), entry("/c", b"z"), symlink("d", "c")))
    assert listed(told) == {"a/b.list": ("x", "y")}
    assert told.names == hashed("a/b.list", "c", "d")
    assert (told.files, told.unread) == (3, "")


def test_whiteouts_and_opaque_folders() -> None:
    """image-spec, layer.md: a whiteout hides nothing of its own layer, and is no file."""
    told = read(files({"a/.wh.b": b"", ".wh.c": b"", "d/.wh..wh..opq": b"", ".wh..wh..opq": b"", "a/b": b""}))
    assert told.removed == ("a/b", "c")
    assert told.emptied == ("d", "")
    assert told.names == hashed("a/b")


def test_what_aufs_kept_for_itself_removes_nothing() -> None:
    told = read(files({".wh..wh.plnk/1.2": b"", ".wh..wh.aufs": b"", "a/.wh.": b""}))
    assert (told.removed, told.emptied) == ((), ())


def test_a_later_member_is_in_the_place_of_the_one_before() -> None:
    told = read(tarred(entry("a.list", b"x"), entry("./a.list", b"y")))
    assert listed(told) == {"a.list": ("y",)}
    assert told.files == 1
    assert not read(tarred(entry("a.list", b"x"), folder("a.list"))).found
    assert not read(tarred(entry("a.list", b"x"), symlink("a.list", "b.list"))).found


def test_a_file_in_the_place_of_a_folder() -> None:
    told = read(tarred(entry("a/b/c.list", b"x"), entry("ab/c.list", b"y"), entry("a", b"")))
    assert listed(told) == {"ab/c.list": ("y",)}


def test_a_hard_link_is_the_same_file() -> None:
    told = read(tarred(entry("a.list", b"x"), hard_link("./b/c.list", "/a.list"), hard_link("d", "a.list")))
    assert listed(told) == {"a.list": ("x",), "b/c.list": ("x",)}


def test_links_to_what_was_not_read_are_told() -> None:
    told = read(
        tarred(entry("a", b"x"), hard_link("b.list", "a"), symlink("c/d.list", "../a"), symlink("e.list", "b.list"))
    )
    assert {found.path: found.unread for found in told.found} == {
        "b.list": "it is a link to a, which was not read",
        "c/d.list": "it is a link to a, which was not read",
    }


def test_licences_of_packages_whose_folder_is_a_link() -> None:
    told = facts(
        tarred(
            symlink("usr/share/doc/libgcc-s1", "gcc-12-base"),
            entry("usr/share/doc/gcc-12-base/copyright", b"Format: x\nLicense: GPL-3+\n"),
            symlink("usr/share/doc/libstdc++6", "/usr/share/doc/gcc-12-base"),
            symlink("usr/share/doc/a/b", "../gcc-12-base"),
            symlink("usr/share/doc/c", "elsewhere"),
            symlink("usr/share/doc/d", "large"),
            entry("usr/share/doc/large/copyright", bytes(5 << 20)),
        )
    )
    assert [found.licences for found in told.found] == [
        dict.fromkeys(("gcc-12-base", "libgcc-s1", "libstdc++6"), ("GPL-3+",)),
        {},
    ]


def test_links_in_a_circle_and_out_of_the_root() -> None:
    told = read(
        tarred(symlink("a.list", "b.list"), symlink("b.list", "a.list"), symlink("c.list", "../../../../etc/x"))
    )
    assert [found.unread for found in told.found] == ["it is a link to etc/x, which was not read"]


def test_a_file_larger_than_its_reader_takes_is_told() -> None:
    told = read(files({"a.list": b"x" * 1025, "b.list": b"x" * 1024}))
    assert [bool(found.unread) for found in told.found] == [True, False]


def test_the_first_bytes_decide_whether_a_reader_goes_on() -> None:
    seen = []

    def begins(first: bytes) -> bool:
        seen.append(first)
        return first.startswith(b"go")

    picky = Reader(
        name="picky",
        wants=lambda _path, mode, _size: bool(mode & 0o111),
        most=5_000,
        begins=begins,
        read=lambda path, content: Found(path=path, reader=f"{len(content)}"),
    )
    content = tarred(
        *(
            entry(name, text, mode=mode)
            for name, text, mode in [("a", b"go" * 500, 0o755), ("b", b"no", 0o755), ("c", b"go", 0o644)]
        ),
        entry("d", b"go" * 5_000, mode=0o755),
        entry("e", b"no" * 5_000, mode=0o755),
        entry("f", b"", mode=0o700),
        symlink("g", "h"),
    )
    told = read(content, None, picky)
    assert [(found.path, found.reader, bool(found.unread)) for found in told.found] == [
        ("a", "1000", False),
        ("d", "picky", True),
    ]
    assert max(map(len, seen)) == 512


def test_a_larger_file_without_the_mark_of_a_reader_is_none_of_its_kind() -> None:
    """The mark may lie anywhere, also where two pieces meet that are read at once."""
    marked = msgspec.structs.replace(LIST, marks=(b"another", b"magic"))
    for at in (0, 510, 512, 1023, (1 << 20) - 3, (1 << 20) + 509, 2_999_995):
        content = bytes(at) + b"magic" + bytes(3_000_000 - at - 5)
        told = read(files({"a.list": content, "b.list": bytes(3_000_000), "c.list": b"x"}), None, marked)
        assert [(found.path, bool(found.unread)) for found in told.found] == [("a.list", True), ("c.list", False)]


def test_two_readers_of_one_file() -> None:
    told = read(files({"a.list": b"x"}), None, LIST, text_reader("small", most=0), text_reader("again"))
    assert [(found.reader, bool(found.unread)) for found in told.found] == [
        ("list", False),
        ("again", False),
        ("small", True),
    ]


@pytest.mark.parametrize("error", [ValueError, KeyError, IndexError, RecursionError, MemoryError, ZeroDivisionError])
def test_a_reader_that_stumbles_spoils_one_file(error: type[BaseException]) -> None:
    def stumble(_path: str, _content: bytes) -> Found:
        raise error

    told = read(files({"a.list": b"x"}), None, msgspec.structs.replace(LIST, name="clumsy", read=stumble), LIST)
    assert [(found.reader, bool(found.unread)) for found in told.found] == [("clumsy", True), ("list", False)]


def test_sparse_files_are_read_whole() -> None:
    sparse = (record("GNU.sparse.size", "8"), record("GNU.sparse.name", "a.list"), record("GNU.sparse.map", "0,2,6,2"))
    told = read(pax(*sparse) + header(b"GNUSparseFile/a", b"4") + b"x\ny\n" + bytes(508) + END)
    assert [package.name for package in told.found[0].packages] == ["x", "\0\0\0\0y"]


@pytest.mark.parametrize("places", ["0,99", "7,4", "99,1", "0,2,0,99"])
def test_a_sparse_file_that_lies_is_told(places: str) -> None:
    sparse = (record("GNU.sparse.size", "8"), record("GNU.sparse.map", places))
    told = read(pax(*sparse) + header(b"a.list", b"4") + b"x\ny\n" + bytes(508) + END)
    assert (told.unread, told.found[0].unread) == ("", "a sparse file in it is damaged")


def test_a_sparse_file_without_end_is_not_made() -> None:
    sparse = (record("GNU.sparse.size", "9" * 18), record("GNU.sparse.map", "0,1"))
    told = read(pax(*sparse) + header(b"a.list", b"1") + b"x" + bytes(511) + END)
    assert told.found[0].unread.startswith("it is larger")


def test_what_was_found_until_the_end_of_the_reading_is_kept() -> None:
    content = files({"a.list": b"x", "b.list": b"y"})[:1024]
    told = read(content + b"damaged")
    assert (listed(told), told.unread) == ({"a.list": ("x",)}, "it is damaged, or no tar archive")
    told = read(files({"a.list": b"x", "b.list": b"y"}), Bounds(members=1))
    assert (listed(told), told.unread) == ({"a.list": ("x",)}, "it has more than the 1 members that are read")


def test_what_a_layer_says_is_bounded() -> None:
    told = read(files({f"{number}.list": b"x" * 900 for number in range(50)}), Bounds(facts=20_000))
    assert 15 < len(told.found) < 25
    assert told.unread.startswith("what it says takes more")
    told = read(files({f".wh.{'a' * 90}{number}": b"" for number in range(50)}), Bounds(facts=2_000))
    assert (len(told.removed), bool(told.unread)) == (21, True)


def test_names_that_no_system_can_have_are_counted_alone() -> None:
    told = read(tarred(entry("a/" * 3_000 + "b.list", b"x")))
    assert (told.found, told.files, told.unread) == ((), 1, "")


def test_names_that_are_no_text_stay_apart() -> None:
    told = read(header(b"\xff.list") + header(b"\xfe.list") + END)
    assert [found.path for found in told.found] == ["\\xff.list", "\\xfe.list"]
    assert told.names == hashed("\\xff.list", "\\xfe.list")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=LayerFacts) == told


def test_many_members_take_little_time() -> None:
    """A tenth of the bound; each takes some microseconds, and no memory but that of its hash."""
    block = header(b"a/" + b"b" * 60)
    told = read(block * 100_000 + END)
    assert (told.files, told.unread) == (1, "")


def test_devices_and_pipes_are_names() -> None:
    assert read(tarred(entry("a.list", type=tarfile.FIFOTYPE), entry("b", type=tarfile.CHRTYPE))).files == 2


def test_folders_that_nest_and_names_that_lie() -> None:
    deep = b"/".join([b"d"] * 2_000) + b"/a.list"
    told = read(pax(record("path", deep.decode())) + header(b"x", b"1") + b"y" + bytes(511) + END)
    assert [found.path for found in told.found] == [deep.decode()]
    assert not read(os.urandom(4096)).found
