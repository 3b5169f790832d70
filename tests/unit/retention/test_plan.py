"""What rules say of a repository: which tags and manifests go, and why the others stay."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from orlop.domain.durations import DAY
from orlop.domain.retention.inventory import Inventory, Kept, Tagged
from orlop.domain.retention.plan import RepositoryPlan, Rules
from orlop.domain.retention.rules import RetentionRule

NOW = 20_000 * DAY


def digest(name: str) -> str:
    return f"sha256:{name.encode().hex():0>64}"


def held(
    tags: Mapping[str, tuple[str, int]],
    manifests: Mapping[str, dict[str, Any]] | None = None,
    children: Mapping[str, Sequence[str]] | None = None,
    **more: Any,
) -> Inventory:
    """Tags by name: what each points at, and how many days ago it was set. Manifests that are said nothing of are as
    old as their tags."""
    found = {name: {"pushed_at": NOW - age * DAY} for name, age in tags.values()} | dict(manifests or {})
    return Inventory(
        repository="team/app",
        tags=[Tagged(tag, digest(name), NOW - age * DAY) for tag, (name, age) in tags.items()],
        manifests={digest(name): Kept(digest(name), **said) for name, said in found.items()},
        children={digest(name): [digest(child) for child in below] for name, below in (children or {}).items()},
        **more,
    )


def rules(*bodies: dict[str, Any]) -> Rules:
    parsed = [msgspec.convert(body, RetentionRule) for body in bodies]
    return Rules([("team", f"rule{number}", rule) for number, rule in enumerate(parsed)], NOW)


def gone(plan: RepositoryPlan) -> set[str]:
    return {item.tag for item in plan.items if item.goes and item.tag}


def taken(plan: RepositoryPlan) -> list[str]:
    return [bytes.fromhex(one.partition(":")[2].lstrip("0")).decode() for one in plan.manifests]


BUILDS = {"delete": [{"tags": ["build-*"]}], "keep": [{"tags": ["build-*"], "newest": 2}]}


def test_the_newest_are_kept_and_what_no_rule_names() -> None:
    plan = rules(BUILDS).plan(held({f"build-{age}": (f"m{age}", age) for age in range(1, 5)} | {"prod": ("m9", 9)}), {})
    assert gone(plan) == {"build-3", "build-4"}
    assert set(taken(plan)) == {"m3", "m4"}
    reasons = {item.tag: item.reason for item in plan.items}
    assert reasons["prod"] == "no rule deletes it"
    assert reasons["build-1"] == "retention rule0 of team/ keeps it: keep 1 (tags build-*; newest 2)"
    assert reasons["build-4"] == "retention rule0 of team/ deletes it: delete 1 (tags build-*)"


def test_what_one_rule_keeps_no_other_deletes() -> None:
    keeping = {"keep": [{"pulled_within": "90d"}]}
    there = held(
        {"build-1": ("m1", 1), "build-2": ("m2", 2), "build-3": ("m3", 3), "build-4": ("m4", 100)},
        {"m4": {"pulled_at": NOW - 89 * DAY}},
    )
    assert gone(rules(BUILDS, keeping).plan(there, {})) == gone(rules(keeping, BUILDS).plan(there, {})) == {"build-3"}


def test_a_tag_alone_goes_from_a_digest_that_another_keeps() -> None:
    plan = rules(BUILDS).plan(held({f"build-{age}": ("same", age) for age in range(1, 4)}), {})
    assert gone(plan) == {"build-3"}
    assert not plan.manifests


def test_an_index_is_old_but_its_child_was_pulled_today() -> None:
    stale = {"delete": [{"not_pulled_within": "30d"}]}
    there = held(
        {"v1": ("index", 100), "v0": ("old", 100)},
        {"index": {}, "old": {}, "child": {"pulled_at": NOW}},
        {"index": ["child"]},
    )
    plan = rules(stale).plan(there, {})
    assert gone(plan) == {"v0"}
    assert taken(plan) == ["old"]


def test_what_was_pushed_just_now_was_not_left_unpulled() -> None:
    stale = {"delete": [{"not_pulled_within": "30d"}]}
    assert not gone(rules(stale).plan(held({"new": ("m", 1)}), {}))


def test_children_follow_their_index_and_referrers_their_subject() -> None:
    signature = f"sha256-{digest('index').partition(':')[2]}.sig"
    there = held(
        {"build-1": ("m1", 1), "build-2": ("m2", 2), "build-3": ("index", 3), signature: ("sig", 3)},
        {
            **{name: {} for name in ("m1", "m2", "index", "sig", "amd64", "arm64")},
            "sbom": {"subject": digest("index")},
            "attested": {"subject": digest("sbom")},
        },
        {"index": ["amd64", "arm64"]},
    )
    plan = rules(BUILDS).plan(there, {})
    assert gone(plan) == {"build-3", signature}
    assert set(taken(plan)) == {"index", "amd64", "arm64", "sig", "sbom", "attested"}
    assert taken(plan).index("index") < taken(plan).index("amd64")


def test_what_a_kept_tag_leads_to_stays() -> None:
    there = held(
        {"build-1": ("m1", 1), "build-2": ("m2", 2), "build-3": ("index", 3), "prod": ("amd64", 3)},
        {**{name: {} for name in ("m1", "m2", "index", "amd64", "arm64")}, "sbom": {"subject": digest("amd64")}},
        {"index": ["amd64", "arm64"]},
    )
    assert set(taken(rules(BUILDS).plan(there, {}))) == {"index", "arm64"}


def test_what_is_in_use_or_locked_or_refused_stays() -> None:
    there = held(
        {f"build-{age}": (f"m{age}", age) for age in range(1, 7)},
        {f"m{age}": {} for age in range(1, 7)} | {"child": {}},
        {"m3": ["child"]},
        locked={digest("m4"): "audit of May"},
    )
    plan = rules(BUILDS).plan(
        there, {digest("child"): "prod-1 of team/ runs it"}, lambda tag: "immutable" if tag == "build-5" else ""
    )
    assert gone(plan) == {"build-6"}
    reasons = {item.tag: item.reason for item in plan.items}
    assert reasons["build-3"] == "it is in use: prod-1 of team/ runs it"
    assert reasons["build-4"] == "its manifest is locked: audit of May"
    assert reasons["build-5"] == "immutable"


def test_what_waits_in_quarantine_stays_with_all_that_it_leads_to() -> None:
    there = held(
        {},
        {"waits": {}, "child": {}, "sbom": {"subject": digest("waits")}, "old": {}},
        {"waits": ["child"]},
        waiting=frozenset({digest("waits")}),
    )
    assert taken(rules({"untagged_after": "7d"}).plan(there, {})) == ["old"]
    out = msgspec.structs.replace(there, waiting=frozenset())
    assert set(taken(rules({"untagged_after": "7d"}).plan(out, {}))) == {"old", "waits", "child", "sbom"}


def test_untagged_manifests_go_after_a_delay() -> None:
    after = {"untagged_after": "7d"}
    there = held(
        {"prod": ("m1", 1)},
        {
            "m1": {},
            "young": {"pushed_at": NOW - 6 * DAY},
            "old": {"pushed_at": NOW - 8 * DAY},
            "moved": {"pushed_at": NOW - 90 * DAY},
            "index": {"pushed_at": NOW - 8 * DAY},
            "child": {"pushed_at": NOW - 8 * DAY},
            "signs": {"subject": digest("m1"), "pushed_at": NOW - 8 * DAY},
            "orphan": {"subject": digest("nothing"), "pushed_at": NOW - 8 * DAY},
        },
        {"index": ["child"]},
        untagged_since={digest("moved"): NOW - DAY},
    )
    assert set(taken(rules(after).plan(there, {}))) == {"old", "index", "child", "orphan"}
    assert taken(rules(after).plan(msgspec.structs.replace(there, restoring=True), {})) == []
    pulled = {"keep": [{"pulled_within": "90d"}]}
    kept = msgspec.structs.replace(
        there,
        manifests=there.manifests | {digest("child"): Kept(digest("child"), pulled_at=NOW, pushed_at=NOW - 8 * DAY)},
    )
    assert set(taken(rules(after, pulled).plan(kept, {}))) == {"old", "orphan"}


def test_what_a_restoration_may_have_brought_back_stays_until_it_is_whole() -> None:
    tags = {f"build-{age}": (f"m{age}", age) for age in range(1, 4)}
    there = held(tags, {"m1": {}, "m2": {}, "m3": {}, "part": {}}, {"m3": ["part"]})
    assert set(taken(rules(BUILDS).plan(there, {}))) == {"m3", "part"}
    assert taken(rules(BUILDS).plan(msgspec.structs.replace(there, restoring=True), {})) == ["m3"]


def test_a_manifest_stays_for_the_delay_after_its_last_tag_went() -> None:
    plan = rules(BUILDS, {"untagged_after": "7d"}).plan(
        held({f"build-{age}": (f"m{age}", age) for age in range(1, 4)}), {}
    )
    assert gone(plan) == {"build-3"}
    assert not plan.manifests


def test_the_newest_of_each_channel_and_of_each_minor() -> None:
    there = held(
        {
            tag: (tag, age)
            for age, tag in enumerate(
                ("1.4.2", "1.4.1", "1.3.9", "1.4.0", "build-2", "build-1", "nightly-2", "nightly-1")
            )
        }
    )
    everything = {"delete": [{}]}
    channels = rules(everything | {"keep": [{"newest": 1, "per": "channel"}]}).plan(there, {})
    assert gone(channels) == {"1.4.1", "1.3.9", "1.4.0", "build-1", "nightly-1"}
    minors = rules(everything | {"keep": [{"newest": 1, "per": "minor"}, {"except": ["1.*"]}]}).plan(there, {})
    assert gone(minors) == {"1.4.1", "1.4.0"}


def test_selectors_ask_for_everything_that_is_said() -> None:
    there = held(
        {"a": ("a", 10), "b": ("b", 10), "c": ("c", 10), "d": ("d", 1)},
        {"a": {"artifact_type": "application/vnd.x"}, "b": {}, "c": {}, "d": {}},
        labels={digest("b"): {"stage": "test"}},
        platforms={digest("c"): ["linux/arm64", "linux/amd64"]},
    )
    keep = {"keep": [{"tags": ["nothing"]}]}

    def going(selector: dict[str, Any]) -> set[str]:
        return gone(rules({"delete": [selector], **keep}).plan(there, {}))

    assert going({"artifact_types": ["application/vnd.x"]}) == {"a"}
    assert going({"labels": {"stage": "test"}}) == going({"labels": {"stage": "*"}}) == {"b"}
    assert going({"labels": {"stage": "prod"}}) == set()
    assert going({"platforms": ["linux/arm64"]}) == {"c"}
    assert going({"pushed_within": "9d"}) == {"d"}
    assert going({"not_pushed_within": "9d", "except": ["a", "b"]}) == {"c"}
    assert going({"repositories": ["team/*"]}) == {"a", "b", "c", "d"}
    assert going({"repositories": ["other/**"]}) == set()
