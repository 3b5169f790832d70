"""Media types that a registry has to know, and how an Accept header is met."""

from functools import lru_cache

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_SCHEMA1 = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)

#: Manifests that name a config and layers.
IMAGES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
#: Manifests that name other manifests.
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = IMAGES | INDEXES

#: Layers that "SHOULD NOT be uploaded to a registry" (image-spec, layer.md, "Non-Distributable Layers") and the
#: Docker type they come from: a manifest may name them although no registry holds them.
_FOREIGN_PREFIXES = (
    "application/vnd.oci.image.layer.nondistributable.v1.",
    "application/vnd.docker.image.rootfs.foreign.",
)

#: The longest Accept header that is looked at, in characters. Those of real clients have a few hundred, and every item
#: costs time: half a megabyte of them would hold up a worker for a third of a second.
LONGEST_ACCEPT = 8_192


def is_foreign_layer(media_type: str) -> bool:
    """Whether a layer of this type may be missing from the registry."""
    return media_type.startswith(_FOREIGN_PREFIXES)


def essence(content_type: str) -> str:
    """A Content-Type without its parameters, which "the registry SHOULD ignore", and in lower case: "The type and
    subtype tokens are case-insensitive" (RFC 9110, section 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()


def accepts(accept: str, media_type: str) -> bool:
    """Whether an Accept header (RFC 9110, section 12.5.1) admits `media_type`. An empty header admits everything.

    A type at `q=0` is refused; apart from that weights do not matter, because a manifest has one representation.
    The most specific range decides. A header of more than LONGEST_ACCEPT characters is disregarded, as the RFC allows
    for every one.
    """
    return not accept or len(accept) > LONGEST_ACCEPT or _admits(accept, media_type)


@lru_cache(maxsize=1_024)
def _admits(accept: str, media_type: str) -> bool:
    best, verdict = -1, False
    wanted_type = media_type.partition("/")[0]
    for item in accept.split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        name = name.lower()
        if name == media_type.lower():
            rank = 2
        elif name == f"{wanted_type}/*":
            rank = 1
        elif name in ("*/*", "*"):
            rank = 0
        else:
            continue
        if rank > best:
            best, verdict = rank, not any(_is_zero_weight(p) for p in parameters)
    return verdict


def _is_zero_weight(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip().lower() == "q" and value.strip().rstrip("0") in ("", "0.", ".") and value.strip() != ""
