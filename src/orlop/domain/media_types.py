"""Media types that a registry has to know."""

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


def is_foreign_layer(media_type: str) -> bool:
    """Whether a layer of this type may be missing from the registry."""
    return media_type.startswith(_FOREIGN_PREFIXES)


def essence(content_type: str) -> str:
    """A Content-Type without its parameters, which "the registry SHOULD ignore", and in lower case: "The type and
    subtype tokens are case-insensitive" (RFC 9110, section 8.3.1)."""
    return content_type.partition(";")[0].strip().lower()
