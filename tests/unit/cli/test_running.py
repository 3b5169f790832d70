"""How numbers are told to people."""

import pytest

from orlop.faces.cli.running import counted


@pytest.mark.parametrize(
    ("number", "what", "said"),
    [(0, "tag", "0 tags"), (1, "tag", "1 tag"), (1, "repository", "1 repository"), (2, "repository", "2 repositories")],
)
def test_one_is_not_many(number: int, what: str, said: str) -> None:
    assert counted(number, what) == said
