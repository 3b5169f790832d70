"""What is known of one image."""

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import Reference, RepositoryName
from orlop.ports.insides import HeldPackage, Inside
from orlop.services.content.inspection import Inspection


class ImageInside(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one image. An index is answered by its image for a platform.

    `platforms`: those of the index that was asked for; `inspection`: what the image is made of.
    """

    repository: RepositoryName
    reference: Reference
    digest: Digest
    platform: str
    inside: Inside
    packages: tuple[HeldPackage, ...]
    index: Digest | None = None
    """The index that it was asked for by, where that is one."""
    platforms: tuple[str, ...] = ()
    inspection: Inspection | None = None
