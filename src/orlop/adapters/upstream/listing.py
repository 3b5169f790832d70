"""Lists that come in pages: tags, repositories and referrers, by their Link headers, or else by their last names."""

import re
from collections.abc import AsyncIterator

import msgspec
from yarl import URL

from orlop.adapters.upstream.connection import Connection
from orlop.adapters.upstream.errors import error_of
from orlop.adapters.upstream.transport import Answer, Call, follow
from orlop.domain.errors import RegistryError
from orlop.ports.upstream import UpstreamError

#: A page of 10,000 names of 255 characters, and room.
PAGE_BYTES = 8 * 1024 * 1024
#: What is asked for; registries give less as they please.
PAGE_SIZE = 1_000
#: More pages than any list has; a registry that turns in a circle is stopped.
_PAGES = 100_000
#: The bounds of pages that registries have are multiples of this.
_ROUND = 50

_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*?\brel\s*=\s*"?next"?', re.IGNORECASE)


async def pages(
    connection: Connection, url: URL, scopes: tuple[str, ...], accept: str, what: str
) -> AsyncIterator[Answer]:
    """Every page from `url` on, whatever the status of the first; later ones must succeed."""
    seen: set[str] = set()
    target: URL | None = url
    first = True
    while target is not None:
        seen.add(str(target))
        answer = await connection.read(Call("GET", target, {"Accept": accept}, scopes=scopes), PAGE_BYTES)
        if not first and answer.status != 200:
            raise error_of(answer, what, UpstreamError)
        first = False
        yield answer
        target = _next(answer)
        if target is not None and (str(target) in seen or len(seen) == _PAGES):
            raise UpstreamError(f"{what}: the pages of the list lead in a circle")


async def names(
    connection: Connection, url: URL, scopes: tuple[str, ...], key: str, what: str, missing: type[RegistryError]
) -> AsyncIterator[str]:
    """The strings under `key` of every page.

    Some registries honour `n` and send no Link. So a full page without one is asked to go on after its last name, until
    a page is short or brings nothing new, and `Connection.tell` gets a word about it where that mattered.
    """
    known: frozenset[str] = frozenset()
    lasts: set[str] = set()
    size = 0
    while True:
        links = -1
        async for answer in pages(connection, url, scopes, "application/json", what):
            links += 1
            page = _page(answer, key, what, missing)
            for name in page:
                if name not in known:
                    yield name
        if len(lasts) == 1 and not known.issuperset(page):
            connection.tell(f"{what}: the registry does not name the next page; asked for it by the last name of each")
        elif len(lasts) == 1 and len(page) == PAGE_SIZE:
            connection.tell(f"{what}: the registry gives the same {PAGE_SIZE} again and again; there may be more")
        size = size or len(page)
        if links or not _is_full(page, size) or known.issuperset(page) or page[-1] in lasts:
            return
        known = frozenset(page)
        lasts.add(page[-1])
        url = url.update_query(last=page[-1])


def _page(answer: Answer, key: str, what: str, missing: type[RegistryError]) -> list[str]:
    if answer.status != 200:
        raise error_of(answer, what, missing)
    try:
        document = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
        return msgspec.json.decode(document.get(key, msgspec.Raw(b"null")), type=list[str] | None) or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise UpstreamError(f"{what}: the answer is not a list") from cause


def _is_full(page: list[str], size: int) -> bool:
    """Whether a page has as many names as were asked for, or as a registry with a bound of its own gives: those are
    round. `size` is that of the first page. One with more than was asked for is of a registry that knows no pages."""
    return 0 < len(page) <= PAGE_SIZE and len(page) == size and size % _ROUND == 0


def _next(answer: Answer) -> URL | None:
    match = _NEXT.search(answer.headers.get("link", ""))
    return follow(answer.url, match[1]) if match else None
