"""Content-Types."""

import pytest

from orlop.domain.media_types import (
    OCI_INDEX,
    essence,
    is_foreign_layer,
)


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
