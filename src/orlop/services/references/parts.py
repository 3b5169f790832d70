"""Images written whole, and in parts: a name here, a tag there, a digest under a key of its own."""

import math
import re
from decimal import Decimal

from orlop.services.references.occurrences import Occurrence, Slot, SlotKind, Span
from orlop.services.references.placeholders import PLACEHOLDER, filled_in
from orlop.services.references.variables import Fragment
from orlop.services.references.yaml_tree import Mapping, Scalar, fragment

_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_ODD_INTEGER = re.compile(r"[-+]?0[0-9_xob][0-9a-fA-F_]*|[-+]?[0-9]+_[0-9_]*", re.ASCII)
#: Powers of ten from which Go's `%v` writes a float with an exponent.
_EXPONENT_FROM = 6


def plain_occurrence(written: Fragment, where: str) -> Occurrence:
    """A reference in a format without variables of its own."""
    span = Span(written.offsets[0], written.offsets[-1] + 1)
    if PLACEHOLDER.search(written.text):
        return filled_in(span, where, written.text)
    place = written.span
    return Occurrence(
        span,
        where,
        written.text,
        written.text,
        slot=Slot(SlotKind.REFERENCE, place) if place else None,
        fixed="" if place else "it is written with escapes or over several lines",
        sources=written.sources if place else (),
    )


def value_of(part: Scalar | None) -> str:
    return part.value.strip() if part is not None else ""


def digest_in(owner: Mapping, keys: tuple[str, ...] = ("digest", "sha")) -> tuple[str, str]:
    """The key that holds the digest, if there is one, and the digest; `sha` holds only the hex of a sha256."""
    for key in keys:
        prefix = "sha256:" if key == "sha" else ""
        value = owner.get(key)
        if isinstance(value, Scalar):
            given = "" if value.is_null else value.value.strip()
            return key, prefix + given if given else ""
    return "", ""


def digest_slot(text: str, owner: Mapping, tag: Scalar | None, key: str) -> tuple[Slot | None, str]:
    """Where the digest belongs: where one stands already, else under `digest` or `sha`, else behind the tag."""
    if key and not (tag is not None and "@" in tag.value):
        kind = SlotKind.DIGEST if key == "digest" else SlotKind.HEX
        value = owner.get(key)
        assert isinstance(value, Scalar)
        return _value_slot(text, owner, key, value, kind)
    if tag is None:
        return None, "there is neither a digest key nor a tag to write it to"
    if tag.aliased:
        return None, "its tag is an anchor that other values share"
    place = fragment(text, tag).span
    if place is None:
        return None, "its tag is written with escapes or over several lines"
    return Slot(SlotKind.TAG, place), ""


def _value_slot(text: str, owner: Mapping, key: str, value: Scalar, kind: SlotKind) -> tuple[Slot | None, str]:
    if value.aliased:
        return None, "its digest is an anchor that other values share"
    if value.style in ("'", '"'):
        place = fragment(text, value).span if value.value.strip() else Span(value.end - 1, value.end - 1)
        return (Slot(kind, place), "") if place else (None, "its digest is written with escapes")
    if value.value == "" and not value.style and key in owner.own:
        colon = re.compile(r"\s*:").match(text, owner.own[key][0].end)
        if colon is None:
            return None, "its digest has no place that can be written to"
        return Slot(kind, Span(colon.end(), colon.end()), before=" "), ""
    if value.is_null:
        return Slot(kind, Span(value.end - len(value.value), value.end)), ""
    place = fragment(text, value).span
    return (Slot(kind, place), "") if place else (None, "its digest is written over several lines")


def is_number(part: Scalar) -> bool:
    """Whether YAML takes a scalar for a number."""
    return not part.style and bool(_NUMBER.fullmatch(part.value) or _ODD_INTEGER.fullmatch(part.value))


def as_helm_writes(part: Scalar) -> str | None:
    """How Helm writes a number in other words: 1.10 as 1.1; empty if it is hard to say, None if it stays as it is."""
    if not is_number(part):
        return None
    if _ODD_INTEGER.fullmatch(part.value):
        return ""
    shown = _shortest(float(part.value))
    return None if shown in ("inf", "-inf", part.value) else shown


def _shortest(number: float) -> str:
    """As Go's `%v` does: the shortest digits, with an exponent from a million on and below a ten-thousandth."""
    if number == 0 or math.isinf(number):
        return "0" if number == 0 else str(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    magnitude = len(digits) - 1 + exponent
    if -4 <= magnitude < _EXPONENT_FROM:
        return format(Decimal((sign, digits, exponent)), "f")
    text = "".join(map(str, digits))
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{'-' if sign else ''}{text[0]}{fraction}e{magnitude:+03d}"
