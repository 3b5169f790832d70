"""Repositories as somebody may see or read them: pages over what is visible, without a look at what is not."""

from collections.abc import AsyncIterator, Callable
from functools import partial

import msgspec

from orlop.domain.access import Action, Caller, Rights, Visibility
from orlop.domain.access.spans import EVERYTHING, NameSpan, after, below, rest, without
from orlop.domain.access.visible import Openness, Sight, Stretch, shown_to
from orlop.domain.names import REPOSITORY_MAX, RepositoryName
from orlop.domain.pages import NAME_BYTES, Page, PageRequest, page_of
from orlop.ports.catalog import Browse
from orlop.ports.clock import Clock
from orlop.ports.identity import AccessFacts
from orlop.services.access.decisions import Access

#: Namespaces that say something of visibility, read at once.
_NAMESPACES = 1_000
#: Spans looked into at once: few where each may fill a page, many where those before were all but empty.
_SPANS, _SPANS_MOST = 16, 256
#: How many pages of names are read where only some are wanted, and a pattern may match none of them.
_PAGES = 2
#: Names read at once where each is to be looked at, because a grant is for those that match a pattern.
_NAMES = 1_000


class Repositories:
    """Lists what a caller may see."""

    def __init__(self, browse: Browse, access: Access, facts: AccessFacts, clock: Clock) -> None:
        self._browse = browse
        self._access = access
        self._facts = facts
        self._clock = clock

    async def page(self, caller: Caller, page: PageRequest) -> Page[RepositoryName]:
        """The next repositories that the caller may see, in byte order; `more` when there is another.

        Raises Unauthorized when the caller has to sign in anew.
        """
        rights = await self._access.rights(caller.subject)
        if rights.open:
            return await self._browse.repositories(page)
        if not page.size:
            return Page(())
        sight = Sight(rights, self._clock.now(), caller.address)
        # No name is as long as this, so what comes after a longer text comes after its beginning.
        start = page.after[: REPOSITORY_MAX + 1]
        found: list[RepositoryName] = []
        async for stretch in self._stretches(rights, sight, start):
            async for name in self._names(sight, stretch, page.size + 1):
                found.append(name)
                if len(found) > page.size:
                    return page_of(found, page, largest=NAME_BYTES)
        return page_of(found, page, largest=NAME_BYTES)

    async def visible(
        self, caller: Caller, action: Action, start: str
    ) -> AsyncIterator[tuple[NameSpan, Callable[[str], bool]]]:
        """The spans of names, in order and from a name on, that have all repositories that the caller may list, or read
        with another action; and which of those in a span it is.

        Raises Unauthorized as `page`.
        """
        async for spans, sees in self.visible_between(caller, action, start, EVERYTHING.high):
            for span in spans:
                yield span, sees

    async def visible_between(
        self, caller: Caller, action: Action, start: str, high: str
    ) -> AsyncIterator[tuple[tuple[NameSpan, ...], Callable[[str], bool]]]:
        """The same of names behind one and before another, many spans together."""
        rights = await self._access.rights(caller.subject)
        if rights.open:
            yield (NameSpan(after(start), high),), _anything
            return
        sight = Sight(rights, self._clock.now(), caller.address, action)
        async for stretch in self._stretches(rights, sight, start, high):
            yield stretch.within, partial(sight.sees, stretch=stretch)

    async def visible_in(
        self, caller: Caller, action: Action, namespace: str
    ) -> tuple[tuple[NameSpan, ...], Callable[[str], bool]]:
        """The spans that have the names of all repositories directly in a namespace that it is, and which of those in
        them it is; without a look at any. Raises Unauthorized as `page`."""
        rights = await self._access.rights(caller.subject)
        if rights.open:
            return (below(namespace),), _anything
        sight = Sight(rights, self._clock.now(), caller.address, action)
        visible = (await self._facts.place(f"{namespace}/" if namespace else "")).visible
        stretch = sight.stretch_in(namespace, is_open=visible.visibility in shown_to(rights))
        return stretch.within, partial(sight.sees, stretch=stretch)

    async def granted(self, caller: Caller, action: Action) -> tuple[NameSpan, ...]:
        """The spans that have all names at which grants, and no visibility, let the caller do something. Raises
        Unauthorized as `page`."""
        rights = await self._access.rights(caller.subject)
        if rights.open:
            return (EVERYTHING,)
        return Sight(rights, self._clock.now(), caller.address, action).stretch(EVERYTHING, ()).within

    async def around(self, caller: Caller, target: RepositoryName, most: int) -> tuple[RepositoryName, ...]:
        """Up to `most` repositories that the caller may pull from, or whoever owns the token that they came with: first
        some in the namespace of `target`, then others by name.

        What it costs depends on what there is to be read, and on nothing else. Raises Unauthorized as `page`.
        """
        rights = await self._access.rights(caller.subject)
        rights = msgspec.structs.replace(rights, subject=msgspec.structs.replace(rights.subject, limits=None))
        sight = Sight(rights, self._clock.now(), caller.address, Action.PULL)
        found: dict[RepositoryName, None] = {}
        beside = ((below(target.namespace), most // 2),) if target.namespace else ()
        for span, until in (*beside, (EVERYTHING, most)):
            async for stretch in self._stretches(rights, sight, span.low, span.high):
                async for name in self._names(sight, stretch, most, pages=_PAGES):
                    found[name] = None
                    if len(found) >= until:
                        break
                if len(found) >= until:
                    break
        return tuple(found)

    async def _stretches(
        self, rights: Rights, sight: Sight, start: str, high: str = EVERYTHING.high
    ) -> AsyncIterator[Stretch]:
        """What is to be looked into behind a name and before `high`, in order."""
        low = after(start)
        if not sight.needs_namespaces:
            yield sight.stretch(NameSpan(low, high), ())
            return
        openness = Openness(rights, low, await self._enclosing(start))
        key = start
        while True:
            entries = await self._facts.open_namespaces(key, _NAMESPACES)
            is_last = len(entries) < _NAMESPACES
            end = EVERYTHING.high if is_last else f"{entries[-1][0]}/"
            yield sight.stretch(NameSpan(low, min(end, high)), openness.until(end, entries))
            if is_last or end >= high:
                return
            low = key = end

    async def _enclosing(self, name: str) -> list[tuple[str, Visibility]]:
        """The namespaces around a name that say something of visibility, from the root down."""
        visible = (await self._facts.place(name)).visible
        found = [(visible.namespace, visible.visibility)]
        while visible.namespace:
            visible = (await self._facts.place(visible.namespace)).visible
            found.append((visible.namespace, visible.visibility))
        return found[::-1]

    async def _names(
        self, sight: Sight, stretch: Stretch, size: int, pages: int | None = None
    ) -> AsyncIterator[RepositoryName]:
        """The names in a stretch that may be seen; of spans that hold many, those on the first `pages`."""
        spans, together = stretch.within, _SPANS
        if without(stretch.within, stretch.sure):
            size = max(size, _NAMES)
        while spans:
            part, spans = spans[:together], spans[together:]
            left = pages
            while part and left != 0:
                left = left - 1 if left is not None else None
                page = await self._browse.repositories(PageRequest(size), part)
                for name in page.items:
                    if sight.sees(name, stretch):
                        yield name
                part = rest(part, page.items[-1]) if page.more else ()
                together = _SPANS if page.more else min(together * 2, _SPANS_MOST)


def _anything(name: str) -> bool:
    """Where anybody may do anything."""
    return True
