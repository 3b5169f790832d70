"""Secrets that Orlop makes are told from everything else, whole or not, without asking anybody."""

import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.identity.secrets import KINDS, looks_like_secret, new_secret, parse_secret
from tests.unit.sign_in.scene import Dice


@pytest.mark.parametrize(("prefix", "kind"), KINDS.items())
def test_a_secret_is_recognised(prefix: str, kind: str) -> None:
    text = new_secret(kind, Dice())
    assert re.fullmatch(rf"{prefix}_[0-9A-Za-z]{{12}}_[0-9A-Za-z]{{32}}_[0-9A-Za-z]{{6}}", text)
    assert looks_like_secret(text)
    parsed = parse_secret(text)
    assert parsed is not None
    assert parsed.kind == kind
    assert parsed.is_hashed_as(parsed.hash)
    assert not parsed.is_hashed_as(parsed.hash[:-1] + ("0" if parsed.hash[-1] != "0" else "1"))
    assert not parsed.is_hashed_as("")


def test_it_holds_190_bits_and_no_two_are_alike() -> None:
    asked: list[int] = []

    def draw(count: int) -> bytes:
        asked.append(count)
        return Dice()(count)

    new_secret("token", draw)
    assert 62**32 > 2**190
    assert max(asked) * 8 >= 190 + 64, "so much more than needed that no digit is likelier than another"
    dice = Dice()
    assert len({new_secret("token", dice) for _ in range(100)}) == 100


def test_a_scanner_can_check_it_by_itself() -> None:
    """As docs/authentication.md describes it."""
    body, _, checksum = new_secret("robot", Dice()).rpartition("_")
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for digit in checksum:
        number = number * 62 + digits.index(digit)
    assert number == zlib.crc32(body.encode())


@given(st.integers(0, 61), st.characters())
def test_a_secret_with_a_typo_is_none(place: int, character: str) -> None:
    text = new_secret("token", Dice())
    place %= len(text)
    changed = text[:place] + character + text[place + 1 :]
    assert (parse_secret(changed) is None) == (changed != text)


@pytest.mark.parametrize(
    "text",
    ["", "orlop_pat_", "orlop_pat", "ghp_abc", "password", "orlop_xyz_" + "a" * 12, "orlop_pat_" + "_" * 60, "é" * 63],
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_secret(text) is None


def test_a_line_end_behind_it_is_no_part_of_it() -> None:
    assert parse_secret(new_secret("token", Dice()) + "\n") is None
