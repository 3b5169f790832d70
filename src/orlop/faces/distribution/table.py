"""Which action each kind of request is, and who handles it. A kind without a row does not start."""

from collections.abc import Awaitable, Callable

import msgspec

from orlop.domain.access import Action
from orlop.faces.distribution.blobs import BlobHandlers
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.lists import ListHandlers
from orlop.faces.distribution.manifests import ManifestHandlers
from orlop.faces.distribution.request import Kind, Request
from orlop.faces.distribution.responses import Response
from orlop.faces.distribution.uploads import UploadHandlers

Handler = Callable[[Request, Exchange], Awaitable[Response]]

#: What each kind of request does, for the one place that decides who may.
ACTIONS: dict[Kind, Action] = {
    Kind.PING: Action.PING,
    Kind.CATALOG: Action.LIST,
    Kind.TAGS: Action.LIST,
    Kind.REFERRERS: Action.PULL,
    Kind.MANIFEST_GET: Action.PULL,
    Kind.MANIFEST_PUT: Action.PUSH_NEW,
    Kind.MANIFEST_DELETE: Action.DELETE,
    Kind.BLOB_GET: Action.PULL,
    Kind.BLOB_DELETE: Action.DELETE,
    Kind.UPLOAD_START: Action.PUSH_NEW,
    Kind.UPLOAD_STATUS: Action.PUSH_NEW,
    Kind.UPLOAD_APPEND: Action.PUSH_NEW,
    Kind.UPLOAD_FINISH: Action.PUSH_NEW,
    Kind.UPLOAD_CANCEL: Action.PUSH_NEW,
}

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
