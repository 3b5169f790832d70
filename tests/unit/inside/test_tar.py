"""The members of tar archives: as tarfile and GNU tar write them, and as nobody should."""

import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.adapters.inside.bounds import Beyond, Bounds, Damaged
from orlop.adapters.inside.paths import normal, shown, target
from orlop.adapters.inside.sparse import expanded
from orlop.adapters.inside.tar import Kind
from tests.needs import need
from tests.unit.inside.streams import END, entry, files, header, members, padded, pax, record, tarred

_KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.FOLDER,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARD_LINK,
    tarfile.FIFOTYPE: Kind.OTHER,
}
_NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=300)
_ENTRIES = st.lists(
    st.tuples(
        _NAMES,
        st.sampled_from(sorted(_KINDS)),
        _NAMES,
        st.binary(max_size=1500),
        st.integers(0, 0o7777),
        st.integers(0, 2**40),
    ),
    max_size=6,
)


@pytest.mark.parametrize("written_as", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@settings(max_examples=60, deadline=None)
@given(entries=_ENTRIES)
def test_it_reads_what_tarfile_writes(written_as: int, entries: list[tuple[str, bytes, str, bytes, int, int]]) -> None:
    written = []
    for name, kind, link, content, mode, mtime in entries:
        is_link = kind in {tarfile.SYMTYPE, tarfile.LNKTYPE}
        content = content if kind == tarfile.REGTYPE else b""
        made = entry(name, content, type=kind, linkname=link if is_link else "", mode=mode, mtime=mtime, uid=mtime)
        try:
            made[0].tobuf(written_as)
        except ValueError:  # ustar has no room for it
            continue
        written.append(made)
    archive = tarred(*written, written_as=written_as)
    read = members(archive)
    assert [member.kind for member, _ in read] == [_KINDS[info.type] for info, _ in written]
    assert [(member.mode, member.size, content) for member, content in read] == [
        (info.mode, len(content), content) for info, content in written
    ]
    names = [(info.name + "/" * (info.isdir() and not info.name.endswith("/"))).encode() for info, _ in written]
    if written_as == tarfile.USTAR_FORMAT:  # its prefix takes one of several slashes
        assert [normal(member.name) for member, _ in read] == list(map(normal, names))
    else:
        assert [member.name.rstrip(b"/") for member, _ in read] == [name.rstrip(b"/") for name in names]
    assert [member.link for member, _ in read] == [info.linkname.encode() for info, _ in written]


@pytest.mark.parametrize("form", ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix"])
def test_sparse_files_of_gnu_tar(tmp_path: Path, form: str) -> None:
    """More pieces than one header of the old form has, with data at the end and without."""
    gnu = need("tar")["tar"]
    for name, last in (("data", b"end"), ("hole", b"")):
        with (tmp_path / name).open("wb") as file:
            for number in range(60):
                file.seek(number * 65_536)
                file.write(b"%d" % number * 3000)
            file.seek(80 * 65_536)
            file.write(last)
            file.truncate(80 * 65_536 + len(last))
    (tmp_path / "plain").write_bytes(b"plain")
    archive = subprocess.run(
        [
            gnu,
            "--sparse",
            f"--format={form.split()[0]}",
            *form.split()[1:],
            "-C",
            tmp_path,
            "-cf-",
            "data",
            "hole",
            "plain",
        ],
        check=True,
        capture_output=True,
    ).stdout
    read = {
        member.name.decode(): content if member.pieces is None else expanded(content, member.pieces, member.size)
        for member, content in members(archive)
    }
    assert len(archive) < 2_000_000
    assert read == {name: (tmp_path / name).read_bytes() for name in ("data", "hole", "plain")}


def test_numbers_in_binary() -> None:
    content = b"x" * 700
    archive = header(b"a", b"\x80" + bytes(9) + (700).to_bytes(2, "big")) + padded(content) + END
    assert [(member.size, content) for member, content in members(archive)] == [(700, content)]


def test_an_old_archive_without_a_prefix() -> None:
    assert members(header(b"a/", kind=b"\0", magic=bytes(8)) + END)[0][0].kind is Kind.FOLDER
    assert members(header(b"a", magic=bytes(8), prefix=b"x") + END)[0][0].name == b"a"


def test_times_of_gnu_are_no_prefix() -> None:
    assert members(header(b"a", magic=b"ustar  \0", prefix=b"14071234567\0") + END)[0][0].name == b"a"
    assert members(header(b"a", magic=b"ustar  \0", prefix=b"x/y") + END)[0][0].name == b"x/y/a"


def test_a_sum_of_bytes_with_a_sign() -> None:
    block = bytearray(header("ä".encode()))
    told = int(block[148:154], 8)
    block[148:156] = b"%06o\0 " % (told - 2 * 256)
    assert members(bytes(block) + END)[0][0].name == "ä".encode()


def test_records_are_for_the_next_member_alone_and_global_ones_for_none() -> None:
    everywhere = record("path", "everywhere")
    archive = (
        header(b"g", b"%o" % len(everywhere), b"g")
        + padded(everywhere)
        + pax(record("path", "far/away"), record("size", "3"))
        + header(b"a", b"0")
        + padded(b"abc")
        + header(b"b")
        + END
    )
    assert [(member.name, content) for member, content in members(archive)] == [(b"far/away", b"abc"), (b"b", b"")]


def test_a_global_header_takes_the_name_that_was_for_a_member() -> None:
    """As archive/tar of Go has it: such a header is a member there."""
    name, none = header(b"L", b"5", b"L") + padded(b"long\0"), header(b"g", b"0", b"g")
    assert [member.name for member, _ in members(name + none + header(b"a") + END)] == [b"a"]
    assert [member.name for member, _ in members(none + name + header(b"a") + END)] == [b"long"]


def test_what_is_not_sparse_has_no_name_of_a_sparse_file() -> None:
    """A version that nobody knows says nothing, and no more does a name alone."""
    name = record("GNU.sparse.name", "other")
    for records in ((name,), (name, record("GNU.sparse.major", "2")), (name, record("GNU.sparse.minor", "7"))):
        [(member, content)] = members(pax(*records) + header(b"a", b"3") + padded(b"abc") + END)
        assert (member.name, member.pieces, content) == (b"a", None, b"abc")


def test_a_link_has_no_content_whatever_its_size_says() -> None:
    archive = header(b"a", b"1000", b"2", link=b"to") + header(b"b") + END
    assert [member.name for member, _ in members(archive)] == [b"a", b"b"]


def test_what_follows_on_the_end_is_not_read() -> None:
    assert [member.name for member, _ in members(files({"a": b""}) + b"garbage" + files({"b": b""}))] == [b"a"]


def test_an_archive_may_lack_its_end() -> None:
    assert [content for _, content in members(header(b"a", b"3") + padded(b"abc"))] == [b"abc"]
    assert members(b"") == []


@pytest.mark.parametrize(
    "archive",
    [
        b"x",
        b"x" * 512,
        bytes(512) + b"x" * 512,
        header(b"a", b"3"),
        header(b"a", b"1000") + b"short",
        header(b"a", b"777777777777") + bytes(2048),
        header(b"a", b"\xff" * 12) + END,
        header(b"a", b"\x80" + b"\x7f" * 11) + END,
        header(b"a", b"0o17") + END,
        header(b"a", b"1_0") + END,
        header(b"a", b"9") + END,
        header(b"a")[:300],
        pax(record("size", "-1")) + header() + END,
        pax(record("size", "9" * 40)) + header() + END,
        pax(record("path", "a\0b")) + header() + END,
        pax(b"5 a=b\n") + header() + END,
        pax(b"99 a=b\n") + header() + END,
        pax(b"x a=b\n") + header() + END,
        pax(b"0 a=b\n") + header() + END,
        pax(record("GNU.sparse.numbytes", "1")) + header() + END,
        pax(record("GNU.sparse.size", "1"), record("GNU.sparse.map", "0,1,2")) + header() + END,
        pax(record("GNU.sparse.major", "1"), record("GNU.sparse.minor", "0")) + header() + END,
        pax(record("GNU.sparse.major", "1"), record("GNU.sparse.minor", "0"), record("GNU.sparse.realsize", "1"))
        + header(size=b"1000")
        + b"x" * 512
        + END,
    ],
)
def test_damage_is_told(archive: bytes) -> None:
    with pytest.raises(Damaged):
        members(archive)


def test_any_damaged_byte_is_told_or_harmless() -> None:
    archive = tarred(entry("a" * 150, b"abc"), entry("b", b"x" * 600), written_as=tarfile.GNU_FORMAT)[:4096]
    for place in range(len(archive)):
        damaged = archive[:place] + bytes((archive[place] ^ 0x41,)) + archive[place + 1 :]
        with suppress(Damaged):
            members(damaged)


def test_members_are_bounded() -> None:
    archive = files({str(number): b"" for number in range(12)})
    assert len(members(archive, Bounds(members=12))) == 12
    with pytest.raises(Beyond, match="more than the 11 members"):
        members(archive, Bounds(members=11))


def test_headers_that_say_more_are_bounded() -> None:
    """Also those that follow one another without end."""
    with pytest.raises(Beyond, match="header"):
        members(header(kind=b"L", size=b"%o" % 3_000_000) + bytes(3_000_320) + END)
    with pytest.raises(Beyond, match="members"):
        members(pax(record("a", "b")) * 30, Bounds(members=20))


def test_pieces_of_sparse_files_are_bounded() -> None:
    bounds = Bounds(pieces=50)
    many = pax(record("GNU.sparse.size", "9"), record("GNU.sparse.map", ",".join("0" * 200))) + header() + END
    old = header(kind=b"S", magic=b"ustar  \0", more=b"\1") + (b"0" * 504 + b"\1" + bytes(7)) * 10
    text = (
        pax(record("GNU.sparse.major", "1"), record("GNU.sparse.minor", "0"), record("GNU.sparse.realsize", "1"))
        + header(size=b"1000")
        + padded(b"1000\n")
    )
    pairs = pax(*(record(f"GNU.sparse.{each}", "1") for _ in range(60) for each in ("offset", "numbytes"))) + header()
    for archive in (many, old, text, pairs):
        with pytest.raises(Beyond, match="pieces"):
            members(archive, bounds)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"a/b", b"a/b"),
        (b"./a/b", b"a/b"),
        (b"/etc//passwd", b"etc/passwd"),
        (b"a/../b", b"b"),
        (b"../../a", b"a"),
        (b"a/./b/", b"a/b"),
        (b"a/", b"a"),
        (b".", b""),
        (b"/", b""),
        (b"..", b""),
        (b"a/.b/..c", b"a/.b/..c"),
        (b"./.wh.a", b".wh.a"),
    ],
)
def test_paths(name: bytes, path: bytes) -> None:
    assert normal(name) == path
    assert normal(path) == path


def test_links_and_names_that_are_no_text() -> None:
    assert target(b"var/lib/a", b"../../opt/a") == b"opt/a"
    assert target(b"var/lib/a", b"/opt/a") == b"opt/a"
    assert shown(b"a\xff") == "a\\xff" != shown(b"a\xfe")
