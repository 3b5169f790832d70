"""Errors as problem details (RFC 9457): one table of statuses, one renderer."""

from http import HTTPStatus

import msgspec

from orlop.domain import errors
from orlop.faces.http.errors import STATUS as OF_DISTRIBUTION

MEDIA_TYPE = "application/problem+json"

#: "The user agent … MUST … be able to … Basic" (RFC 7617); no other scheme asks a person for a name and a password.
CHALLENGE = 'Basic realm="orlop", charset="UTF-8"'


class PathUnknown(errors.RegistryError):
    """No end point of the API has this path."""

    code = "NOT_FOUND"


class MethodUnknown(errors.RegistryError):
    """The end point has no such method; `allowed` lists those that it has."""

    code = "UNSUPPORTED"

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed


class PreconditionMissing(errors.RegistryError):
    """What is replaced has to be named by its version, lest somebody else's change be lost."""

    code = "PRECONDITION_REQUIRED"


class KeyReused(errors.RegistryError):
    """An Idempotency-Key came again with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"


class MediaTypeUnknown(errors.RegistryError):
    """The body is not JSON, or does not say that it is."""

    code = "MEDIA_TYPE_UNKNOWN"


#: The status of every error; the nearest class above an error decides.
STATUS: dict[type[errors.RegistryError], int] = {
    **OF_DISTRIBUTION,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Stale: 412,
    PathUnknown: 404,
    MethodUnknown: 405,
    MediaTypeUnknown: 415,
    KeyReused: 422,
    PreconditionMissing: 428,
}


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457, section 3.1. `type` is always `about:blank`: `code` tells programs what it is."""

    type: str = "about:blank"
    title: str = ""
    status: int = 500
    detail: str = ""
    """What is wrong and what to do, for people."""
    instance: str = ""
    """The path that was asked."""
    code: str = ""
    """What is wrong, for programs."""
    request_id: str = ""
    """Names the request in the log of the registry."""
    about: object = None
    """What else there is to know, such as the field that is wrong."""


def problem(error: errors.RegistryError, path: str, request_id: str) -> Problem:
    """What an error looks like."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.message,
        instance=path[:256],
        code=error.code,
        request_id=request_id,
        about=error.detail,
    )


def extra_headers(error: errors.RegistryError) -> list[tuple[str, str]]:
    """Headers that go with an error."""
    match error:
        case errors.Unauthorized():
            return [("www-authenticate", CHALLENGE)]
        case errors.TooManyRequests() | errors.Unavailable():
            return [("retry-after", str(error.retry_after))]
        case MethodUnknown():
            return [("allow", error.allowed)]
    return []
