"""End points about what tags pointed at, and the way back to it."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter, JSONBody, QueryParameter

from orlop.domain.digest import Digest
from orlop.domain.errors import RequestInvalid
from orlop.domain.names import RepositoryName, Tag
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, NoneMatch, Size, caller_of, listed, page_of
from orlop.ports.catalog import TagChange
from orlop.services.content.manifests import Expected
from orlop.services.management.operations import Operation
from orlop.services.tags.past import TagPast
from orlop.services.tags.removal import REMOVED_MOST, TagRemoval

Repository = Annotated[str, QueryParameter(name="repository", max_length=255, description="The repository.")]
TagName = Annotated[str, QueryParameter(name="tag", max_length=128, description="The tag; it need not be there now.")]
MatchDigest = Annotated[
    str | None,
    HeaderParameter(name="If-Match", max_length=160, description="What the tag points at, in double quotes."),
]


class TagChangeValue(msgspec.Struct, frozen=True):
    """One change of a tag. `digest`: what it pointed at from then on; null: it was removed. `held`: whether the
    repository still holds that. `actor` is empty for those who may not read the audit log of the repository, unless it
    was them. `detail`: why it changed, where it was no push."""

    number: int
    at: values.Time
    actor: str
    digest: str | None
    previous: str | None
    held: bool
    detail: str | None

    @classmethod
    def of(cls, change: TagChange) -> "TagChangeValue":
        return cls(
            change.number,
            values.time(change.at),
            change.actor,
            change.digest,
            change.previous,
            change.held,
            change.detail or None,
        )


class RepositoryChangeValue(TagChangeValue, frozen=True, kw_only=True):
    """One change of one of the tags of a repository."""

    tag: str

    @classmethod
    def of_one(cls, change: TagChange) -> "RepositoryChangeValue":
        return cls(**msgspec.structs.asdict(TagChangeValue.of(change)), tag=str(change.tag))


class Removals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tags of a repository, each with the digest that it points at."""

    repository: values.Name
    tags: Annotated[dict[values.Name, values.Name], msgspec.Meta(min_length=1, max_length=REMOVED_MOST)]


class RemovedTagValue(msgspec.Struct, frozen=True):
    """A tag that is gone; or that stays, and why."""

    tag: str
    refused: str | None


class Rollback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tag, and what it is to point at again."""

    repository: values.Name
    tag: values.Name
    digest: values.Name


def tags(past: TagPast, removal: TagRemoval) -> list[HTTPRouteHandler]:
    """`/history`, `/tag-history`, `/tag-at`, `/tag-rollbacks` and `/tag-removals`."""

    @get("/tag-history", operation_id="listTagHistory", tags=["tags"], operation=Operation.TAG_READ)
    async def list_tag_history(
        request: ApiRequest, repository: Repository, tag: TagName, n: Size = PAGE, last: Last = ""
    ) -> Response[list[TagChangeValue]]:
        """The changes of a tag, newest first, also of one that is gone."""
        page = await past.page(caller_of(request), RepositoryName(repository), Tag(tag), page_of(n, last))
        return listed(request, page, TagChangeValue.of, lambda change: str(change.number), n)

    @get("/history", operation_id="listHistory", tags=["tags"], operation=Operation.TAG_READ)
    async def list_history(
        request: ApiRequest, repository: Repository, n: Size = PAGE, last: Last = ""
    ) -> Response[list[RepositoryChangeValue]]:
        """The changes of all tags of a repository, newest first, also of those that are gone."""
        page = await past.everything(caller_of(request), RepositoryName(repository), page_of(n, last))
        return listed(request, page, RepositoryChangeValue.of_one, lambda change: str(change.number), n)

    @get("/tag-at", operation_id="showTagAt", tags=["tags"], operation=Operation.TAG_READ)
    async def show_tag_at(
        request: ApiRequest,
        repository: Repository,
        tag: TagName,
        at: Annotated[datetime, QueryParameter(name="at", description="The time.")],
    ) -> TagChangeValue:
        """What a tag pointed at at a time, and since when."""
        return TagChangeValue.of(
            await past.at(caller_of(request), RepositoryName(repository), Tag(tag), values.moment(at))
        )

    @post(
        "/tag-rollbacks",
        operation_id="rollBackTag",
        tags=["tags"],
        status_code=204,
        operation=Operation.TAG_ROLL_BACK,
    )
    async def roll_back_tag(
        request: ApiRequest, data: JSONBody[Rollback], match: MatchDigest = None, none_match: NoneMatch = None
    ) -> None:
        """Point a tag at a manifest that the repository holds. It is a push: rights and rules are those of one."""
        repository, tag = RepositoryName(data.repository), Tag(data.tag)
        expected = _expected(tag, match, none_match)
        await past.roll_back(caller_of(request), repository, tag, Digest(data.digest), expected)

    @post("/tag-removals", operation_id="removeTags", tags=["tags"], status_code=200, operation=Operation.TAG_REMOVE)
    async def remove_tags(request: ApiRequest, data: JSONBody[Removals]) -> list[RemovedTagValue]:
        """Remove tags of a repository, each only if it points at what is said of it. One that may not go stops no
        other: the answer says of each what became of it."""
        chosen = {Tag(tag): Digest(digest) for tag, digest in data.tags.items()}
        done = await removal.remove(caller_of(request), RepositoryName(data.repository), chosen)
        return [RemovedTagValue(each.tag, each.refused or None) for each in done]

    return [list_history, list_tag_history, show_tag_at, roll_back_tag, remove_tags]


def _expected(tag: Tag, match: str | None, none_match: str | None) -> Expected:
    """What a tag points at as its caller saw it. Raises RequestInvalid."""
    if none_match is not None:
        if none_match != "*" or match is not None:
            raise RequestInvalid("If-None-Match is * here, and does not come with If-Match")
        return {tag: None}
    if match is None or match == "*":
        return {}
    if len(match) < 3 or not (match.startswith('"') and match.endswith('"')):
        raise RequestInvalid("If-Match has one entity tag: a manifest's digest in double quotes")
    return {tag: Digest(match[1:-1])}
