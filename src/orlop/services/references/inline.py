"""Dockerfiles that are written within other files."""

from collections.abc import Iterator

import msgspec

from orlop.services.references import dockerfile
from orlop.services.references.occurrences import Finding, Level, Occurrence, SourceInvalid, Span
from orlop.services.references.variables import ELSEWHERE, Fragment, Lookup, expand
from orlop.services.references.yaml_tree import Scalar, block

#: Longest Dockerfile that is read within another file, in characters.
_MAX_INLINE = 256 * 1024


def dockerfile_within(text: str, scalar: Scalar, path: str, lookup: Lookup) -> Iterator[Occurrence]:
    """Every image of a Dockerfile in a Compose file, whose variables Compose replaces first."""
    whole = block(text, scalar)
    value = expand(whole, lookup, limit=_MAX_INLINE, keep_missing=True)
    try:
        if value is None:
            raise SourceInvalid("it is too long, or a variable in it is not closed")
        for found in dockerfile.find(value.fragment.text):
            yield _moved(found, value.fragment, scalar, path)
    except SourceInvalid as error:
        finding = Finding(Level.ERROR, "unreadable", error.message)
        span = Span(scalar.start, scalar.end)
        yield Occurrence(span, path, scalar.value[:60], None, fixed=error.message, findings=(finding,))


def _moved(found: Occurrence, inner: Fragment, scalar: Scalar, path: str) -> Occurrence:
    """An occurrence in a text of its own as one in the text that holds it."""
    slot, fixed = found.slot, found.fixed
    if slot is not None:
        place = inner.part(*slot.span)._replace(whole=True).span
        slot = msgspec.structs.replace(slot, span=place) if place else None
        fixed = "" if slot else "it does not stand in the file as it is read"
    return msgspec.structs.replace(
        found,
        span=_hull(inner, found.span) or Span(scalar.start, scalar.end),
        where=f"{path} {found.where}",
        slot=slot,
        fixed=fixed,
        sources=tuple(source for span in found.sources for source in inner.part(*span).sources),
    )


def _hull(inner: Fragment, span: Span) -> Span | None:
    offsets = [offset for offset in inner.offsets[span.start : span.end] if offset != ELSEWHERE]
    return Span(min(offsets), max(offsets) + 1) if offsets else None
