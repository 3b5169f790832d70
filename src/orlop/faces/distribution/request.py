"""Method and target to a typed request: a pure function, so that every odd path can be tried without a server."""

from enum import StrEnum
from typing import NoReturn
from urllib.parse import parse_qsl, unquote

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUploadUnknown, RequestInvalid
from orlop.domain.names import Reference, RepositoryName, parse_reference
from orlop.domain.upload import is_upload_name
from orlop.faces.http.errors import MethodNotAllowed, RouteUnknown


class RequestKind(StrEnum):
    """What a request asks for; also the `route` of metrics and logs. The end points are those of the specification."""

    PING = "ping"
    CATALOG = "catalog"
    TAGS = "tags"
    REFERRERS = "referrers"
    MANIFEST_GET = "manifest-get"
    MANIFEST_PUT = "manifest-put"
    MANIFEST_DELETE = "manifest-delete"
    BLOB_GET = "blob-get"
    BLOB_DELETE = "blob-delete"
    UPLOAD_START = "upload-start"
    UPLOAD_STATUS = "upload-status"
    UPLOAD_APPEND = "upload-append"
    UPLOAD_FINISH = "upload-finish"
    UPLOAD_CANCEL = "upload-cancel"


class Request(msgspec.Struct, frozen=True, gc=False):
    """A request that parsed. Which of the fields are set follows from `kind`."""

    kind: RequestKind
    repository: RepositoryName | None = None
    reference: Reference | None = None
    digest: Digest | None = None
    upload: str = ""
    query: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter, None when it is absent."""
        return next((value for key, value in self.query if key == name), None)

    def parameters(self, name: str) -> list[str]:
        """Every value of a query parameter, in order."""
        return [value for key, value in self.query if key == name]


#: More query parameters than any client sends.
_MAX_PARAMETERS = 64

_MANIFEST = {
    "GET": RequestKind.MANIFEST_GET,
    "HEAD": RequestKind.MANIFEST_GET,
    "PUT": RequestKind.MANIFEST_PUT,
    "DELETE": RequestKind.MANIFEST_DELETE,
}
_BLOB = {"GET": RequestKind.BLOB_GET, "HEAD": RequestKind.BLOB_GET, "DELETE": RequestKind.BLOB_DELETE}
_UPLOADS = {"POST": RequestKind.UPLOAD_START}
_UPLOAD = {
    "GET": RequestKind.UPLOAD_STATUS,
    "HEAD": RequestKind.UPLOAD_STATUS,
    "PATCH": RequestKind.UPLOAD_APPEND,
    "PUT": RequestKind.UPLOAD_FINISH,
    "DELETE": RequestKind.UPLOAD_CANCEL,
}


def parse_request(method: str, path: str, query: str) -> Request:
    """Read a request line. `path` is as it came, percent-encoding and all; `query` is what stands behind the `?`.

    A repository's name has no need of percent-encoding, so `%` in it is refused before anything else looks at it;
    references and digests may be encoded (some clients encode the colon). Raises RouteUnknown, MethodNotAllowed,
    NameInvalid, TagInvalid, DigestInvalid, BlobUploadUnknown or RequestInvalid.
    """
    head, _, last = path.rpartition("/")
    parameters = _parameters(query) if query else ()
    if head.endswith("/manifests"):
        return Request(
            _kind(_MANIFEST, method),
            RepositoryName(_name(head, 10)),
            parse_reference(_decoded(last)),
            query=parameters,
        )
    if head.endswith("/blobs/uploads"):
        if not last:
            return Request(_kind(_UPLOADS, method), RepositoryName(_name(head, 14)), query=parameters)
        return Request(_kind(_UPLOAD, method), RepositoryName(_name(head, 14)), upload=_upload(last), query=parameters)
    if head.endswith("/blobs"):
        if last == "uploads":
            return Request(_kind(_UPLOADS, method), RepositoryName(_name(head, 6)), query=parameters)
        return Request(
            _kind(_BLOB, method), RepositoryName(_name(head, 6)), digest=Digest(_decoded(last)), query=parameters
        )
    if head.endswith("/referrers"):
        return Request(
            _kind({"GET": RequestKind.REFERRERS, "HEAD": RequestKind.REFERRERS}, method),
            RepositoryName(_name(head, 10)),
            digest=Digest(_decoded(last)),
            query=parameters,
        )
    if last == "list" and head.endswith("/tags"):
        return Request(
            _kind({"GET": RequestKind.TAGS, "HEAD": RequestKind.TAGS}, method),
            RepositoryName(_name(head, 5)),
            query=parameters,
        )
    if path in ("/v2/", "/v2"):
        return Request(_kind({"GET": RequestKind.PING, "HEAD": RequestKind.PING}, method), query=parameters)
    if path == "/v2/_catalog":
        return Request(_kind({"GET": RequestKind.CATALOG, "HEAD": RequestKind.CATALOG}, method), query=parameters)
    raise RouteUnknown("no end point of the distribution API has this path", {"path": path[:256]})


def _kind(kinds: dict[str, RequestKind], method: str) -> RequestKind:
    kind = kinds.get(method)
    if kind is None:
        raise MethodNotAllowed(method, tuple(kinds))
    return kind


def _name(head: str, suffix: int) -> str:
    if not head.startswith("/v2/"):
        raise RouteUnknown("the distribution API begins with /v2/")
    return head[4:-suffix]


def _decoded(text: str) -> str:
    return unquote(text, errors="replace") if "%" in text else text


def _upload(text: str) -> str:
    if not is_upload_name(text):
        raise BlobUploadUnknown("there is no such upload; begin a new one")
    return text


def _parameters(query: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_qsl(query, keep_blank_values=True, errors="replace", max_num_fields=_MAX_PARAMETERS))
    except ValueError as cause:
        _refuse(f"the query has more than {_MAX_PARAMETERS} parameters", cause)


def _refuse(message: str, cause: ValueError) -> NoReturn:
    raise RequestInvalid(message) from cause
