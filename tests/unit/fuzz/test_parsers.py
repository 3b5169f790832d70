"""The parsers that are fuzzed, on their seeds and on what Hypothesis finds in a moment, so that none is forgotten."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    """Whole, cut and damaged anywhere."""
    target = TARGETS[name]
    assert target.seeds
    for seed in target.seeds:
        target.once(seed)
        for cut in range(0, len(seed), max(len(seed) // 20, 1)):
            target.once(seed[:cut])
            target.once(seed[:cut] + b"\xff" + seed[cut + 1 :])


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=25)
@given(st.binary(max_size=120) | st.text(max_size=60).map(str.encode))
def test_anything_is_read_or_refused(name: str, content: bytes) -> None:
    TARGETS[name].once(content)
