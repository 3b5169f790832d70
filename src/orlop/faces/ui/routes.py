"""Which pages there are: the table of all routes, and the match of a request against it.

A path is written as `/jobs/{number}`; `{name:rest}` takes everything to the end, slashes included. The first component
is always plain. Who may see a page is not said here: its service checks that, as it does for the API.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from orlop.faces.ui.exchange import Reply, UiExchange

Handler = Callable[[UiExchange], Awaitable[Reply]]

_PART = re.compile(r"\{([a-z]+)(:rest)?\}", re.ASCII)


class Route(msgspec.Struct, frozen=True):
    """One page, or what one form does. `open`: also for who is not signed in; `foreign`: another server sends it, not a
    page of ours, and it proves itself by what it holds."""

    method: str
    path: str
    handler: Handler
    open: bool = False
    foreign: bool = False


class PageGroup(Protocol):
    """Pages that belong together."""

    def routes(self) -> tuple[Route, ...]: ...


class Routes:
    """All of them. Of two that match, the one that comes first answers."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = tuple(routes)
        self._patterns: dict[tuple[str, str], list[tuple[re.Pattern[str], Route]]] = {}
        for route in self.all:
            key = route.method, _first(route.path)
            self._patterns.setdefault(key, []).append((re.compile(_pattern(route.path)), route))

    @property
    def first(self) -> frozenset[str]:
        """The first components of their paths."""
        return frozenset(first for _, first in self._patterns)

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """Who answers, and what stands in the path; None where nobody does."""
        for pattern, route in self._patterns.get((method, _first(path)), ()):
            found = pattern.fullmatch(path)
            if found is not None:
                return route, found.groupdict()
        return None

    def has(self, path: str) -> bool:
        """Whether there is such a page."""
        return self.find("GET", path) is not None


def _first(path: str) -> str:
    return path.split("/", 2)[1]


def _pattern(path: str) -> str:
    pattern, end = "", 0
    for part in _PART.finditer(path):
        taken = ".+" if part[2] else "[^/]+"
        pattern += f"{re.escape(path[end : part.start()])}(?P<{part[1]}>{taken})"
        end = part.end()
    return pattern + re.escape(path[end:])
