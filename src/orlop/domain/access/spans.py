"""Spans of repository names in byte order: what a place covers, and how spans are put together and taken apart."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from orlop.domain.access.grants import Place, PlaceKind
from orlop.domain.access.patterns import pattern


class NameSpan(NamedTuple):
    """The names from `low` on and before `high`."""

    low: str
    high: str


#: No name has a character as low as this, nor one as high as that: they stand right before and behind all that begin
#: with the same letters.
_LOWEST, _HIGHEST = "!", "~"

EVERYTHING = NameSpan("", _HIGHEST)


def after(name: str) -> str:
    """Where a span begins that has every name after this one, and not itself."""
    return f"{name}{_LOWEST}" if name else ""


def only(name: str) -> NameSpan:
    """This name alone."""
    return NameSpan(name, f"{name}{_LOWEST}")


def below(namespace: str) -> NameSpan:
    """The names of all repositories in a namespace, at any depth; the root's are all."""
    return NameSpan(f"{namespace}/", f"{namespace}0") if namespace else EVERYTHING  # `0` comes right after `/`


def at_or_below(path: str) -> tuple[NameSpan, ...]:
    """The name of a node of the tree and those of all repositories below it; the root's are all."""
    return (only(path), below(path)) if path else (EVERYTHING,)


def span_of(place: Place) -> tuple[NameSpan, bool]:
    """The names of a place: all of the span, or, when that is False, some of it."""
    match place.kind:
        case PlaceKind.REGISTRY:
            return EVERYTHING, True
        case PlaceKind.NAMESPACE:
            return below(place.path), True
        case PlaceKind.REPOSITORIES:
            prefix = pattern(place.path, separator="/").prefix
            if prefix == place.path:
                return only(prefix), True
            return NameSpan(prefix, f"{prefix}{_HIGHEST}"), False


def directly_in(place: Place, namespace: str) -> tuple[NameSpan, bool] | None:
    """The same of the names directly in a namespace alone, of which a pattern mostly says how they begin; None: it has
    none there."""
    if place.kind is not PlaceKind.REPOSITORIES or "**" in place.path:
        return span_of(place)
    head, _, last = place.path.rpartition("/")  # `*` crosses no `/`, so the last one of each is the same
    if not pattern(head, separator="/").matches(namespace):
        return None
    prefix = pattern(last, separator="/").prefix
    begins = f"{namespace}/{prefix}" if namespace else prefix
    is_whole = prefix == last
    return NameSpan(begins, f"{begins}{_LOWEST if is_whole else _HIGHEST}"), is_whole


def is_in(name: str, spans: Sequence[NameSpan]) -> bool:
    """Whether one of the spans, which are in order and do not touch, has a name."""
    before = bisect_right(spans, name, key=lambda span: span.low)
    return before > 0 and name < spans[before - 1].high


def rest(spans: Iterable[NameSpan], name: str) -> tuple[NameSpan, ...]:
    """What is left of spans in order behind a name."""
    low = after(name)
    return tuple(NameSpan(max(span.low, low), span.high) for span in spans if span.high > low)


def merged(spans: Iterable[NameSpan]) -> tuple[NameSpan, ...]:
    """The same names in spans that are in order and do not touch."""
    found: list[NameSpan] = []
    for span in sorted(spans):
        if span.low >= span.high:
            continue
        if found and span.low <= found[-1].high:
            found[-1] = NameSpan(found[-1].low, max(found[-1].high, span.high))
        else:
            found.append(span)
    return tuple(found)


def common(some: Iterable[NameSpan], others: Iterable[NameSpan]) -> tuple[NameSpan, ...]:
    """The names that are in both; each in order."""
    return tuple(_common(iter(some), iter(others)))


def _common(some: Iterator[NameSpan], others: Iterator[NameSpan]) -> Iterator[NameSpan]:
    one, other = next(some, None), next(others, None)
    while one is not None and other is not None:
        low, high = max(one.low, other.low), min(one.high, other.high)
        if low < high:
            yield NameSpan(low, high)
        if one.high <= other.high:
            one = next(some, None)
        else:
            other = next(others, None)


def without(some: Iterable[NameSpan], others: Iterable[NameSpan]) -> tuple[NameSpan, ...]:
    """The names of the first that are not in the second; each in order."""
    return common(some, _gaps(others))


def _gaps(spans: Iterable[NameSpan]) -> Iterator[NameSpan]:
    low = ""
    for span in spans:
        if low < span.low:
            yield NameSpan(low, span.low)
        low = span.high
    if low < EVERYTHING.high:
        yield NameSpan(low, EVERYTHING.high)
