"""What every end point shares: who asks, which page of a list, and which version is to be changed."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.params import HeaderParameter, QueryParameter

from orlop.domain.access import Caller
from orlop.domain.errors import RequestInvalid
from orlop.domain.pages import Page, PageRequest
from orlop.faces.api.problems import PreconditionMissing

PREFIX = "/api/v1"
#: Where the caller stands in an ASGI scope.
CALLER = "orlop.caller"

#: A list gives so many entries unless asked for another number.
PAGE = 100
PAGE_MAX = 1_000

Size = Annotated[
    int,
    QueryParameter(name="n", ge=1, le=PAGE_MAX, description="How many entries a page has at most."),
]
Last = Annotated[
    str,
    QueryParameter(name="last", max_length=512, description="Go on after this entry; the Link header has it."),
]
Begins = Annotated[str, QueryParameter(name="begins", max_length=255, description="Only those whose names begin so.")]
Match = Annotated[
    str | None,
    HeaderParameter(name="If-Match", max_length=64, description="The ETag of the version that is to be changed."),
]
NoneMatch = Annotated[
    str | None,
    HeaderParameter(name="If-None-Match", max_length=64, description="`*`: only make it, if it is not there yet."),
]

ApiRequest = Request[Any, Any, Any]
T = TypeVar("T")
V = TypeVar("V")

_TAG = re.compile(r'"(0|[1-9][0-9]{0,17})"', re.ASCII)


def caller_of(request: ApiRequest) -> Caller:
    """Who asks."""
    caller: Caller = request.scope[CALLER]  # type: ignore[literal-required]
    return caller


def listed(
    request: ApiRequest, page: Page[T], view: Callable[[T], V], key: Callable[[T], str], size: int
) -> Response[list[V]]:
    """A page of a list; where more follows, with a link to it (RFC 8288) that keeps the filters."""
    return going_on(request, page.items, view, key(page.items[-1]) if page.more and page.items else "", size)


def going_on(
    request: ApiRequest, items: Sequence[T], view: Callable[[T], V], last: str, size: int
) -> Response[list[V]]:
    """The same of a list that says where it goes on, perhaps before a page is full; empty: nowhere."""
    headers: dict[str, str] = {}
    if last:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name not in {"n", "last"}]
        query = urlencode([*kept, ("n", str(size)), ("last", last)])
        headers["link"] = f'<{request.scope["path"]}?{query}>; rel="next"'
    return Response([view(item) for item in items], headers=headers)


def whole(items: Sequence[T], view: Callable[[T], V]) -> list[V]:
    """A list that has no pages: there are few."""
    return [view(item) for item in items]


def tagged(value: V, version: int, status: int = 200, location: str = "") -> Response[V]:
    """One thing, with its version as entity tag."""
    headers = {"etag": f'"{version}"'}
    if location:
        headers["location"] = location
    return Response(value, headers=headers, status_code=status)


def page_of(size: int, last: str) -> PageRequest:
    """The page that was asked for."""
    return PageRequest(size, last)


def expected(match: str | None) -> int | None:
    """The version that is to be changed; None: whichever there is. Raises RequestInvalid."""
    if match is None or match == "*":
        return None
    found = _TAG.fullmatch(match)
    if found is None:
        raise RequestInvalid("If-Match has one entity tag, as it came: a number in double quotes")
    return int(found[1]) or -1  # the version of what is built in, and of nothing that can be changed


def replacing(match: str | None, none_match: str | None) -> int | None:
    """The version that is to be replaced, 0 to make it, None for whichever there is. Raises PreconditionMissing when
    neither is said: who replaces a thing whole has to have seen it."""
    if none_match is not None:
        if none_match != "*" or match is not None:
            raise RequestInvalid("If-None-Match is * here, and does not come with If-Match")
        return 0
    if match is None:
        raise PreconditionMissing(
            "say what is to be replaced: If-Match with the ETag that you saw, or If-None-Match: * to make it anew"
        )
    return expected(match)
