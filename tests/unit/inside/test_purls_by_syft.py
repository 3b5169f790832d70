"""Package URLs of real packages as syft 1.18.1 writes them (purls_by_syft.json): Orlop spells them alike."""

import json
from pathlib import Path

import pytest

from bench.inside.spelling import as_module
from orlop.domain.inside.purl import parse_purl

WRITTEN: list[str] = json.loads(Path(__file__).with_name("purls_by_syft.json").read_text())


def test_there_are_some_of_each_type() -> None:
    assert {parse_purl(each).type for each in WRITTEN} >= {"deb", "gem", "golang", "maven", "npm", "pypi"}


@pytest.mark.parametrize("written", WRITTEN)
def test_a_url_is_canonical(written: str) -> None:
    assert str(parse_purl(written)) == written


def test_a_module_is_named_by_its_whole_path() -> None:
    """The one difference: two modules of a repository are two packages, and syft makes them paths in one."""
    assert as_module("pkg:golang/github.com/Azure/go-autorest@v0.9.23#autorest/adal") == (
        "pkg:golang/github.com/Azure/go-autorest/autorest/adal@v0.9.23"
    )
    assert as_module("pkg:golang/github.com/a/b@v1.0.0") == "pkg:golang/github.com/a/b@v1.0.0"
    assert as_module("pkg:npm/a@1.0.0#b") == "pkg:npm/a@1.0.0#b"
