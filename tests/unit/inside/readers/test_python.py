"""Metadata of Python packages (core-metadata of the Python Packaging Authority)."""

import pytest

from orlop.adapters.inside.readers.python import PYTHON, read_python
from tests.packages import licences, listed

_PATH = "usr/lib/python3/site-packages/zope.interface-6.0.dist-info/METADATA"


def test_a_wheel() -> None:
    """The name is normalized; the body is a description and no field."""
    text = b"Metadata-Version: 2.1\nName: Zope_.Interface\nVersion: 6.0\nLicense: ZPL 2.1\n\nName: other\nVersion: 1\n"
    found = read_python(_PATH, text)
    assert listed(found) == ["pypi:zope-interface@6.0"]
    assert licences(found) == {"zope-interface": ("ZPL 2.1",)}
    assert found is not None
    assert (found.path, found.reader) == (_PATH, "python")


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: other", ("MIT OR Apache-2.0",)),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License", ("BSD License",)),
        ("License: A text\n        of two lines\nClassifier: License :: OSI Approved\n", ()),
        ("License: " + "x" * 2_000, ()),
        ("", ()),
    ],
)
def test_licences(fields: str, licence: tuple[str, ...]) -> None:
    assert licences(read_python(_PATH, f"Name: a\nVersion: 1\n{fields}\n".encode())) == {"a": licence}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (_PATH, True),
        ("a/b.egg-info/PKG-INFO", True),
        ("a/b-1.0.egg-info", True),
        ("a.egg/EGG-INFO/PKG-INFO", True),
        ("a/PKG-INFO", False),
        ("a/b.dist-info/RECORD", False),
        ("a/b.egg-link", False),
    ],
)
def test_which_files(path: str, wanted: bool) -> None:
    assert PYTHON.wants(path, 0o644, 100) is wanted


def test_an_interpreter_is_no_package() -> None:
    assert read_python("usr/lib/python2.7.egg-info", b"Name: Python\nVersion: 2.7.18\n") is None


@pytest.mark.parametrize(
    "text", [b"", b"\xff\xfe", b" Name: a\n", b"Name: \nVersion: 1\n", b"Name: a\x00b\nVersion: 1"]
)
def test_what_names_nothing(text: bytes) -> None:
    assert read_python(_PATH, text) is None
