"""How values reach a statement."""

from collections.abc import Sequence

import msgspec


def each(values: Sequence[str | int]) -> str:
    """Values as one parameter, which a statement takes apart again."""
    return msgspec.json.encode(values, enc_hook=str).decode()
