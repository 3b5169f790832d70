"""Which images somebody wants, as they write it."""

import pytest

from orlop.domain.digest import Digest
from orlop.domain.errors import RequestInvalid
from orlop.domain.upstreams.wanted import WantedImages, wanted_images

_DIGEST = "sha256:" + "5" * 64


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("library/debian", WantedImages("library/debian", "latest")),
        ("library/debian:12", WantedImages("library/debian", "12")),
        ("debian:*-slim", WantedImages("debian", "*-slim")),
        (f"debian@{_DIGEST}", WantedImages("debian", digest=Digest(_DIGEST))),
    ],
)
def test_what_is_meant(text: str, wanted: WantedImages) -> None:
    assert wanted_images(text) == wanted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("library/*:1", "each repository is named whole"),
        ("Library/debian", "names no image"),
        ("debian:", "write a tag"),
        ("debian:a/b", "names no image"),
        ("debian@sha256:5", "names no image"),
        ("", "names no image"),
    ],
)
def test_what_means_nothing(text: str, why: str) -> None:
    with pytest.raises(RequestInvalid, match=why):
        wanted_images(text)


def test_which_tags_fit() -> None:
    wanted = wanted_images("debian:12*-slim")
    assert wanted.tag == ""
    assert wanted.matches("12.1-slim")
    assert not wanted.matches("13-slim")
    assert wanted_images("debian:12").tag == "12"
