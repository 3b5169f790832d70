"""Lists that come in pages: tags, repositories and referrers, by their Link headers."""

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

_NEXT = re.compile(r'<([^<>]*)>\s*;[^,<]*?\brel\s*=\s*"?next"?', re.IGNORECASE)


async def pages(
    connection: Connection, url: URL, scopes: tuple[str, ...], accept: str, what: str
) -> AsyncIterator[Answer]:
    """Every page from `url` on, whatever the status of the first; later ones must succeed."""
    seen: set[str] = set()
    target: URL | None = url
    first = True
    while target is not None and len(seen) < _PAGES:
        seen.add(str(target))
        answer = await connection.read(Call("GET", target, {"Accept": accept}, scopes=scopes), PAGE_BYTES)
        if not first and answer.status != 200:
            raise error_of(answer, what, UpstreamError)
        first = False
        yield answer
        target = _next(answer)
        if target is not None and str(target) in seen:
            raise UpstreamError(f"{what}: the pages of the list lead in a circle")


async def names(
    connection: Connection, url: URL, scopes: tuple[str, ...], key: str, what: str, missing: type[RegistryError]
) -> AsyncIterator[str]:
    """The strings under `key` of every page."""
    async for answer in pages(connection, url, scopes, "application/json", what):
        if answer.status != 200:
            raise error_of(answer, what, missing)
        try:
            document = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
            listed = msgspec.json.decode(document.get(key, msgspec.Raw(b"null")), type=list[str] | None)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            raise UpstreamError(f"{what}: the answer is not a list") from cause
        for name in listed or ():
            yield name


def _next(answer: Answer) -> URL | None:
    match = _NEXT.search(answer.headers.get("link", ""))
    return follow(answer.url, match[1]) if match else None
