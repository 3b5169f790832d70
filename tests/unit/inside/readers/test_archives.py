"""ZIP archives in memory: read as zipfile reads them, and within bounds whatever they say of themselves."""

import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.adapters.inside.readers.archives import Archive
from tests.packages import jar

_LIMIT = 1024 * 1024


@settings(max_examples=50)
@given(
    st.dictionaries(st.text("abcäß/.", min_size=1, max_size=9), st.binary(max_size=400), max_size=6),
    st.booleans(),
    st.binary(max_size=50),
    st.binary(max_size=50),
)
def test_as_zipfile_reads_them(files: dict[str, bytes], packed: bool, before: bytes, comment: bytes) -> None:
    content = io.BytesIO(before)
    content.seek(0, io.SEEK_END)
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as made:
        for name, held in files.items():
            made.writestr(name, held)
        made.comment = comment.replace(b"PK", b"")
    archive = Archive(content.getvalue())
    assert {member.name: archive.read(member, _LIMIT) for member in archive.members()} == files


def test_sizes_of_64_bits() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made, made.open("a", "w", force_zip64=True) as member:
        member.write(b"held")
    archive = Archive(content.getvalue())
    assert [archive.read(member, _LIMIT) for member in archive.members()] == [b"held"]


def test_bounds_of_one_member() -> None:
    archive = Archive(jar({"a": b"x" * 2000}))
    [member] = archive.members()
    assert len(archive.read(member, 2000)) == 2000
    with pytest.raises(ValueError, match="unpacks to more than the 1 KiB that are read"):
        archive.read(member, 1999)
    archive = Archive(jar({"a": b"x" * 2000}, packed=False))
    [member] = archive.members()
    with pytest.raises(ValueError, match="unpacks to more than the 1 KiB that are read"):
        archive.read(member, 1999)


def test_what_unpacks_to_far_more_than_it_is() -> None:
    archive = Archive(jar({"a": b"\0" * (8 * 1024 * 1024)}))
    [member] = archive.members()
    with pytest.raises(ValueError, match="unpacks to more than the 1593 KiB"):
        archive.read(member, 100 * 1024 * 1024)


def test_lies_are_found_out() -> None:
    """Offsets and sizes behind the end, a method that nobody has, encryption."""
    sound = jar({"a": b"held"}, packed=False)
    entry = sound.index(b"PK\x01\x02")
    for place, form, value in ((20, "<I", 10_000), (42, "<I", 9), (42, "<I", 1 << 31), (10, "<H", 99), (8, "<H", 1)):
        lying = bytearray(sound)
        struct.pack_into(form, lying, entry + place, value)
        archive = Archive(bytes(lying))
        for member in archive.members():
            with pytest.raises(ValueError):
                archive.read(member, _LIMIT)
    end = sound.index(b"PK\x05\x06")
    for place, value in ((12, 1 << 30), (16, 1 << 30), (12, 0xFFFFFFFF)):
        lying = bytearray(sound)
        struct.pack_into("<I", lying, end + place, value)
        with pytest.raises(ValueError):
            list(Archive(bytes(lying)).members())


def test_damage_anywhere_is_no_surprise() -> None:
    sound = jar({"a": b"held" * 9, "b/c": b"more"})
    for place in range(len(sound)):
        for value in (0, 0xFF):
            damaged = sound[:place] + bytes([value]) + sound[place + 1 :]
            try:
                archive = Archive(damaged)
                for member in archive.members():
                    archive.read(member, _LIMIT)
            except ValueError:
                continue
