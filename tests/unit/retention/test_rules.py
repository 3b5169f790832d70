"""Rules for retention say what makes sense, or are refused in one sentence."""

from typing import Any

import pytest

from orlop.domain.durations import DAY, HOUR, MINUTE, span
from orlop.domain.errors import RequestInvalid
from orlop.domain.retention.matching import named
from orlop.domain.retention.rules import RETENTION, RetentionRule
from orlop.domain.retention.versions import VersionRange, channel, minor, version

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "the rule would say nothing: give delete, keep or untagged_after"),
    ({"delete": [{}]}, "would keep nothing, not even what was pushed a moment ago"),
    ({"delete": [{"tags": ["*"]}]}, "would keep nothing, not even what was pushed a moment ago"),
    ({"delete": [{"tags": ["build-*"]}, {"not_pushed_within": "9d"}]}, "would keep nothing"),
    ({"delete": [{"tags": ["a b"]}], "keep": [{}]}, "'a b' is no pattern"),
    ({"keep": [{"pushed_within": "soon"}]}, "'soon' is no length of time: write 12h, 90d or 4w"),
    ({"keep": [{"pushed_within": "0d"}]}, "'0d' is no length of time"),
    ({"keep": [{"pushed_within": "9d", "not_pushed_within": "10d"}]}, "no tag was pushed within 9d and not within 10d"),
    ({"keep": [{"semver": ">=1 <1"}]}, "no version lies in '>=1 <1'"),
    ({"keep": [{"semver": "one"}]}, "'one' is no bound of versions"),
    ({"keep": [{"per": "channel"}]}, "per channel is said of how many: give newest"),
    ({"keep": [{"platforms": ["linux"]}]}, "a platform is written os/architecture"),
    ({"untagged_after": "-1d"}, "'-1d' is no length of time"),
    ({"keep": [{"newest": -1}]}, "Expected `int` >= 0"),
    ({"delete": [{"newest": 3}], "keep": [{}]}, "newest"),
    ({"keep": [{}], "brake": 0}, "Expected `int` >= 1"),
    ({"keep": [{"tags": ["a"] * 65}]}, "Expected `array` of length <= 64"),
    ({"keep": [{}] * 65}, "Expected `array` of length <= 64"),
    ({"keeps": [{}]}, "keeps"),
]


@pytest.mark.parametrize(("body", "said"), REFUSED)
def test_what_makes_no_sense_is_refused_in_one_sentence(body: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        RETENTION.parse("builds", body)
    assert said in refused.value.message
    assert len(refused.value.message) < 300


def test_a_rule_is_read_as_it_is_written() -> None:
    body = {
        "delete": [{"tags": ["build-*"]}],
        "keep": [{"tags": ["build-*"], "newest": 20}, {"tags": ["build-*"], "pulled_within": "90d"}],
        "untagged_after": "7d",
    }
    rule = RETENTION.parse("builds", body)
    assert isinstance(rule, RetentionRule)
    assert [keeping.newest for keeping in rule.keep] == [20, 0]
    assert rule.brake == 50


def test_lengths_of_time() -> None:
    assert [span(text) for text in ("90d", "12h", "4w", "5m")] == [90 * DAY, 12 * HOUR, 28 * DAY, 5 * MINUTE]


@pytest.mark.parametrize(
    ("tag", "of"),
    [
        ("build-917", "build"),
        ("prod", "prod"),
        ("prod-2026.1", "prod"),
        ("1.4.2", "release"),
        ("v1.4.2", "release"),
        ("1.5.0-rc.1", "rc"),
        ("1.5.0-rc2", "rc"),
        ("1.5.0-1", "pre"),
        ("_x", "_x"),
        ("1.4", "1"),
    ],
)
def test_the_channel_of_a_tag(tag: str, of: str) -> None:
    assert channel(tag) == of


def test_versions_are_in_the_order_of_their_specification() -> None:
    # Semantic Versioning 2.0.0, section 11.4.
    ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
    ]
    versions = [version(text) for text in ordered]
    assert None not in versions
    assert sorted(versions, key=lambda each: each or ()) == versions
    assert version("1.4") is version("latest") is version("01.0.0") is None
    assert minor("v1.4.2") == "1.4"


@pytest.mark.parametrize(
    ("range_", "has", "has_not"),
    [
        ("*", "0.0.1 9.9.9 1.0.0-rc.1", ""),
        (">=1.4 <2", "1.4.0 1.9.9 2.0.0-0.a", "1.3.9 2.0.0 1.4.0-rc.1"),
        ("1.*", "1.0.0 1.9.9", "2.0.0 0.9.0"),
        ("1.4", "1.4.0 1.4.9", "1.5.0"),
        ("^1.4.2", "1.4.2 1.9.0", "1.4.1 2.0.0 1.4.2-rc.1"),
        ("^0.3.1", "0.3.1 0.3.9", "0.4.0"),
        ("~1.4.2", "1.4.2 1.4.9", "1.5.0"),
        ("=1.4.2", "1.4.2", "1.4.3 1.4.2-rc.1"),
        (">1.4.2", "1.4.3", "1.4.2"),
        ("<=1.4.2", "1.4.2 0.1.0", "1.4.3"),
        ("<1 || >=3", "0.9.0 3.0.0", "1.0.0 2.0.0"),
    ],
)
def test_ranges_of_versions(range_: str, has: str, has_not: str) -> None:
    wanted = VersionRange(range_)
    for text in has.split():
        if text != "2.0.0-0.a":
            assert wanted.has(version(text)), text
    for text in has_not.split():
        assert not wanted.has(version(text)), text
    assert not wanted.has(None)


@pytest.mark.parametrize(
    ("patterns", "matching", "others"),
    [
        (["build-*"], "build- build-1", "xbuild-1 build"),
        (["*-rc"], "1-rc -rc", "1-rc2"),
        (["a*b"], "ab axb", "abx xab"),
        (["*rc*"], "rc 1-rc-2", "r-c"),
        (["latest", "prod-*"], "latest prod-1", "late"),
        (["a*b*c*d"], "abcd aXbXcXd", "abc"),
    ],
)
def test_patterns_of_tags(patterns: list[str], matching: str, others: str) -> None:
    test = named(patterns)
    assert test is not None
    assert all(test(tag) for tag in matching.split())
    assert not any(test(tag) for tag in others.split())


def test_a_pattern_of_many_wildcards_takes_no_longer_than_its_text() -> None:
    test = named(["a*" * 60 + "b"])
    assert test is not None
    assert not test("a" * 128)
    assert named(["*"]) is named([]) is None
