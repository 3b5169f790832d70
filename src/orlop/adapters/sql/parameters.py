"""How values reach a statement."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access.spans import NameSpan


def each(values: Sequence[str | int]) -> str:
    """Values as one parameter, which a statement takes apart again."""
    return msgspec.json.encode(values, enc_hook=str).decode()


def spans_of(spans: Sequence[NameSpan]) -> str:
    """Spans of names as one parameter."""
    return msgspec.json.encode(spans, enc_hook=str).decode()
