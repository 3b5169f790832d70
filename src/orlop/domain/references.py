"""Image references as people write them, with the familiar defaults made visible. Asks no registry."""

import re

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import NameInvalid
from orlop.domain.names import RepositoryName, Tag

#: The registry that a name without one means to Docker and everything that followed it.
DEFAULT_REGISTRY = "docker.io"
#: The namespace of a name without one on the default registry.
DEFAULT_NAMESPACE = "library"
#: The tag of a reference with neither tag nor digest.
DEFAULT_TAG = Tag.stored("latest")

#: Older names of the default registry that mean the same.
_ALIASES = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]{{2,45}}\])(?::[0-9]{{1,5}})?", re.ASCII)
_IMAGE_ID = re.compile(r"[0-9a-f]{64}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", re.ASCII)

#: Longer than any reference that could be valid: the name, its registry, a tag and a sha512 digest.
_MAX = 1_024


class ImageReference(msgspec.Struct, frozen=True):
    """`[registry/][namespace/]repository[:tag][@digest]`, with every default filled in and marked as such.

    `tag` is None only where there is a digest. Where both are given the digest decides what is meant, and the tag is
    what people called it.
    """

    registry: str
    """Host and optional port in lower case, unless capitals alone make it one; `docker.io` under all of its names."""
    repository: RepositoryName
    tag: Tag | None
    digest: Digest | None = None
    registry_implied: bool = False
    library_implied: bool = False
    tag_implied: bool = False

    @property
    def target(self) -> Tag | Digest:
        """What to ask a registry for: the digest where there is one, else the tag."""
        return self.digest or self.tag or DEFAULT_TAG

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    def familiar(self) -> str:
        """The short form that people type: no default registry, no default namespace, no implied tag."""
        name = self.name
        if self.registry == DEFAULT_REGISTRY:
            namespace, _, last = self.repository.rpartition("/")
            short = last if namespace == DEFAULT_NAMESPACE else self.repository
            # A short name whose first component looks like a host would be read as another registry.
            first, slash, _ = short.partition("/")
            name = name if slash and looks_like_registry(first) else short
        return name + self._suffix(with_tag=not self.tag_implied)

    def __str__(self) -> str:
        return self.name + self._suffix(with_tag=True)

    def _suffix(self, *, with_tag: bool) -> str:
        tag = f":{self.tag}" if self.tag and with_tag else ""
        return f"{tag}@{self.digest}" if self.digest else tag


def looks_like_registry(component: str) -> bool:
    """Whether the first component of a name is a registry: one with a dot, colon or upper-case letter, or localhost.

    The rule is that of Docker's reference grammar; a name of one component is never only a registry.
    """
    return component == "localhost" or any(c in ".:[" for c in component) or component != component.lower()


def is_image_id(text: str) -> bool:
    """Whether `text` is the digest of an image's configuration, by which a machine knows its own images."""
    return _IMAGE_ID.fullmatch(text) is not None


def parse_registry(text: str) -> str:
    """A registry as `host[:port]`, in lower case and `docker.io` under all of its names. Raises NameInvalid."""
    host = text.lower()
    port = host.rpartition(":")[2] if re.search(r":[0-9]+$", host) and not host.endswith("]") else ""
    if not _REGISTRY.fullmatch(text) or len(text) > 261 or (port and not 0 < int(port) < 65_536):
        raise NameInvalid("a registry is written host or host:port", {"registry": text[:160]})
    return DEFAULT_REGISTRY if host in _ALIASES else host


def parse_image_reference(text: str) -> ImageReference:
    """Read a reference the way Docker does. Raises NameInvalid, TagInvalid or DigestInvalid.

    The ID of an image is refused (see `is_image_id`): Docker takes it for that of a local one, never for a repository.
    """
    if not text or len(text) > _MAX:
        raise NameInvalid(f"an image reference has 1 to {_MAX} characters", {"reference": text[:160]})
    if "://" in text:
        raise NameInvalid("an image reference has no scheme; leave out everything up to ://", {"reference": text[:160]})
    if is_image_id(text):
        raise NameInvalid("this is the ID of an image, not a repository", {"reference": text[:160]})
    rest, at, digest_text = text.partition("@")
    digest = Digest(digest_text) if at else None
    tag: Tag | None = None
    head, colon, last = rest.rpartition(":")
    if colon and "/" not in last and not head.endswith("["):
        rest, tag = head, Tag(last)
    first, slash, remainder = rest.partition("/")
    explicit = bool(slash) and looks_like_registry(first)
    registry = parse_registry(first) if explicit else DEFAULT_REGISTRY
    if not looks_like_registry(registry):
        registry = first  # only its capitals tell it from a namespace, so they have to stay
    path = remainder if explicit else rest
    if not explicit and is_image_id(path):
        raise NameInvalid("64 hex digits are the ID of an image, not a repository", {"reference": text[:160]})
    bare = registry == DEFAULT_REGISTRY and "/" not in path
    repository = RepositoryName(f"{DEFAULT_NAMESPACE}/{path}" if bare else path)
    return ImageReference(
        registry=registry,
        repository=repository,
        tag=tag if tag or digest else DEFAULT_TAG,
        digest=digest,
        registry_implied=not explicit,
        library_implied=bare,
        tag_implied=tag is None and digest is None,
    )
