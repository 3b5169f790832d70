"""Texts out of archives of strangers: whatever is in them, the reader ends in time and gives nothing that does harm."""

import asyncio
import gzip
import io
import os
import tarfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from orlop.adapters.archives import child
from orlop.adapters.archives.reader import EACH, GIVEN, ProcessArchiveReader
from orlop.adapters.archives.turns import FairTurns
from orlop.domain.errors import TooManyRequests, Unavailable
from orlop.ports.archives import ArchiveRefused, FoundText, Packing, WantedText
from tests.packaged import packed

VALUES, README = WantedText("values.yaml", 1), WantedText("readme.md", 1, rendered=True)
WANTED = (VALUES, README)


async def pieces(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(
    content: bytes, packing: Packing = Packing.TAR_GZIP, wanted: tuple[WantedText, ...] = WANTED
) -> dict[str, FoundText]:
    return await ProcessArchiveReader().texts(pieces(content), packing, wanted, "ada")


def member(name: str, size: int = 0, **more: object) -> bytes:
    """The header of a member, true or not."""
    info = tarfile.TarInfo(name)
    info.size = size
    for key, value in more.items():
        setattr(info, key, value)
    return info.tobuf()


async def test_texts_are_found_by_name_and_depth() -> None:
    found = await read(
        packed({"a/values.yaml": "x: 1", "a/sub/values.yaml": "no", "values.yaml": "no", "a/README.MD": "b"})
    )
    assert found == {"values.yaml": FoundText("x: 1"), "readme.md": FoundText("b", html="<p>b</p>\n")}


async def test_of_several_alike_the_first_counts() -> None:
    assert (await read(packed({"a/values.yaml": "1", "b/values.yaml": "2"})))["values.yaml"].text == "1"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"\x1f\x8b",
        gzip.compress(b"x" * 2000),
        packed({"a/values.yaml": "x" * 5000})[:-200],
        gzip.compress(member("a/values.yaml", 10**9) + b"short"),
        gzip.compress(b"\0" * 511),
    ],
    ids=["nothing", "one byte", "a magic number", "no tar", "cut off", "a member cut off", "half a block"],
)
async def test_what_is_no_archive_is_refused_or_has_nothing(content: bytes) -> None:
    found: dict[str, FoundText] = {}
    with suppress(ArchiveRefused):
        found = await read(content)
    assert found == {}


async def test_names_that_lead_elsewhere_and_links_are_passed_over() -> None:
    headers = [
        member("../values.yaml", 4) + b"evil".ljust(512, b"\0"),
        member("a/../../values.yaml", 4) + b"evil".ljust(512, b"\0"),
        member("a/values.yaml", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("b/values.yaml", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        member("c/values.yaml", type=tarfile.CHRTYPE),
        member("./d//values.yaml", 4) + b"good".ljust(512, b"\0"),
    ]
    found = await read(gzip.compress(b"".join(headers) + b"\0" * 1024))
    assert found == {"values.yaml": FoundText("good")}


async def test_nothing_is_written_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await read(packed({"a/values.yaml": "x", f"{tmp_path}/values.yaml": "y"}))
    assert os.listdir(tmp_path) == []


async def test_an_archive_that_unpacks_without_end_is_refused() -> None:
    bomb = gzip.compress(member("a/big", 10**9) + b"\0" * (48 << 20))
    with pytest.raises(ArchiveRefused, match="times its size"):
        await read(bomb)
    dense = b"".join(os.urandom(1024) + b"\0" * 15 * 1024 for _ in range((child.UNPACKED >> 14) + 64))
    with pytest.raises(ArchiveRefused, match="MiB that are read"):
        await read(gzip.compress(member("a/big", 10**9) + dense, 1))


async def test_an_archive_of_too_many_members_is_refused() -> None:
    members = io.BytesIO()
    for number in range(child.MEMBERS + 2):
        members.write(member(f"a/{number}-{os.urandom(12).hex()}"))
    with pytest.raises(ArchiveRefused, match="members"):
        await read(gzip.compress(members.getvalue(), 1))


async def test_a_long_text_is_cut() -> None:
    found = await read(packed({"a/values.yaml": "ä" * child.TEXT}))
    assert (len(found["values.yaml"].text), found["values.yaml"].cut) == (child.TEXT // 2, True)
    plain = await read(b"y" * (child.TEXT + 1), Packing.PLAIN, (WantedText("readme.md", 0),))
    assert plain["readme.md"].cut


async def test_text_that_is_no_utf8_is_shown_as_far_as_it_is() -> None:
    assert (await read(packed({"a/values.yaml": b"a\xff\x00b"})))["values.yaml"].text == "a\N{REPLACEMENT CHARACTER}\0b"


async def test_a_header_that_wants_memory_is_refused() -> None:
    """A PAX header is read as a whole: one that says a gigabyte does not get it."""
    hungry = member("a/pax", 10**9, type=tarfile.XHDTYPE)
    with pytest.raises(ArchiveRefused):
        await read(gzip.compress(hungry + b"\0" * (32 << 20)))


async def test_whoever_gives_nothing_is_not_waited_for() -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"\x1f\x8b"
        await asyncio.sleep(3600)

    with pytest.raises(ArchiveRefused, match="longer than"):
        await ProcessArchiveReader(deadline=0.5).texts(never(), Packing.TAR_GZIP, WANTED, "ada")


async def test_no_more_is_given_than_is_taken() -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while given <= GIVEN * 4:
            given += 1 << 20
            yield os.urandom(1 << 20)

    with pytest.raises(ArchiveRefused):
        await ProcessArchiveReader().texts(endless(), Packing.TAR_GZIP, WANTED, "ada")
    assert given <= GIVEN + (1 << 20)


async def test_only_so_many_wait() -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"\x1f\x8b"
        await asyncio.sleep(3600)

    reader = ProcessArchiveReader(deadline=30)
    waiting = [asyncio.ensure_future(reader.texts(never(), Packing.TAR_GZIP, WANTED, f"{n}")) for n in range(18)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await reader.texts(never(), Packing.TAR_GZIP, WANTED, "ada")
    for each in waiting:
        each.cancel()
    assert all(
        isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*waiting, return_exceptions=True)
    )


async def test_whoever_asks_for_much_shuts_nobody_else_out() -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"\x1f\x8b"
        await asyncio.sleep(3600)

    reader = ProcessArchiveReader(deadline=30)
    waiting = [asyncio.ensure_future(reader.texts(never(), Packing.TAR_GZIP, WANTED, "mallory")) for _ in range(EACH)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyRequests):
        await reader.texts(never(), Packing.TAR_GZIP, WANTED, "mallory")
    packing = pieces(packed({"a/values.yaml": "x: 1"}))
    async with asyncio.timeout(20):
        found = await reader.texts(packing, Packing.TAR_GZIP, WANTED, "ada")
    assert found["values.yaml"].text == "x: 1"
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_turns_go_round_and_none_is_lost() -> None:
    turns, had = FairTurns(1, 16, 4, 5), list[str]()
    going = asyncio.Event()

    async def one(asker: str) -> None:
        async with turns.turn(asker):
            await going.wait()
            had.append(asker)

    tasks = [asyncio.ensure_future(one(asker)) for asker in "aaaabbcc"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    going.set()
    tasks[4].cancel()  # b's first, as a's first has its turn
    await asyncio.gather(*tasks, return_exceptions=True)
    assert "".join(had) == "abcaca"
    async with asyncio.timeout(1), turns.turn("a"):
        pass


async def test_a_process_that_was_cancelled_is_gone() -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"\x1f\x8b"
        await asyncio.sleep(3600)

    task = asyncio.ensure_future(ProcessArchiveReader().texts(never(), Packing.TAR_GZIP, WANTED, "ada"))
    await asyncio.sleep(0.3)
    before = _children()
    assert before
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert _children() == []


def _children() -> list[str]:
    """The processes of readers that this one started."""
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    found = []
    for number in path.read_text().split():
        if b"archives.child" in Path(f"/proc/{number}/cmdline").read_bytes():
            found.append(number)
    return found


@pytest.mark.parametrize("error", [ConnectionResetError, BrokenPipeError])
async def test_a_store_that_fails_is_no_fault_of_the_archive(error: type[Exception]) -> None:
    """That it is damaged would be remembered."""

    async def broken() -> AsyncIterator[bytes]:
        yield packed({"a/values.yaml": "x: 1"})[:20]
        raise error

    with pytest.raises(error):
        await ProcessArchiveReader().texts(broken(), Packing.TAR_GZIP, WANTED, "1")
