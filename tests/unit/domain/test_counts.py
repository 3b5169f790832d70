"""Numbers of things in sentences."""

import pytest

from orlop.domain.counts import counted


@pytest.mark.parametrize(
    ("number", "what", "said"),
    [
        (0, "tag", "0 tags"),
        (1, "manifest", "1 manifest"),
        (2, "repository", "2 repositories"),
        (3, "key", "3 keys"),
        (1, "entry", "1 entry"),
    ],
)
def test_one_is_said_as_one(number: int, what: str, said: str) -> None:
    assert counted(number, what) == said
