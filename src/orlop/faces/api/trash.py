"""End points about what was deleted and can be restored."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from orlop.domain.digest import Digest
from orlop.domain.errors import RequestInvalid
from orlop.domain.names import RepositoryName, Tag
from orlop.faces.api import values
from orlop.faces.api.exchange import PAGE, ApiRequest, Last, Size, caller_of, going_on, page_of
from orlop.ports.trash import Asked, Restored, TrashEntry
from orlop.services.management.operations import Operation
from orlop.services.trash.trash import Trash

_Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53) - 1)]


class TrashEntryValue(msgspec.Struct, frozen=True):
    """One deletion. `kind`: manifest, tag, repository or namespace. `name` is that of the repository, or the path of a
    namespace with a `/` behind it. `digest`: of the manifest, or what the tag pointed at; null for others. `tags`:
    those that went with it; of a repository they are not listed. `size`: bytes of manifests and blobs, which others may
    share. `deleted_by` is empty for those who may not read the audit log there, unless it was them."""

    number: int
    kind: str
    name: str
    digest: str | None
    tags: tuple[str, ...]
    size: int
    deleted_at: values.Time
    deleted_by: str
    expires_at: values.Time

    @classmethod
    def of(cls, entry: TrashEntry) -> "TrashEntryValue":
        return cls(
            number=entry.number,
            kind=entry.kind.value,
            name=entry.name,
            digest=str(entry.digest) if entry.digest else None,
            tags=tuple(map(str, entry.tags)),
            size=entry.size,
            deleted_at=values.time(entry.deleted_at),
            deleted_by=entry.deleted_by,
            expires_at=values.time(entry.expires_at),
        )


class Restoration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to restore: a tag or a digest of a repository, or the repository as a whole, as it was deleted last; or an
    entry by its number; or a namespace. `untagged`: set none of the tags that the manifest had."""

    repository: values.Name | None = None
    namespace: values.Name | None = None
    tag: values.Name | None = None
    digest: values.Name | None = None
    number: _Number = 0
    untagged: bool = False


class RestoredTag(msgspec.Struct, frozen=True):
    """A tag that was set."""

    name: str
    digest: str


class RestoredValue(msgspec.Struct, frozen=True):
    """What came back. `manifests`: their digests; of a repository they are not listed."""

    kind: str
    manifests: tuple[str, ...]
    tags: tuple[RestoredTag, ...]

    @classmethod
    def of(cls, restored: Restored) -> "RestoredValue":
        tags = tuple(RestoredTag(str(tag), str(digest)) for tag, digest in sorted(restored.tags.items()))
        return cls(restored.kind.value, tuple(map(str, restored.manifests)), tags)


class Emptying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to give up: an entry by its number, or whatever lies in the trash of `place`, written as `/` for the
    registry, `team/` for a namespace, `team/app` for a repository."""

    place: values.Name | None = None
    number: _Number = 0


class EmptiedValue(msgspec.Struct, frozen=True):
    """How many entries nobody can restore any more."""

    entries: int


def trash(service: Trash) -> list[HTTPRouteHandler]:
    """`/trash`, `/trash-restorations` and `/trash-emptyings`."""

    @get("/trash", operation_id="listTrash", tags=["trash"], operation=Operation.TRASH_READ)
    async def list_trash(
        request: ApiRequest,
        place: Annotated[
            str,
            QueryParameter(
                name="place", max_length=256, description="`/`, a namespace (`team/`) or a repository (`team/app`)."
            ),
        ] = "/",
        n: Size = PAGE,
        last: Last = "",
    ) -> Response[list[TrashEntryValue]]:
        """What was deleted and can be restored, by name. A page may end early, even without an entry, where much was
        looked at that is not for the caller to see: the link goes on."""
        page = await service.page(caller_of(request), place, page_of(n, last))
        return going_on(request, page.items, TrashEntryValue.of, page.goes_on, n)

    @post(
        "/trash-restorations",
        operation_id="restoreFromTrash",
        tags=["trash"],
        status_code=200,
        operation=Operation.TRASH_RESTORE,
    )
    async def restore(request: ApiRequest, data: JSONBody[Restoration]) -> RestoredValue:
        """Put back what was deleted, whole or not at all. It is a push: rights and rules are those of one."""
        if sum((data.tag is not None, data.digest is not None, data.number != 0)) > 1:
            raise RequestInvalid("name a tag, a digest or a number, and not two of them")
        if (data.repository is None) is (data.namespace is None):
            raise RequestInvalid("name a repository or a namespace")
        if data.repository is None:
            assert data.namespace is not None
            if data != Restoration(namespace=data.namespace):
                raise RequestInvalid("a namespace is restored as it was: it has neither tag, digest nor number")
            return RestoredValue.of(await service.restore_namespace(caller_of(request), data.namespace))
        asked = Asked(
            RepositoryName(data.repository),
            Tag(data.tag) if data.tag is not None else None,
            Digest(data.digest) if data.digest is not None else None,
            data.number,
            data.untagged,
        )
        return RestoredValue.of(await service.restore(caller_of(request), asked))

    @post(
        "/trash-emptyings",
        operation_id="emptyTrash",
        tags=["trash"],
        status_code=200,
        operation=Operation.TRASH_PURGE,
    )
    async def empty(request: ApiRequest, data: JSONBody[Emptying]) -> EmptiedValue:
        """Give up what was deleted: nobody restores it any more, and the next collection removes it."""
        if (data.place is None) is (data.number == 0):
            raise RequestInvalid("name a place or a number")
        if data.place is None:
            await service.discard(caller_of(request), data.number)
            return EmptiedValue(1)
        return EmptiedValue(await service.empty(caller_of(request), data.place))

    return [list_trash, restore, empty]
