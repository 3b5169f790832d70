"""Descriptors, the arrows between contents (image-spec, descriptor.md)."""

from typing import Any

import msgspec

from orlop.domain.digest import Digest


class Platform(
    msgspec.Struct, frozen=True, omit_defaults=True, rename={"os_version": "os.version", "os_features": "os.features"}
):
    """What an entry of an index runs on (image-spec, image-index.md)."""

    architecture: str = ""
    os: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part) or "unknown"


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A content by media type, digest and size in bytes, as manifests and referrers lists write it."""

    media_type: str
    digest: str
    size: int
    annotations: dict[str, str] = {}
    artifact_type: str = ""
    platform: Platform | None = None
    urls: tuple[str, ...] = ()
    data: str = ""

    @property
    def content_digest(self) -> Digest:
        """The digest, checked: DigestInvalid if it is not one."""
        return Digest(self.digest)


def index_of(descriptors: list[Descriptor], media_type: str) -> dict[str, Any]:
    """An image index over `descriptors`, ready to encode; the list is `[]`, never null."""
    return {"schemaVersion": 2, "mediaType": media_type, "manifests": descriptors}
