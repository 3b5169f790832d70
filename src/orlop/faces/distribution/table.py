"""Which actions each kind of request needs, and who handles it. A kind without a row does not start."""

from collections.abc import Awaitable, Callable

import msgspec

from orlop.domain.access import Action
from orlop.domain.names import Tag
from orlop.faces.distribution.blobs import BlobHandlers
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.lists import ListHandlers
from orlop.faces.distribution.manifests import ManifestHandlers
from orlop.faces.distribution.request import Request, RequestKind
from orlop.faces.distribution.uploads import UploadHandlers
from orlop.faces.http.responses import Response

Handler = Callable[[Request, Exchange], Awaitable[Response]]


class Needs(msgspec.Struct, frozen=True):
    """What somebody must be allowed to do to be let in: at least one of these.

    Which of several it takes, and for which tags, is asked by the service when it shows.
    """

    actions: tuple[Action, ...]
    by_tag: tuple[Action, ...] = ()
    """Where the request names a tag; empty: the same."""
    ahead: Action | None = None
    """What a client that asks with HEAD is about to do: some keep the first token that they are challenged to fetch."""

    def of(self, request: Request) -> tuple[tuple[Action, ...], str]:
        """The actions for a request, and the tag that they are about."""
        if not isinstance(request.reference, Tag):
            return self.actions, ""
        return self.by_tag or self.actions, request.reference


#: What each kind of request needs, for the one place that decides who may.
NEEDS: dict[RequestKind, Needs] = {
    RequestKind.PING: Needs((Action.PING,)),
    RequestKind.TAGS: Needs((Action.LIST,)),
    RequestKind.REFERRERS: Needs((Action.PULL,)),
    RequestKind.MANIFEST_GET: Needs((Action.PULL,)),
    RequestKind.MANIFEST_PUT: Needs((Action.PUSH_NEW, Action.TAG, Action.OVERWRITE)),
    RequestKind.MANIFEST_DELETE: Needs((Action.DELETE,), by_tag=(Action.UNTAG,)),
    RequestKind.BLOB_GET: Needs((Action.PULL,), ahead=Action.PUSH_NEW),  # a push looks first which blobs are there
    RequestKind.BLOB_DELETE: Needs((Action.DELETE,)),
    RequestKind.UPLOAD_START: Needs((Action.PUSH_NEW,)),
    RequestKind.UPLOAD_STATUS: Needs((Action.PUSH_NEW,)),
    RequestKind.UPLOAD_APPEND: Needs((Action.PUSH_NEW,)),
    RequestKind.UPLOAD_FINISH: Needs((Action.PUSH_NEW,)),
    RequestKind.UPLOAD_CANCEL: Needs((Action.PUSH_NEW,)),
}

#: Lists that show each caller what they may see, so that there is nothing to refuse but a credential.
FILTERED = frozenset({RequestKind.CATALOG})

#: Lists, which are as large as somebody made them.
LISTS = frozenset({RequestKind.CATALOG, RequestKind.TAGS, RequestKind.REFERRERS})

#: Requests that bring a body worth reading; of every other one it is drained.
WITH_BODY = frozenset(
    {RequestKind.MANIFEST_PUT, RequestKind.UPLOAD_START, RequestKind.UPLOAD_APPEND, RequestKind.UPLOAD_FINISH}
)

#: Requests that receive blobs, which are limited in number.
UPLOADING = frozenset({RequestKind.UPLOAD_START, RequestKind.UPLOAD_APPEND, RequestKind.UPLOAD_FINISH})

#: Requests that are refused while the registry is read-only. An upload that is under way stays as it is meanwhile.
WRITING = UPLOADING | {
    RequestKind.MANIFEST_PUT,
    RequestKind.MANIFEST_DELETE,
    RequestKind.BLOB_DELETE,
    RequestKind.UPLOAD_CANCEL,
}


class Handlers(msgspec.Struct, frozen=True):
    """Everyone who handles something."""

    lists: ListHandlers
    manifests: ManifestHandlers
    blobs: BlobHandlers
    uploads: UploadHandlers


def table(handlers: Handlers) -> dict[RequestKind, Handler]:
    """Kind to handler, for all but the two reads whose answers are remembered."""
    return {
        RequestKind.PING: handlers.lists.ping,
        RequestKind.CATALOG: handlers.lists.catalog,
        RequestKind.TAGS: handlers.lists.tags,
        RequestKind.REFERRERS: handlers.lists.referrers,
        RequestKind.MANIFEST_PUT: handlers.manifests.put,
        RequestKind.MANIFEST_DELETE: handlers.manifests.delete,
        RequestKind.BLOB_DELETE: handlers.blobs.delete,
        RequestKind.UPLOAD_START: handlers.uploads.start,
        RequestKind.UPLOAD_STATUS: handlers.uploads.status,
        RequestKind.UPLOAD_APPEND: handlers.uploads.append,
        RequestKind.UPLOAD_FINISH: handlers.uploads.finish,
        RequestKind.UPLOAD_CANCEL: handlers.uploads.cancel,
    }
