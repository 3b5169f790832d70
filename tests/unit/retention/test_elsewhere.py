"""Rules of other registries are put into ours, with what differs; and which tags that concerns is computed."""

import json
import re
from typing import Any

import pytest

from orlop.domain.durations import DAY
from orlop.domain.errors import RequestInvalid
from orlop.domain.retention.elsewhere.compared import LONGEST, SYSTEMS, differences, read_policy
from orlop.domain.retention.elsewhere.texts import braces, globs
from orlop.domain.retention.inventory import Inventory, Kept, Tagged
from tests.unit.retention.policies import ALL
from tests.unit.retention.test_plan import NOW, digest

#: By name: which image a tag points at, since how many days; by image: its age and when it was pulled last.
TAGS = {
    "1.4.0": ("m0", 40),
    "beta-1": ("m1", 300),
    "build-1": ("m2", 60),
    "build-2": ("m3", 50),
    "build-3": ("m4", 20),
    "build-4": ("m5", 10),
    "build-5": ("m6", 2),
    "latest": ("m4", 1),
    "prod": ("m0", 40),
    "prod-7": ("m7", 100),
}
IMAGES = {"m0": (40, 3), "m1": (300, 300), "m2": (60, 4), "m3": (50, 50), "m4": (20, 20), "m5": (10, 10), "m6": (2, 1)}
HELD = Inventory(
    repository="team/app",
    tags=[Tagged(name, digest(image), NOW - days * DAY) for name, (image, days) in TAGS.items()],
    manifests={
        digest(name): Kept(digest(name), pushed_at=NOW - pushed * DAY, pulled_at=NOW - pulled * DAY)
        for name, (pushed, pulled) in {**IMAGES, "m7": (100, 0)}.items()
    },
)
CASES = [(system, policy, differing) for system, policies in ALL.items() for policy, differing in policies]


def test_there_are_ten_of_each() -> None:
    assert SYSTEMS.keys() == ALL.keys()
    assert all(len(policies) >= 10 for policies in ALL.values())


@pytest.mark.parametrize(("system", "policy", "differing"), CASES)
def test_what_the_two_treat_differently(system: str, policy: Any, differing: set[str]) -> None:
    read = read_policy(system, json.dumps(policy))
    made = read.translate()
    assert all(re.fullmatch(r"[^\n]{20,200}", said) for said in made.differs)
    if not made.body:
        assert not differing
        return
    found = differences(read, made.body, HELD, NOW)
    assert {one.tag for one in found} == differing
    assert all(one.why for one in found)


@pytest.mark.parametrize(
    ("system", "text", "said"),
    [
        ("ecr", "{", "it is no policy of ecr"),
        ("ecr", "[]", "it is no policy of ecr: Expected `object`, got `array`"),
        ("ecr", '{"rules": []}', "it is no policy of ecr"),
        ("ecr", '{"rules": [{"rulePriority": 1, "action": {"type": "expire"}}]}', "selection"),
        (
            "gar",
            '[{"name": "x", "action": {"type": "Delete"}, "condition": {"olderThan": "soon"}}]',
            "'soon' is no age",
        ),
        ("harbor", '{"rules": [{"template": 7}]}', "Expected `str`, got `int`"),
        (
            "harbor",
            '{"rules": [{"template": "latestPushedK", "params": {"latestPushedK": "x"}}]}',
            "Expected `int`, got `str`",
        ),
        ("gitlab", '{"name_regex": "("}', "'(' is no regular expression"),
        ("gitlab", '{"older_than": "a while"}', "'a while' is no number of days"),
        ("gitlab", "[" * 100_000, "it is no policy of gitlab"),
        ("gitlab", " " * (LONGEST + 1), f"a policy has at most {LONGEST} bytes"),
    ],
)
def test_what_is_no_policy_is_refused_in_one_sentence(system: str, text: str, said: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        read_policy(system, text).translate()
    assert said in refused.value.message
    assert len(refused.value.message) < 400


def test_an_image_that_an_index_lists_does_not_expire_on_its_own() -> None:
    policy = read_policy("ecr", json.dumps(ALL["ecr"][0][0]))
    listed = Inventory("team/app", HELD.tags, HELD.manifests, {digest("m1"): [digest("m7")]})
    assert policy.deletes(HELD, NOW) - policy.deletes(listed, NOW) == {"prod-7"}


def test_braces_stand_for_each_of_what_is_in_them() -> None:
    assert braces("{a,b}-{1,2}") == ("a-1", "a-2", "b-1", "b-2")
    assert braces("a*") == ("a*",)


@pytest.mark.parametrize(
    ("expression", "exact", "wider"),
    [
        (".*", ("*",), ("*",)),
        ("v1", ("v1",), ("v1",)),
        ("^release-.*$", ("release-*",), ("release-*",)),
        (r"v1\.4\..*", ("v1.4.*",), ("v1.4.*",)),
        ("(?:a|b)-.*|c", ("a-*", "b-*", "c"), ("a-*", "b-*", "c")),
        ("v.+", None, ("v*",)),
        (r"\d+", None, ("*",)),
        ("[ab]x", None, ("*x",)),
        ("ab?", None, ("a*",)),
        ("^((?!master).)*$", None, None),
        ("(a|b)+", None, None),
        ("a.*?", None, None),
        ("(", None, None),
    ],
)
def test_regular_expressions_as_patterns(
    expression: str, exact: tuple[str, ...] | None, wider: tuple[str, ...] | None
) -> None:
    assert globs(expression, wider=False) == exact
    assert globs(expression, wider=True) == wider
