"""What a manifest is that an event is about: which it may be no more, once the event is read."""

from orlop.domain.artifacts import kind_of
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestInvalid
from orlop.domain.manifest import Manifest, parse_manifest
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import Manifests


class ManifestOfEvent:
    """One that is there and can be read, with its bytes."""

    def __init__(self, manifest: Manifest, content: bytes) -> None:
        self.manifest = manifest
        self.content = content

    @property
    def is_image(self) -> bool:
        """Whether it is the manifest of one image."""
        return kind_of(self.manifest) is ContentKind.IMAGE


async def found_manifest(manifests: Manifests, repository: RepositoryName, digest: Digest) -> ManifestOfEvent | None:
    """None: it went meanwhile, or an earlier release let in what is no manifest."""
    found = await manifests.resolve(repository, digest)
    if found is None:
        return None
    try:
        return ManifestOfEvent(parse_manifest(found.content, found.media_type), found.content)
    except ManifestInvalid:
        return None
