"""What the readers of packages of languages make of content that wants to harm: little, and that soon."""

import json
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.adapters.inside.readers import harvest
from orlop.adapters.inside.readers.harvest import Harvest, declared
from orlop.adapters.inside.readers.languages import LANGUAGES
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found
from tests.fuzz.packages import SEEDS, read

_NAMES = [reader.name for reader in LANGUAGES]
_BY_NAME = {reader.name: reader for reader in LANGUAGES}


def _soon(reader: Reader, path: str, content: bytes) -> Found | None:
    began = time.process_time()
    found = reader.read(path, content)
    assert time.process_time() - began < 60
    return found


def test_every_reader_has_seeds() -> None:
    assert set(SEEDS) == set(_NAMES)
    assert len(_NAMES) == len(set(_NAMES))


@pytest.mark.parametrize("name", _NAMES)
def test_a_seed_is_wanted_and_read(name: str) -> None:
    reader = _BY_NAME[name]
    for path, content in SEEDS[name]:
        assert reader.wants(path, 0o755, len(content))
        assert reader.begins(content[:512])
        found = reader.read(path, content)
        assert found is not None
        assert found.packages
        assert not found.unread
        assert (found.path, found.reader) == (path, name)


@pytest.mark.parametrize("name", _NAMES)
@settings(max_examples=40)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_anything_is_read_or_not(name: str, content: bytes) -> None:
    read(name, content)


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 2_000_000,
        b'{"packages":' * 300_000,
        b'"' * 2_000_000,
        b"\\" * 500_000 + b'"\\"' * 500_000,
        b'  s.licenses = "' + b'\\"' * 2_000_000,
        (b"s.licenses = " + b'"\\' * 4_000 + b"\n") * 250,
        b" " * 2_000_000,
        b"a: b\n" + b" x\n" * 600_000,
        b"@" * 2_000_000,
        b"a-" * 1_000_000,
        b"\n" * 2_000_000,
        b"  version \n" * 200_000,
    ],
    ids=range(12),
)
def test_time_stays_short(name: str, content: bytes) -> None:
    for path, _ in SEEDS[name]:
        _soon(_BY_NAME[name], path, content)


def test_a_name_is_one_line_of_signs_that_can_be_shown() -> None:
    """And it goes through JSON, as facts of layers do."""
    taken = Harvest("a", "x")
    for name in ("", " ", "a\nb", "a\0", "\ud800", "\x1b[31m", "x" * 513, "‮abc"):
        taken.add("npm", name, "1")
        taken.add("npm", "a", name, namespace="1") if name.strip() else None
    taken.add("npm", " good ", " 1 ")
    found = taken.found()
    assert found is not None
    assert [package.name for package in found.packages] == ["good"]
    assert msgspec.json.decode(msgspec.json.encode(found), type=Found) == found


def test_licences_are_names_not_texts() -> None:
    assert declared(["  MIT\n License ", "MIT License", "x" * 129, "y" * 10_000, "", "\x00", "ISC"]) == (
        "MIT License",
        "ISC",
    )
    assert len(declared(map(str, range(1000)))) == 16


def test_more_packages_than_are_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harvest, "PACKAGES", 3)
    said = {"packages": {f"node_modules/a{number}": {"version": "1"} for number in range(5)}}
    found = _BY_NAME["node-lock"].read("package-lock.json", json.dumps(said).encode())
    assert found is not None
    assert len(found.packages) == 3
    assert found.unread.startswith("it names more than the")


def test_lock_files_are_told_from_what_is_installed() -> None:
    assert [name for name in _NAMES if name.endswith("-lock")] == ["node-lock", "ruby-lock", "php-lock", "dotnet-lock"]
