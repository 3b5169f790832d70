"""Scopes: what clients write, what it stands for, and what they are told to ask for."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.access import ROLES, Action
from orlop.domain.access.actions import REGISTRY_WIDE
from orlop.domain.access.scopes import (
    MEANS,
    SCOPES_MAX,
    VERBS,
    Scope,
    limit_of,
    narrowed,
    parse_scopes,
    scope_for,
    wanted,
)


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


ASKED = [tuple(asked) for count in range(1, 5) for asked in combinations(("pull", "push", "delete", "*"), count)]
CUSTOM = {
    "pushes what is not there yet": {Action.PULL, Action.PUSH_NEW, Action.TAG},
    "lists": {Action.LIST},
    "untags": {Action.UNTAG},
    "all but administering": set(Action) - {Action.ADMIN},
    "nothing": set(),
}
HELD = {name: set(role.actions) for name, role in ROLES.items()} | CUSTOM


@pytest.mark.parametrize("asked", ASKED, ids=",".join)
@pytest.mark.parametrize("role", HELD)
def test_a_token_claims_no_more_than_its_subject_has_and_is_good_for_all_that_was_asked(
    role: str, asked: tuple[str, ...]
) -> None:
    held = HELD[role]
    said = narrowed(asked, held)
    for verb in said:
        assert MEANS.get(verb, {verb}) <= held, "others believe that the subject may do it"
    good_for = limit_of("team/app", said).actions
    assert wanted(asked) & held <= good_for, "what they may do they can do with it"
    assert good_for <= wanted(asked), "and it is for nothing that was not asked for"
    assert narrowed(said, held) == tuple(verb for verb in said if verb in VERBS), (
        "asked for what it has, it is the same"
    )


@pytest.mark.parametrize(
    ("role", "asked", "said"),
    [
        ("guest", ("*",), ("pull",)),
        ("reader", ("*",), ("pull",)),
        ("reader", ("pull", "push"), ("pull",)),
        ("publisher", ("*",), ("pull", "push")),
        ("maintainer", ("*",), ("pull", "push", "delete", "policy-edit")),
        ("owner", ("*",), ("*",)),
        ("owner", ("pull", "*"), ("pull", "*")),
        ("admin", ("push", "pull"), ("push", "pull")),
        ("auditor", ("pull",), ("list", "scan-read")),
        ("pushes what is not there yet", ("pull", "push"), ("pull", "push-new", "tag")),
        ("untags", ("delete",), ("untag",)),
        ("nothing", ("*",), ()),
    ],
)
def test_what_a_token_says(role: str, asked: tuple[str, ...], said: tuple[str, ...]) -> None:
    assert narrowed(asked, HELD[role]) == said


@given(st.lists(st.text(max_size=60), max_size=5))
def test_nothing_that_is_written_breaks_it(texts: list[str]) -> None:
    for scope in parse_scopes(texts):
        assert scope.type
        assert scope.verbs
        assert limit_of(scope.name, scope.verbs).place.path == scope.name
