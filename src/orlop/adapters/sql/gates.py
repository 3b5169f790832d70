"""What gates ask of manifests, as rows."""

from collections.abc import Mapping, Sequence

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.records import each
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName
from orlop.ports.gates import ManifestPlace, TaggedImage

#: Tags and indexes of one manifest that are looked at.
_MOST = 1_000
#: What refers to an image, of which so many are looked at.
_REFERRERS = 5_000


class SqlGateRows:
    """See ports.gates.GateRows."""

    def __init__(self, reader: Session) -> None:
        self._reader = reader

    async def place(self, repository: RepositoryName, digest: Digest) -> ManifestPlace:
        rows = await self._reader.all("gate_place", repository, digest, _MOST)
        tags = frozenset(tag for _, tag in rows if tag is not None)
        return ManifestPlace(
            tags, tuple(Digest.stored(index) for index in dict.fromkeys(row[0] for row in rows if row[0]))
        )

    async def artifact_types(self, repository: RepositoryName, subjects: Sequence[Digest]) -> frozenset[str]:
        rows = await self._reader.all("gate_artifact_types", repository, each(subjects), _REFERRERS)
        return frozenset(found for (found,) in rows)

    async def unmatched(self, images: Sequence[Digest], matcher: int) -> Mapping[Digest, tuple[int, ...]]:
        found: dict[Digest, dict[int, None]] = {}
        for digest, package in await self._reader.all("gate_unmatched", each(images), matcher):
            found.setdefault(Digest.stored(digest), {}).update({package: None} if package else {})
        return {digest: tuple(packages) for digest, packages in found.items()}

    async def tags(self, repository: RepositoryName, after: str, limit: int) -> tuple[TaggedImage, ...]:
        rows = await self._reader.all("gate_tags", repository, after, limit)
        return tuple(TaggedImage(repository, tag, Digest.stored(digest)) for tag, digest in rows)
