"""Conditions about what an image says of itself: its platform, labels, user, base, size and age."""

import re
from collections.abc import Mapping

import msgspec

from orlop.domain.access.patterns import pattern
from orlop.domain.durations import span
from orlop.domain.gates.gate import Gate
from orlop.domain.inside.wildcards import matches_words
from orlop.domain.sizes import size_of, size_words

#: Users that are root (image-spec, config.md, "User": a user name, or a number, and perhaps a group).
_ROOT = re.compile(r"(?:root|\+?0+)?(?::.*)?", re.DOTALL)


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an image says of itself. `base`: the name of what it was built on, empty where it says none; `registry`: the
    host of the cache's upstream, empty for what was pushed here; `size`: of its layers, in bytes; `created_at`: in
    microseconds since 1970, 0 where it says nothing."""

    platform: str = ""
    user: str = ""
    labels: Mapping[str, str] = {}
    base: str = ""
    registry: str = ""
    size: int = 0
    created_at: int = 0


def wrong_with(gate: Gate, said: ImageFacts, now: int) -> str:
    """What a gate has against what an image says of itself, as half a sentence; empty: nothing."""
    for text in gate.labels:
        key, _, value = text.partition("=")
        if key not in said.labels:
            return f"it has no label {key}"
        if value and not matches_words(value, said.labels[key]):
            return f"its label {key} is {said.labels[key][:100]!r} and not {value}"
    if gate.no_root and _ROOT.fullmatch(said.user):
        return "it runs as root"
    if gate.platforms and not _is_any(gate.platforms, said.platform):
        return f"it is for {said.platform or 'no platform'}, and not for {' or '.join(gate.platforms)}"
    if gate.bases and not _is_any(gate.bases, said.base):
        built = f"it says it was built on {said.base[:200]}" if said.base else "it does not say what it was built on"
        return f"{built}, which has to be {' or '.join(gate.bases)}"
    if gate.registries and not _is_any(gate.registries, said.registry):
        came = f"it comes from {said.registry}" if said.registry else "it was pushed here"
        return f"{came}, and has to come from {' or '.join(gate.registries)}"
    if gate.largest and said.size > size_of(gate.largest):
        return f"its layers take {size_words(said.size)}, which is more than {gate.largest}"
    if gate.created_within:
        if not said.created_at:
            return "it does not say when it was built"
        if said.created_at + span(gate.created_within) < now:
            return f"it was built more than {gate.created_within} ago"
    return ""


def _is_any(patterns: tuple[str, ...], text: str) -> bool:
    return bool(text) and any(pattern(each).matches(text) for each in patterns)
