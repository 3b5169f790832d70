"""Custom roles as the catalog keeps them."""

import pytest

from orlop.domain.access import Action
from orlop.domain.access.roles import stored_actions


@pytest.mark.parametrize(
    ("body", "actions"),
    [
        (b'{"actions":["pull","list"],"description":"pulls"}', {Action.PULL, Action.LIST}),
        (b'{"actions":["pull","what a newer release knows"]}', {Action.PULL}),
        (b'{"actions":[]}', set()),
        (b'{"actions":"pull"}', set()),
        (b'{"actions":[1]}', set()),
        (b"{}", set()),
        (b"[]", set()),
        (b"", set()),
        (b"{", set()),
    ],
)
def test_what_cannot_be_read_allows_nothing(body: bytes, actions: set[Action]) -> None:
    assert stored_actions(body) == actions
