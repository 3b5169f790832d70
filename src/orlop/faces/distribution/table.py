"""Which actions each kind of request needs, and who handles it. A kind without a row does not start."""

from collections.abc import Awaitable, Callable

import msgspec

from orlop.domain.access import Action
from orlop.domain.names import Tag
from orlop.faces.distribution.blobs import BlobHandlers
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.lists import ListHandlers
from orlop.faces.distribution.manifests import ManifestHandlers
from orlop.faces.distribution.request import Kind, Request
from orlop.faces.distribution.responses import Response
from orlop.faces.distribution.uploads import UploadHandlers

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
NEEDS: dict[Kind, Needs] = {
    Kind.PING: Needs((Action.PING,)),
    Kind.TAGS: Needs((Action.LIST,)),
    Kind.REFERRERS: Needs((Action.PULL,)),
    Kind.MANIFEST_GET: Needs((Action.PULL,)),
    Kind.MANIFEST_PUT: Needs((Action.PUSH_NEW, Action.TAG, Action.OVERWRITE)),
    Kind.MANIFEST_DELETE: Needs((Action.DELETE,), by_tag=(Action.UNTAG,)),
    Kind.BLOB_GET: Needs((Action.PULL,), ahead=Action.PUSH_NEW),  # a push looks first which blobs are there
    Kind.BLOB_DELETE: Needs((Action.DELETE,)),
    Kind.UPLOAD_START: Needs((Action.PUSH_NEW,)),
    Kind.UPLOAD_STATUS: Needs((Action.PUSH_NEW,)),
    Kind.UPLOAD_APPEND: Needs((Action.PUSH_NEW,)),
    Kind.UPLOAD_FINISH: Needs((Action.PUSH_NEW,)),
    Kind.UPLOAD_CANCEL: Needs((Action.PUSH_NEW,)),
}

#: Lists that show each caller what they may see, so that there is nothing to refuse but a credential.
FILTERED = frozenset({Kind.CATALOG})

#: Lists, which are as large as somebody made them.
LISTS = frozenset({Kind.CATALOG, Kind.TAGS, Kind.REFERRERS})

#: Requests that bring a body worth reading; of every other one it is drained.
WITH_BODY = frozenset({Kind.MANIFEST_PUT, Kind.UPLOAD_START, Kind.UPLOAD_APPEND, Kind.UPLOAD_FINISH})

#: Requests that receive blobs, which are limited in number.
UPLOADING = frozenset({Kind.UPLOAD_START, Kind.UPLOAD_APPEND, Kind.UPLOAD_FINISH})


class Handlers(msgspec.Struct, frozen=True):
    """Everyone who handles something."""

    lists: ListHandlers
    manifests: ManifestHandlers
    blobs: BlobHandlers
    uploads: UploadHandlers


def table(handlers: Handlers) -> dict[Kind, Handler]:
    """Kind to handler, for all but the two reads whose answers are remembered."""
    return {
        Kind.PING: handlers.lists.ping,
        Kind.CATALOG: handlers.lists.catalog,
        Kind.TAGS: handlers.lists.tags,
        Kind.REFERRERS: handlers.lists.referrers,
        Kind.MANIFEST_PUT: handlers.manifests.put,
        Kind.MANIFEST_DELETE: handlers.manifests.delete,
        Kind.BLOB_DELETE: handlers.blobs.delete,
        Kind.UPLOAD_START: handlers.uploads.start,
        Kind.UPLOAD_STATUS: handlers.uploads.status,
        Kind.UPLOAD_APPEND: handlers.uploads.append,
        Kind.UPLOAD_FINISH: handlers.uploads.finish,
        Kind.UPLOAD_CANCEL: handlers.uploads.cancel,
    }
