"""What upstreams last said of their tags."""

from orlop.adapters.sql.engine import Engine, Session
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.upstreams import RemoteTag

#: How many tags that lead to one digest are told.
_TOLD = 100


class SqlRemoteTags:
    """See ports.upstreams.RemoteTags."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def get(self, repository: RepositoryName, tag: Tag) -> RemoteTag | None:
        row = await self._reader.one("remote_tag", repository, tag)
        if row is None:
            return None
        digest, checked_at, moved_at, gone_since = row
        return RemoteTag(
            repository=repository,
            tag=tag,
            digest=Digest.stored(digest),
            checked_at=checked_at,
            moved_at=moved_at,
            gone_since=gone_since,
        )

    async def leading_to(self, repository: RepositoryName, digest: Digest) -> tuple[Tag, ...]:
        rows = await self._reader.all("remote_tags_leading_to", repository, digest, _TOLD)
        return tuple(Tag.stored(tag) for (tag,) in rows)

    async def keep(self, tag: RemoteTag) -> None:
        row = (tag.repository, tag.tag, tag.digest, tag.checked_at, tag.moved_at, tag.gone_since)

        async def script(tx: Session) -> None:
            await tx.run("remote_tag_keep", *row)

        # What a power cut takes is asked for again.
        await self._engine.write(script, durable=False, changes=False)

    async def forget(self, repository: RepositoryName, tag: Tag) -> None:
        async def script(tx: Session) -> None:
            await tx.run("remote_tag_forget", repository, tag)

        await self._engine.write(script, durable=False, changes=False)


class SqlCachedContent:
    """See ports.upstreams.CachedContent."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine.reader

    async def is_cache(self, repository: str) -> bool | None:
        row = await self._reader.one("repository_is_cache", repository)
        return bool(row[0]) if row else None

    async def expected_size(self, repository: RepositoryName, digest: Digest) -> int | None:
        row = await self._reader.one("remote_blob_size", repository, digest)
        return row[0] if row else None

    async def holder(self, digest: Digest, path: str) -> RepositoryName | None:
        row = await self._reader.one("cached_holder", digest, path)
        return RepositoryName.stored(row[0]) if row else None
