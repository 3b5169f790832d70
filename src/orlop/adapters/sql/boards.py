"""What stands in the stages of pipelines, read from rows."""

from collections.abc import Collection, Mapping

import msgspec

from orlop.adapters.sql.engine import Session
from orlop.adapters.sql.promotion import whole
from orlop.adapters.sql.records import each
from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.promotion.promotion import Promotion
from orlop.ports.boards import StandingTag


class SqlBoards:
    """See ports.boards.Boards."""

    def __init__(self, lists: Session) -> None:
        self._lists = lists

    async def repositories(self, path: str, after: str, limit: int) -> tuple[RepositoryName, ...]:
        # A slash is followed by 0 in the order of bytes: what lies between lies below.
        rows = await self._lists.all("board_repositories", f"{path}/{after}", f"{path}0", limit)
        return tuple(RepositoryName.stored(name) for (name,) in rows)

    async def newest(self, repositories: Collection[RepositoryName]) -> Mapping[RepositoryName, StandingTag]:
        rows = await self._lists.all("board_newest", each(sorted(repositories))) if repositories else []
        return {RepositoryName.stored(name): StandingTag(tag, digest, since) for name, tag, digest, since in rows}

    async def tagged(self, repository: RepositoryName, tag: Tag) -> StandingTag | None:
        row = await self._lists.one("board_tagged", repository, tag)
        return StandingTag(*row) if row is not None else None

    async def holding(
        self, images: Collection[tuple[RepositoryName, Digest]]
    ) -> Mapping[tuple[RepositoryName, Digest], StandingTag]:
        pairs = msgspec.json.encode(sorted(images), enc_hook=str).decode()
        rows = await self._lists.all("board_holding", pairs) if images else []
        return {
            (RepositoryName.stored(name), Digest.stored(digest)): StandingTag(tag, digest, since)
            for name, digest, tag, since in rows
        }

    async def waiting(
        self, path: str, pipeline: str, targets: Collection[RepositoryName], limit: int
    ) -> tuple[Promotion, ...]:
        rows = await self._lists.all("board_waiting", path, pipeline, limit, each(sorted(targets)))
        return await whole(self._lists, rows)
