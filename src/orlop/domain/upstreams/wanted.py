"""Which images of an upstream somebody wants, as they write it: `library/debian:*-slim`."""

import msgspec

from orlop.domain.access.patterns import is_pattern, pattern
from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError, RequestInvalid
from orlop.domain.names import RepositoryName

#: What a name without a tag means.
_LATEST = "latest"


class WantedImages(msgspec.Struct, frozen=True):
    """Some tags of one repository, which is called as below the node of its upstream; or one digest."""

    repository: str
    tags: str = ""
    digest: Digest | None = None

    @property
    def tag(self) -> str:
        """The one tag that is meant; empty where a pattern means several."""
        return "" if "*" in self.tags else self.tags

    def matches(self, tag: str) -> bool:
        """Whether a tag is among those that are meant."""
        return pattern(self.tags).matches(tag)


def wanted_images(text: str) -> WantedImages:
    """`REPOSITORY[:TAGS]` or `REPOSITORY@DIGEST`; no tags: `latest`. Raises RequestInvalid."""
    name, at, digest = text.partition("@")
    if not at:
        slash = name.rfind("/")
        colon = name.find(":", slash + 1)
        name, tags = (name, _LATEST) if colon < 0 else (name[:colon], name[colon + 1 :])
    try:
        repository = str(RepositoryName(name))
        if at:
            return WantedImages(repository, digest=Digest(digest))
    except RegistryError as error:
        if "*" in name:
            raise RequestInvalid(
                f"{text[:160]!r}: patterns are for tags, and each repository is named whole; an upstream need not list"
                " its repositories, and Docker Hub does not",
                {"image": text[:160]},
            ) from error
        raise RequestInvalid(f"{text[:160]!r} names no image: {error.message}", {"image": text[:160]}) from error
    if not is_pattern(tags) or "/" in tags:
        raise RequestInvalid(
            f"{text[:160]!r}: write a tag, or a pattern of tags such as *-slim, behind the colon", {"image": text[:160]}
        )
    return WantedImages(repository, tags)
