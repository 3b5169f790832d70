"""A resolver that knows every image: the digest is that of the name. Notes what it was asked."""

from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import ManifestUnknown
from orlop.domain.references import ImageReference, parse_image_reference


class Answers:
    """See services.references.pin.Resolver."""

    def __init__(self, *, unknown: str = "", generation: int = 1) -> None:
        self.asked: list[str] = []
        self._unknown = unknown
        self._generation = generation

    async def __call__(self, reference: ImageReference, /) -> Digest:
        self.asked.append(str(reference))
        if self._unknown and self._unknown in str(reference):
            raise ManifestUnknown(f"{reference} is not known")
        return digest_for(str(reference), self._generation)


def digest_for(text: str, generation: int = 1) -> Digest:
    """What `text` resolves to; another digest in every generation, as if the tag had been moved."""
    return digest_of(f"{parse_image_reference(text)}#{generation}".encode())
