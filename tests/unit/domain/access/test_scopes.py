"""Scopes: what clients write, what it stands for, and what they are told to ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.access import Action
from orlop.domain.access.actions import REGISTRY_WIDE
from orlop.domain.access.scopes import SCOPES_MAX, VERBS, Scope, limit_of, parse_scopes, scope_for


@pytest.mark.parametrize(
    ("texts", "scopes"),
    [
        ([], ()),
        (["repository:app:pull"], (Scope("repository", "app", ("pull",)),)),
        (["repository:team/app:pull,push"], (Scope("repository", "team/app", ("pull", "push")),)),
        (
            ["repository:a:pull repository:b:push"],
            (Scope("repository", "a", ("pull",)), Scope("repository", "b", ("push",))),
        ),
        (
            ["repository:a:pull", "registry:catalog:*"],
            (Scope("repository", "a", ("pull",)), Scope("registry", "catalog", ("*",))),
        ),
        (["repository(plugin):app:pull"], (Scope("repository", "app", ("pull",)),)),
        (["repository:host:5000/app:pull"], (Scope("repository", "host:5000/app", ("pull",)),)),
        (["repository:app:pull,,pull"], (Scope("repository", "app", ("pull",)),)),
        (["", " ", "repository", "repository:", "repository:app", "repository:app:", "::", ":app:pull"], ()),
    ],
)
def test_what_clients_write_is_understood(texts: list[str], scopes: tuple[Scope, ...]) -> None:
    assert parse_scopes(texts) == scopes


def test_there_is_an_end_to_it() -> None:
    assert len(parse_scopes([f"repository:r{number}:pull" for number in range(1000)])) == SCOPES_MAX


@pytest.mark.parametrize("name", ["App", "../app", "a//b", "host:5000/app", "a\0"])
def test_what_is_no_repository_is_none(name: str) -> None:
    assert Scope("repository", name, ("pull",)).repository is None


def test_a_token_is_for_the_repository_that_was_named_and_no_other() -> None:
    limit = limit_of("team/app", ("pull",))
    assert limit.includes(Action.PULL, "team/app", None)
    assert not limit.includes(Action.PULL, "team/app2", None)
    assert not limit.includes(Action.PULL, "team/app/more", None)
    assert not limit.includes(Action.PUSH_NEW, "team/app", None)
    assert not limit.includes(Action.PULL, None, "team")
    assert not limit_of("team/app", ("unknown",)).actions


def test_no_verb_reaches_beyond_a_repository() -> None:
    for actions in VERBS.values():
        assert not actions & REGISTRY_WIDE


@pytest.mark.parametrize("action", sorted(set(Action) - REGISTRY_WIDE))
def test_a_token_with_the_scope_of_a_challenge_is_good_for_the_action(action: Action) -> None:
    (scope,) = parse_scopes([scope_for(action, "team/app")])
    assert limit_of(scope.name, scope.verbs).includes(action, "team/app", None)


@given(st.lists(st.text(max_size=60), max_size=5))
def test_nothing_that_is_written_breaks_it(texts: list[str]) -> None:
    for scope in parse_scopes(texts):
        assert scope.type
        assert scope.verbs
        assert limit_of(scope.name, scope.verbs).place.path == scope.name
