"""Where files are cut: what did not change is cut alike (adapters.sql.backup.cutting)."""

import random
from pathlib import Path

from orlop.adapters.sql.backup.cutting import lines, pages


async def cut(folder: Path, content: bytes) -> list[bytes]:
    file = folder / "file"
    file.write_bytes(content)
    return [chunk async for chunk in lines(file)]


async def test_a_line_more_moves_one_cut(tmp_path: Path) -> None:
    chance = random.Random(54)
    rows = [b"%d\t%s\n" % (number, chance.randbytes(40).hex().encode()) for number in range(40_000)]
    before = await cut(tmp_path, b"".join(rows))
    assert b"".join(before) == b"".join(rows)
    assert len(before) > 20
    rows.insert(20_000, b"20000\tone more\n")
    after = await cut(tmp_path, b"".join(rows))
    assert b"".join(after) == b"".join(rows)
    assert len(set(after) - set(before)) <= 2
    assert all(chunk.endswith(b"\n") and len(chunk) <= 1024 * 1024 for chunk in after)


async def test_a_long_line_is_not_cut(tmp_path: Path) -> None:
    content = b"short\n" + b"x" * 3_000_000 + b"\nshort\n"
    assert await cut(tmp_path, content) == [b"short\n", b"x" * 3_000_000 + b"\n", b"short\n"]


async def test_nothing_has_no_chunk(tmp_path: Path) -> None:
    assert await cut(tmp_path, b"") == []


async def test_a_page_that_changes_changes_one_chunk(tmp_path: Path) -> None:
    file = tmp_path / "file"
    content = random.Random(55).randbytes(1_000_000)
    file.write_bytes(content)
    before = [chunk async for chunk in pages(file)]
    file.write_bytes(content[:500_000] + b"x" + content[500_001:])
    after = [chunk async for chunk in pages(file)]
    assert b"".join(before) == content
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
