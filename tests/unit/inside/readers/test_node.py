"""Packages of Node.js that are installed. Expected values agree with syft's."""

import json

import pytest

from orlop.adapters.inside.readers.node import NODE, read_node
from tests.packages import licences, listed

_PATH = "app/node_modules/@babel/core/package.json"


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ({"license": "MIT"}, ("MIT",)),
        ({"license": {"type": "BSD-2-Clause", "url": "x"}}, ("BSD-2-Clause",)),
        ({"licenses": [{"type": "MIT"}, "ISC", 3]}, ("MIT", "ISC")),
        ({"license": 3}, ()),
        ({}, ()),
    ],
)
def test_a_package(said: dict[str, object], licence: tuple[str, ...]) -> None:
    found = read_node(_PATH, json.dumps({"name": "@babel/core", "version": "7.2.0"} | said).encode())
    assert listed(found) == ["npm:@babel/core@7.2.0"]
    assert licences(found) == {"core": licence}


@pytest.mark.parametrize("text", [b'{"type":"module"}', b'{"name":"a"}', b"[]", b'{"name":3,"version":"1"}', b"{"])
def test_what_names_nothing(text: bytes) -> None:
    """Folders of a package may have a description of their own, and packages bring damaged ones to test with."""
    assert read_node(_PATH, text) is None


def test_a_damaged_one_elsewhere_is_told() -> None:
    found = read_node("app/package.json", b"{")
    assert found is not None
    assert found.unread


def test_a_mark_of_its_encoding_is_no_part_of_it() -> None:
    assert listed(read_node(_PATH, b'\xef\xbb\xbf{"name":"a","version":"1.0.0"}')) == ["npm:a@1.0.0"]


def test_which_files() -> None:
    assert NODE.wants(_PATH, 0o644, 1)
    assert NODE.wants("package.json", 0o644, 1)
    assert not NODE.wants("app/node_modules/a/package-lock.json", 0o644, 1)
