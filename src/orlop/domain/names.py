"""Names that exist only if they parsed: repositories, tags, and what stands behind `manifests/` in a path."""

import re
from typing import Self

from orlop.domain.digest import Digest
from orlop.domain.errors import NameInvalid, TagInvalid

#: "Many clients impose a limit of 255 characters on the length of the concatenation of the registry hostname, /, and
#: <name>" (distribution-spec, "Pulling manifests"); the host is not ours to count, so the name alone may have 255.
REPOSITORY_MAX = 255

_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII)
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", re.ASCII)
_REFERRERS_TAG = re.compile(r"sha(?:256|512)-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?", re.ASCII)


class RepositoryName(str):
    """A repository: path components of lower-case letters and digits, joined by `/`, at most 255 characters."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if len(text) > REPOSITORY_MAX:
            raise NameInvalid(f"a repository name has at most {REPOSITORY_MAX} characters, this one {len(text)}")
        if not _REPOSITORY.fullmatch(text):
            raise NameInvalid(
                "a repository name is lower-case letters and digits, with '.', '_', '__' or dashes between them, "
                "in components joined by '/'",
                {"name": text},
            )
        return str.__new__(cls, text)

    @classmethod
    def stored(cls, text: str) -> Self:
        """A name that was checked when it was written."""
        return str.__new__(cls, text)

    @property
    def namespace(self) -> str:
        """The path above the last component; empty for a repository at the root."""
        return self.rpartition("/")[0]


def is_repository_name(text: str) -> bool:
    """Whether it is the name of a repository."""
    return len(text) <= REPOSITORY_MAX and _REPOSITORY.fullmatch(text) is not None


def lineage(path: str) -> tuple[str, ...]:
    """A namespace with everything above it, from the root (``) down."""
    parts = path.split("/") if path else []
    return ("", *("/".join(parts[:depth]) for depth in range(1, len(parts) + 1)))


class Tag(str):
    """A tag: 1 to 128 characters, the first a letter, digit or underscore. `sha256-<hex>` is a tag like any other."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not _TAG.fullmatch(text):
            raise TagInvalid(
                "a tag is 1 to 128 letters, digits, '_', '.' and '-', and does not begin with '.' or '-'",
                {"tag": text[:160]},
            )
        return str.__new__(cls, text)

    @classmethod
    def stored(cls, text: str) -> Self:
        """A tag that was checked when it was written."""
        return str.__new__(cls, text)


#: What names a manifest within its repository.
Reference = Tag | Digest


def parse_reference(text: str) -> Reference:
    """A digest where there is a colon (no tag has one), else a tag; DigestInvalid or TagInvalid."""
    return Digest(text) if ":" in text else Tag(text)


def parse_held(text: str) -> tuple[RepositoryName, Reference]:
    """What a repository of this registry holds: `REPOSITORY:TAG`, `REPOSITORY@DIGEST`, or with both, where the digest
    counts. Raises NameInvalid, TagInvalid, DigestInvalid."""
    rest, at, digest = text.partition("@")
    name, colon, tag = rest.partition(":")
    if not at and not colon:
        raise NameInvalid("write which image of the repository is meant, as REPOSITORY:TAG or REPOSITORY@DIGEST")
    tagged = Tag(tag) if colon else None
    return RepositoryName(name), Digest(digest) if at or tagged is None else tagged


def is_referrers_tag(tag: str) -> bool:
    """Whether it is a tag under which clients keep what refers to a manifest: the fallback tag, and cosign's of
    signatures, attestations and SBOMs."""
    return _REFERRERS_TAG.fullmatch(tag) is not None


def fallback_tag(subject: Digest) -> Tag:
    """The tag under which clients of registries without the referrers API keep a subject's referrers.

    "`<alg>-<ref>` … truncating the algorithm to 32 characters, the encoded section to 64" (distribution-spec,
    "Referrers Tag Schema").
    """
    return Tag.stored(f"{subject.algorithm[:32]}-{subject.hex[:64]}")


def referrers_tags(subject: Digest) -> tuple[Tag, ...]:
    """Every tag under which clients keep what refers to a manifest: see `is_referrers_tag`."""
    first = fallback_tag(subject)
    return (first, *(Tag.stored(f"{first}.{kind}") for kind in ("sig", "att", "sbom")))
