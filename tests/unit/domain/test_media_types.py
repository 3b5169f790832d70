"""Accept headers and Content-Types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.media_types import (
    DOCKER_MANIFEST,
    LONGEST_ACCEPT,
    MANIFESTS,
    OCI_INDEX,
    OCI_MANIFEST,
    accepts,
    essence,
    is_foreign_layer,
)


@pytest.mark.parametrize(
    ("accept", "admitted"),
    [
        ("", True),
        ("*/*", True),
        ("*", True),
        ("application/*", True),
        ("APPLICATION/*", True),
        (OCI_MANIFEST, True),
        (OCI_MANIFEST.upper(), True),
        (f" {OCI_MANIFEST} ; q=1", True),
        (f"{OCI_MANIFEST};q=0.001", True),
        (f"{OCI_MANIFEST};charset=utf-8", True),
        (f"{DOCKER_MANIFEST}, {OCI_MANIFEST}", True),
        (f"*/*;q=0,{OCI_MANIFEST}", True),
        (f"application/*;q=0,{OCI_MANIFEST}", True),
        (f"{OCI_MANIFEST};q=", True),
        (f"{OCI_MANIFEST};q=0.", False),
        (f"{OCI_MANIFEST};q=0", False),
        (f"{OCI_MANIFEST};q=0.0", False),
        (f"{OCI_MANIFEST};q=0.000", False),
        (f"{OCI_MANIFEST} ; Q = 0 ", False),
        (f"{OCI_MANIFEST};q=0,*/*", False),
        ("application/*;q=0,*/*", False),
        (OCI_INDEX, False),
        ("text/*", False),
        ("application", False),
        ("*/json", False),
        (",", False),
        (";q=1", False),
        ("a" * (LONGEST_ACCEPT + 1), True),
        ("a" * LONGEST_ACCEPT, False),
    ],
)
def test_accept(accept: str, admitted: bool) -> None:
    assert accepts(accept, OCI_MANIFEST) is admitted


@given(st.text(), st.sampled_from(sorted(MANIFESTS)))
def test_any_header_is_answered(accept: str, media_type: str) -> None:
    assert accepts(accept, media_type) in {True, False}
    assert accepts(f"{accept},{media_type}", media_type) or f"{media_type};" in accept.lower()


@pytest.mark.parametrize(
    ("content_type", "bare"),
    [
        ("", ""),
        (OCI_INDEX, OCI_INDEX),
        (f" {OCI_INDEX} ; a=b; c", OCI_INDEX),
        (OCI_INDEX.upper(), OCI_INDEX),
        (";", ""),
    ],
)
def test_essence(content_type: str, bare: str) -> None:
    assert essence(content_type) == bare


def test_foreign_layers() -> None:
    for foreign in (
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ):
        assert is_foreign_layer(foreign)
    for own in ("application/vnd.oci.image.layer.v1.tar", "application/octet-stream", ""):
        assert not is_foreign_layer(own)
