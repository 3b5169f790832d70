"""A bundle: images under a name, each by the digest that it had when the bundle was made."""

from collections.abc import Iterable

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag


class BundledImage(msgspec.Struct, frozen=True):
    """An image of a bundle. `tag`: by which it was named, and that it gets where it is promoted; None: none."""

    repository: RepositoryName
    tag: Tag | None
    digest: Digest


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """`path`: the place of the bundle, where its name is given once; `created_id`: the account that made it;
    `created_at` in microseconds since 1970."""

    path: str
    name: str
    created_by: str
    created_id: int
    created_at: int
    images: tuple[BundledImage, ...] = ()


def place_of(repositories: Iterable[str]) -> str:
    """The namespace that all of some repositories lie in, the deepest; empty: the registry."""
    paths = [repository.split("/")[:-1] for repository in repositories]
    common: list[str] = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return "/".join(common)
