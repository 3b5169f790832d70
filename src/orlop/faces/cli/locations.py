"""Where content is, as the command line writes it: an image reference, or `oci:`, `oci-archive:`, `docker-archive:`."""

from enum import StrEnum

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.references import (
    DEFAULT_REGISTRY,
    ImageReference,
    looks_like_registry,
    parse_image_reference,
    parse_registry,
)


class StoreKind(StrEnum):
    """What keeps the content; for all but registries also the prefix that says so."""

    REGISTRY = "registry"
    OCI = "oci"
    OCI_ARCHIVE = "oci-archive"
    DOCKER_ARCHIVE = "docker-archive"


class Location(msgspec.Struct, frozen=True):
    """One image, or the place of all images of one folder, archive or repository."""

    kind: StoreKind
    name: str
    """The tag, digest, or name within a folder or archive; empty where none was written."""
    path: str = ""
    """Of the folder or file; empty for a registry."""
    image: ImageReference | None = None
    """For a registry."""

    def __str__(self) -> str:
        if self.image is not None:
            return str(self.image)
        return f"{self.kind}:{self.path}" + (f":{self.name}" if self.name else "")

    @property
    def implied(self) -> str:
        """What the writer left to the defaults, in words; empty where nothing was."""
        tag = self.image is not None and self.image.tag_implied
        return _listed([*self._implied_place, *(["tag"] if tag else [])])

    @property
    def implied_place(self) -> str:
        """What of the registry and repository was left to the defaults, in words."""
        return _listed(self._implied_place)

    @property
    def _implied_place(self) -> list[str]:
        if self.image is None:
            return []
        places = (("registry", self.image.registry_implied), ("namespace", self.image.library_implied))
        return [name for name, implied in places if implied]


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def parse_location(text: str) -> Location:
    """Read a location. Raises NameInvalid, TagInvalid, DigestInvalid or RequestInvalid.

    A path ends at the first colon, as for skopeo: what follows it may have colons of its own.
    """
    prefix, colon, rest = text.partition(":")
    if colon and prefix in (StoreKind.OCI, StoreKind.OCI_ARCHIVE, StoreKind.DOCKER_ARCHIVE):
        path, _, name = rest.partition(":")
        if not path or "\0" in rest:
            raise RequestInvalid(f"{prefix}: is followed by a path, and after another colon by a name")
        return Location(StoreKind(prefix), name, path=path)
    image = parse_image_reference(text)
    return Location(StoreKind.REGISTRY, image.target, image=image)


def parse_registry_location(text: str) -> str | None:
    """The registry (`host[:port]`) if that is all that `text` names, else None. Raises NameInvalid."""
    if "/" in text.removesuffix("/") or not looks_like_registry(text):
        return None
    if text.startswith(tuple(f"{kind}:" for kind in StoreKind)):
        return None
    return DEFAULT_REGISTRY if text.rstrip("/") == DEFAULT_REGISTRY else parse_registry(text.rstrip("/"))
