"""Which repositories a subject may see, as spans of names: what a list reads instead of asking about every name.

`decide` says the same of each name alone, and more slowly.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from orlop.domain.access.actions import Action
from orlop.domain.access.decisions import Question, applies
from orlop.domain.access.grants import Effect, Limit, Place
from orlop.domain.access.rights import Rights, Visibility
from orlop.domain.access.spans import EVERYTHING, NameSpan, below, common, directly_in, merged, span_of, without
from orlop.domain.access.subjects import SubjectKind


class Stretch(msgspec.Struct, frozen=True):
    """Spans to look into, of names that may be seen, and those of them in which nothing more needs to be asked."""

    within: tuple[NameSpan, ...]
    sure: tuple[NameSpan, ...]

    def has(self, name: str) -> bool:
        """Whether a name lies in the spans."""
        return _holds(self.within, name)


class Sight:
    """What one subject may see, at one time and from one address; or do another action that only reads to."""

    def __init__(self, rights: Rights, now: int, address: str, action: Action = Action.LIST) -> None:
        question = Question(action, at=now, address=address)
        applying = [g for g in rights.grants if action in g.actions and applies(g, question)]
        self._action = action
        allowing = [grant for grant in applying if grant.effect is Effect.ALLOW]
        self._every = allowing
        self._denying = [grant for grant in applying if grant.effect is Effect.DENY]
        self._allowing = [grant for grant in allowing if not span_of(grant.place)[1]]
        self._limits = [limits for limits in (rights.limits, rights.subject.limits) if limits is not None]
        self._granted = _all_of(grant.place for grant in allowing)
        self._perhaps = merged(span_of(grant.place)[0] for grant in self._allowing)
        self._denied = _all_of(grant.place for grant in self._denying)
        self._limited = _limited(self._limits, action)

    @property
    def needs_namespaces(self) -> bool:
        """Whether it depends on what namespaces say of visibility."""
        return bool(without(self._limited, merged((*self._granted, *self._denied))))

    def stretch(self, window: NameSpan, opened: Sequence[NameSpan]) -> Stretch:
        """What to look into in a window of names, of which `opened` lie in namespaces that are open to the subject."""
        sure = merged((*self._granted, *opened))
        seen = common(without(merged((*sure, *self._perhaps)), self._denied), self._limited)
        return Stretch(common(seen, (window,)), sure)

    def stretch_in(self, namespace: str, *, is_open: bool) -> Stretch:
        """The same of the names directly in a namespace, which is open to the subject or not."""
        window = below(namespace)

        def spans(places: Iterable[Place], *, whole: bool = False) -> tuple[NameSpan, ...]:
            found = [directly_in(place, namespace) for place in places]
            return merged(each[0] for each in found if each is not None and (each[1] or not whole))

        allowing = [grant.place for grant in self._every]
        sure = merged((*spans(allowing, whole=True), *((window,) if is_open else ())))
        denied = spans((grant.place for grant in self._denying), whole=True)
        seen = without(merged((*sure, *spans(allowing))), denied)
        for each in self._limits:
            seen = common(seen, spans(limit.place for limit in each if self._action in limit.actions))
        return Stretch(common(seen, (window,)), sure)

    def sees(self, name: str, stretch: Stretch) -> bool:
        """Whether a name that lies within a stretch may be seen."""
        if any(grant.place.covers(name) for grant in self._denying):
            return False
        if not all(any(limit.includes(self._action, name, None) for limit in limits) for limits in self._limits):
            return False
        return _holds(stretch.sure, name) or any(grant.place.covers(name) for grant in self._allowing)


def shown_to(rights: Rights) -> frozenset[Visibility]:
    """The visibilities that open a namespace to a subject without a grant."""
    if rights.subject.kind is SubjectKind.ANONYMOUS:
        return frozenset({Visibility.PUBLIC})
    return frozenset({Visibility.PUBLIC, Visibility.INTERNAL})


class Openness:
    """Goes through the namespaces that say something of visibility, in order, and tells which names they open.

    Each holds until the end of its span but for what those below it say. `enclosing` are those around the name that it
    begins at, from the root down.
    """

    def __init__(self, rights: Rights, start: str, enclosing: Iterable[tuple[str, Visibility]]) -> None:
        self._shown = shown_to(rights)
        self._at = start
        self._stack = [(EVERYTHING.high, False)]
        for path, visibility in enclosing:
            self._stack.append((below(path).high, visibility in self._shown))

    def until(self, end: str, entries: Iterable[tuple[str, Visibility]]) -> tuple[NameSpan, ...]:
        """The open names from where it came to on and before `end`; `entries` are all that begin there."""
        found: list[NameSpan] = []
        for path, visibility in entries:
            if path:  # the root encloses everything from the start
                span = below(path)
                self._advance(span.low, found)
                self._stack.append((span.high, visibility in self._shown))
        self._advance(end, found)
        return merged(found)

    def _advance(self, to: str, found: list[NameSpan]) -> None:
        while len(self._stack) > 1 and self._stack[-1][0] <= to:
            high, is_open = self._stack.pop()
            self._pass(high, found, is_open=is_open)
        self._pass(to, found, is_open=self._stack[-1][1])

    def _pass(self, to: str, found: list[NameSpan], *, is_open: bool) -> None:
        if self._at < to:
            if is_open:
                found.append(NameSpan(self._at, to))
            self._at = to


def _all_of(places: Iterable[Place]) -> tuple[NameSpan, ...]:
    """The spans that places cover wholly."""
    return merged(span for span, is_whole in map(span_of, places) if is_whole)


def _limited(limits: Iterable[Sequence[Limit]], action: Action) -> tuple[NameSpan, ...]:
    """The spans in which names lie that every one of the limits admits."""
    spans: tuple[NameSpan, ...] = (EVERYTHING,)
    for each in limits:
        spans = common(spans, merged(span_of(limit.place)[0] for limit in each if action in limit.actions))
    return spans


def _holds(spans: Sequence[NameSpan], name: str) -> bool:
    place = bisect_right(spans, (name, EVERYTHING.high))
    return place > 0 and name < spans[place - 1].high
