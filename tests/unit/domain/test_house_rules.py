"""What rules and grants come to as sentences."""

from typing import Any

import msgspec
import pytest

from orlop.domain.access import ROLES, Conditions, Effect, Grant, Place, PlaceKind
from orlop.domain.house_rules import of_grants, of_repositories, of_retention, of_tags, of_trash
from orlop.domain.repository_rules import RepositoryRule
from orlop.domain.retention.rules import Keeping, Per, RetentionRule, Selector
from orlop.domain.tag_rules import TagRule
from orlop.domain.trash_rules import TrashRule

TEAM = Place(PlaceKind.NAMESPACE, "team")

#: By field of a rule for tags: a value, and what is said of it.
OF_TAGS: dict[str, tuple[Any, str]] = {
    "immutable": (True, "stay what they point at: nobody moves or removes them."),
    "may_create": (("ann", "robot+ci", "group:dev"), "are created only by ann, robot+ci and the group dev."),
    "may_move": (("role:owner",), "are moved only by whoever has the role owner there."),
    "may_remove": (("nobody",), "are removed by nobody."),
    "names": (("v*", "rel-*"), "match v* or rel-* when they are set or moved."),
    "semver": (True, "are semantic versions when they are set or moved, such as 1.4.0 or v1.4.0-rc.1."),
}
OF_REPOSITORIES: dict[str, tuple[Any, str]] = {
    "names": (("team/*",), "New repositories are named like team/*."),
    "depth": (1, "Names of new repositories have at most 1 component."),
    "reserved": (("latest", "tmp"), "No component of the name of a new repository is latest or tmp."),
}


def test_every_field_of_a_rule_is_said() -> None:
    assert {"tags", "exclude", *OF_TAGS} == set(TagRule.__struct_fields__)
    assert set(OF_REPOSITORIES) == set(RepositoryRule.__struct_fields__)


@pytest.mark.parametrize("field", OF_TAGS)
def test_what_a_rule_says_of_tags(field: str) -> None:
    value, words = OF_TAGS[field]
    for about, said in (
        ({"tags": ("*",)}, "All tags"),
        ({"tags": ("v*", "1.*")}, "Tags named v* or 1.*"),
        ({"tags": ("v*",), "exclude": ("v0",)}, "Tags named v*, but for those named v0,"),
    ):
        [sentence] = of_tags("some", "team", TagRule(**about, **{field: value}))
        assert sentence.text == f"{said} {words}"
        assert (sentence.kind, sentence.name, sentence.place) == ("tag-rule", "some", "team/")


@pytest.mark.parametrize("field", OF_REPOSITORIES)
def test_what_a_rule_says_of_repositories(field: str) -> None:
    value, words = OF_REPOSITORIES[field]
    [sentence] = of_repositories("some", "", RepositoryRule(**{field: value}))
    assert (sentence.text, sentence.kind, sentence.place) == (words, "repository-rule", "/")


#: By field of a selector: a value, and what is said of it.
OF_SELECTORS: dict[str, tuple[Any, str]] = {
    "tags": (("build-*", "dev"), "Tags named build-* or dev"),
    "exclude": (("prod",), "All tags, but for those named prod,"),
    "repositories": (("team/*",), "All tags in repositories named team/*"),
    "channels": (("build",), "All tags of the channel build"),
    "semver": (">=1", "All tags that are versions in >=1"),
    "platforms": (("linux/arm64",), "All tags that are for linux/arm64"),
    "artifact_types": (("application/x",), "All tags that are of the type application/x"),
    "labels": ({"stage": "test"}, "All tags that have the labels stage=test"),
    "pushed_within": ("1d", "All tags that were set within 1d"),
    "not_pushed_within": ("1d", "All tags that were not set within 1d"),
    "pulled_within": ("1d", "All tags that were pulled within 1d"),
    "not_pulled_within": ("1d", "All tags that were neither pulled nor set within 1d"),
}


def test_every_field_of_a_selector_is_said() -> None:
    assert set(OF_SELECTORS) == set(Selector.__struct_fields__)


@pytest.mark.parametrize("field", OF_SELECTORS)
def test_what_a_rule_says_of_how_long_images_stay(field: str) -> None:
    value, words = OF_SELECTORS[field]
    rule = RetentionRule(
        delete=(Selector(**{field: value}),),
        keep=(Keeping(**{field: value}), Keeping(newest=3, per=Per.MINOR, **{field: value})),
        untagged_after="7d",
    )
    assert [said.text for said in of_retention("some", "team", rule)] == [
        f"{words} are deleted, unless something keeps them.",
        f"{words} are kept.",
        f"The newest 3 of each minor of {words[0].lower()}{words[1:]} are kept.",
        "Manifests go that nothing has led to for 7d.",
    ]


def test_what_grants_say() -> None:
    pushes = "make repositories, push content, set new tags"
    grant = Grant(7, Effect.ALLOW, "group:dev", "publisher", ROLES["publisher"].actions, TEAM)

    def said(changed: Grant, actions: frozenset[Any] = grant.actions, of: str = "group:dev") -> list[str]:
        return [sentence.text for sentence in of_grants(of, actions, (changed,))]

    def but(**changes: Any) -> Grant:
        return msgspec.structs.replace(grant, **changes)

    assert said(grant) == [f"Members of the group dev may {pushes} and move tags."]
    assert said(grant, of="ann") == [], "what a group has is said of the group"
    assert said(grant, frozenset()) == [], "another grant denies it"
    assert said(but(actions=ROLES["reader"].actions)) == [], "whoever only reads is not told of"
    assert said(but(conditions=Conditions(networks=("10.0.0.0/8",)), expires_at=5)) == [
        f"Members of the group dev may {pushes} and move tags, under the conditions of that grant, until that grant"
        " expires."
    ]
    assert said(but(tags="v*")) == [
        "Members of the group dev may make repositories, push content, set new tags named v* and move tags named v*."
    ]
    denied = but(effect=Effect.DENY, principal="ann", place=Place(PlaceKind.REGISTRY))
    [sentence] = of_grants("ann", frozenset(), (denied,))
    assert sentence.text == f"ann may not {pushes}, move tags or remove tags."
    assert (sentence.kind, sentence.name, sentence.place) == ("grant", "7", "/")


def test_what_a_rule_says_of_what_is_deleted() -> None:
    assert {"keep"} == set(TrashRule.__struct_fields__)
    said = {keep: of_trash("long", "team", TrashRule(keep=keep))[0] for keep in ("30d", "0")}
    assert {keep: sentence.text for keep, sentence in said.items()} == {
        "30d": "What is deleted can be restored for 30d.",
        "0": "What is deleted is gone at once.",
    }
    assert (said["0"].kind, said["0"].name, said["0"].place) == ("trash-rule", "long", "team/")
