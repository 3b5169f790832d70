"""Crates of programs that `cargo auditable` built."""

import zlib

import pytest

from orlop.adapters.inside.readers.rust import read_rust
from tests.packages import crates, elf, listed, macho, pe

LIST = crates(
    {"name": "demo", "version": "0.1.0", "source": "local", "root": True, "dependencies": [1]},
    {"name": "itoa", "version": "1.0.9", "source": "crates.io", "kind": "runtime"},
    {"name": "autocfg", "version": "1.1.0", "source": "crates.io", "kind": "build"},
)
_READ = ["cargo:demo@0.1.0", "cargo:itoa@1.0.9"]


@pytest.mark.parametrize(
    "program",
    [
        elf({".text": b"x", ".dep-v0": LIST}),
        elf({".dep-v0": LIST}, wide=False, big=True),
        pe({".text": (0x60000020, b"x"), ".dep-v0": (0x40000040, LIST)}),
        macho({".dep-v0": LIST}),
    ],
)
def test_every_format(program: bytes) -> None:
    """What only ran to build a program is not in it."""
    assert listed(read_rust("demo", program)) == _READ


def test_a_list_that_is_damaged_or_too_large_is_told() -> None:
    damaged = read_rust("demo", elf({".dep-v0": LIST[:-9]}))
    assert damaged is not None
    assert damaged.unread == "it is damaged, or not of this format"
    bomb = read_rust("demo", elf({".dep-v0": zlib.compress(b" " * (9 * 1024 * 1024))}))
    assert bomb is not None
    assert bomb.unread == "its list of crates is larger than the 8 MiB that are read"
    noise = read_rust("demo", elf({".dep-v0": b"noise"}))
    assert noise is not None
    assert noise.unread == "its list of crates is damaged"


def test_a_program_without_a_list() -> None:
    assert read_rust("demo", elf({".text": b".dep-v0"})) is None
