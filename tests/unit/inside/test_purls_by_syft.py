"""Package URLs of real packages as syft 1.57.1 writes them (purls_by_syft.json): Orlop spells all but colons alike."""

import json
from pathlib import Path

import pytest

from bench.inside.spelling import as_orlop
from orlop.domain.inside.purl import parse_purl

WRITTEN: list[str] = json.loads(Path(__file__).with_name("purls_by_syft.json").read_text())


def test_there_are_some_of_each_type() -> None:
    types = {"apk", "cargo", "deb", "gem", "golang", "maven", "npm", "nuget", "pypi", "rpm"}
    assert {parse_purl(each).type for each in WRITTEN} >= types


@pytest.mark.parametrize("written", WRITTEN)
def test_a_url_is_canonical(written: str) -> None:
    assert str(parse_purl(written)) == written.replace("%3A", ":")


def test_what_is_spelt_apart() -> None:
    assert as_orlop("pkg:deb/debian/bash@1%3A5.2-1?arch=amd64&distro=debian-12.15") == (
        "pkg:deb/debian/bash@1:5.2-1?arch=amd64&distro=debian-12"
    )
    assert as_orlop("pkg:deb/ubuntu/bash@5.0-6?distro=ubuntu-20.04") == "pkg:deb/ubuntu/bash@5.0-6?distro=ubuntu-20.04"
