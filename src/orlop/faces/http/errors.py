"""The one table from errors to HTTP statuses, and the one renderer of error bodies."""

import msgspec

from orlop.domain import errors
from orlop.faces.http.responses import Headers, Response, header


class RouteUnknown(errors.RequestInvalid):
    """No end point of the API has this path."""


class MethodNotAllowed(errors.RegistryError):
    """The end point exists, but not for this method; `allowed` lists those that it has."""

    code = "UNSUPPORTED"

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{method[:32]} is not supported here; use {', '.join(allowed)}")
        self.allowed = allowed


#: The status of every error; the nearest class above an error decides.
STATUS: dict[type[errors.RegistryError], int] = {
    errors.NameInvalid: 400,
    errors.TagInvalid: 400,
    errors.DigestInvalid: 400,
    errors.SizeInvalid: 400,
    errors.ManifestInvalid: 400,
    errors.BlobUploadInvalid: 400,
    errors.RequestInvalid: 400,
    errors.PageInvalid: 400,
    errors.BodyInterrupted: 408,
    errors.Unauthorized: 401,
    errors.Denied: 403,
    errors.NameUnknown: 404,
    errors.BlobUnknown: 404,
    errors.ManifestUnknown: 404,
    errors.ManifestBlobUnknown: 404,
    errors.BlobUploadUnknown: 404,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Stale: 412,
    RouteUnknown: 404,
    errors.Unsupported: 405,
    MethodNotAllowed: 405,
    errors.TooLarge: 413,
    errors.UploadRangeInvalid: 416,
    errors.RangeNotSatisfiable: 416,
    errors.TooManyRequests: 429,
    errors.ContentCorrupt: 500,
    errors.RegistryError: 500,
    errors.Unavailable: 503,
}


class _Entry(msgspec.Struct, omit_defaults=True):
    code: str
    message: str
    detail: object = None


class _Body(msgspec.Struct, rename="camel"):
    errors: list[_Entry]
    request_id: str


def status_of(error: errors.RegistryError) -> int:
    """The HTTP status of an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def render(error: errors.RegistryError, request_id: str) -> Response:
    """`{"errors": [{"code", "message", "detail"}]}` (distribution-spec, "Error Codes"), and the request's id."""
    body = msgspec.json.encode(_Body([_Entry(error.code, error.message, error.detail)], request_id), enc_hook=str)
    return Response(status_of(error), [header("content-type", "application/json"), *_extra(error)], body)


def _extra(error: errors.RegistryError) -> Headers:
    match error:
        case errors.RegistryReadOnly(retry_after=0):
            return []
        case errors.TooManyRequests() | errors.Unavailable() | errors.NotJudged():
            return [header("retry-after", str(error.retry_after))]
        case errors.RangeNotSatisfiable():
            return [header("content-range", f"bytes */{error.size}")]
        case errors.UploadRangeInvalid():
            return [header("range", f"0-{max(error.offset - 1, 0)}")]
        case MethodNotAllowed():
            return [header("allow", ", ".join(error.allowed))]
    return []
