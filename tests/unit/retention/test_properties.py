"""What holds of every plan, whatever the rules say and whatever a repository holds."""

import random
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orlop.domain.durations import DAY, span
from orlop.domain.retention.inventory import Inventory, Kept, Tagged
from orlop.domain.retention.plan import RepositoryPlan, Rules
from orlop.domain.retention.rules import Keeping, RetentionRule, Selector
from orlop.domain.retention.versions import channel, minor, version, version_range
from tests.volume import volume

NOW = 20_000 * DAY
TAGS = ["build-1", "build-2", "build-3", "prod", "prod-1", "1.4.0", "1.4.1", "1.5.0-rc.1", "2.0.0", "latest"]
DIGESTS = [f"sha256:{number:064x}" for number in range(8)]
FALLBACK = [f"sha256-{digest.partition(':')[2]}{ending}" for digest in DIGESTS[:3] for ending in ("", ".sig")]

ages = st.integers(0, 20)
spans = st.sampled_from(["1d", "5d", "10d", "15d"])
patterns = st.lists(st.sampled_from(["build-*", "prod*", "*", "1.4.*", "latest", "*-1"]), max_size=2)


@st.composite
def selectors(draw: st.DrawFn, *, keeps: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {"tags": draw(patterns), "except": draw(st.sampled_from([[], [], ["prod"]]))}
    for field in ("pushed_within", "not_pushed_within", "pulled_within", "not_pulled_within"):
        if draw(st.integers(0, 4)) == 0:
            made[field] = draw(spans)
    for what in ("pushed", "pulled"):
        if f"{what}_within" in made:
            made.pop(f"not_{what}_within", None)
    if draw(st.integers(0, 5)) == 0:
        made["semver"] = draw(st.sampled_from(["*", ">=1.4.1", "<2"]))
    if draw(st.integers(0, 5)) == 0:
        made["channels"] = [draw(st.sampled_from(["build", "release", "rc"]))]
    if keeps and draw(st.booleans()):
        made |= {"newest": draw(st.integers(1, 3)), "per": draw(st.sampled_from(["repository", "channel", "minor"]))}
    return made


@st.composite
def bodies(draw: st.DrawFn) -> RetentionRule:
    body: dict[str, Any] = {
        "delete": draw(st.lists(selectors(), max_size=2)),
        "keep": [{"tags": ["none"]}, *draw(st.lists(selectors(keeps=True), max_size=2))],
    }
    if draw(st.booleans()):
        body["untagged_after"] = draw(spans)
    return msgspec.convert(body, RetentionRule)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    there = draw(st.lists(st.sampled_from(DIGESTS), unique=True, min_size=1))
    manifests, children = {}, {}
    for number, digest in enumerate(there):
        manifests[digest] = Kept(
            digest,
            subject=draw(st.sampled_from(["", "", "", *there[:number], "sha256:" + "f" * 64])),
            pushed_at=NOW - draw(ages) * DAY,
            pulled_at=draw(st.sampled_from([0, 0, NOW - draw(ages) * DAY])),
        )
        if number and draw(st.integers(0, 3)) == 0:
            children[digest] = draw(st.lists(st.sampled_from(there[:number]), unique=True, min_size=1))
    names = draw(st.lists(st.sampled_from(TAGS + FALLBACK), unique=True))
    tags = [Tagged(name, draw(st.sampled_from(there)), NOW - draw(ages) * DAY) for name in sorted(names)]
    locked = dict.fromkeys(draw(st.lists(st.sampled_from(there), unique=True, max_size=1)), "audit")
    return Inventory("team/app", tags, manifests, children, locked=locked)


used = st.dictionaries(st.sampled_from(DIGESTS), st.just("prod-1 runs it"), max_size=2)


def ready(rules: list[RetentionRule]) -> Rules:
    return Rules([("team", f"rule{number}", rule) for number, rule in enumerate(rules)], NOW)


def after(held: Inventory, plan: RepositoryPlan) -> Inventory:
    """A repository when a plan was applied."""
    gone, tags = set(plan.manifests), {item.tag for item in plan.items if item.goes}
    left = [tag for tag in held.tags if tag.name not in tags]
    since = {tag.digest: NOW for tag in held.tags if tag.name in tags}
    return Inventory(
        held.repository,
        left,
        {digest: one for digest, one in held.manifests.items() if digest not in gone},
        {digest: below for digest, below in held.children.items() if digest not in gone},
        untagged_since={digest: at for digest, at in since.items() if digest not in gone},
        locked=held.locked,
    )


def names(held: Inventory, keep: Keeping) -> set[str]:
    """The tags that a selector names, found out as it is written down and not as it is computed."""

    def glob(text: str, tag: str) -> bool:
        first, star, last = text.partition("*")
        return tag.startswith(first) and tag.endswith(last) and len(tag) >= len(first + last) if star else tag == text

    def pulled(digest: str) -> int:
        return max(
            (held.manifests[each].pulled_at for each in held.family(digest) if each in held.manifests), default=0
        )

    def within(at: int, text: str) -> bool:
        return at > NOW - span(text)

    def meant(tag: Tagged, one: Selector) -> bool:
        last = pulled(tag.digest)
        return (
            (not one.tags or any(glob(text, tag.name) for text in one.tags))
            and not any(glob(text, tag.name) for text in one.exclude)
            and (not one.channels or channel(tag.name) in one.channels)
            and (not one.semver or version_range(one.semver).has(version(tag.name)))
            and (not one.pushed_within or within(tag.set_at, one.pushed_within))
            and (not one.not_pushed_within or not within(tag.set_at, one.not_pushed_within))
            and (not one.pulled_within or within(last, one.pulled_within))
            and (not one.not_pulled_within or not within(max(last, tag.set_at), one.not_pulled_within))
        )

    found = [tag for tag in held.tags if not tag.name.startswith("sha256-") and meant(tag, keep)]
    if not keep.newest:
        return {tag.name for tag in found}
    group = {"repository": lambda _: "all", "channel": channel, "minor": minor}[keep.per]
    return {
        tag.name
        for tag in found
        if group(tag.name)
        and sum(
            group(other.name) == group(tag.name) and (other.set_at, other.name) > (tag.set_at, tag.name)
            for other in found
        )
        < keep.newest
    }


#: An index that is named after a manifest that it lists waits for itself; a tag of another one that it lists goes.
CYCLE = Inventory(
    "team/app",
    [Tagged("build-1", DIGESTS[1], 0), Tagged(FALLBACK[0], DIGESTS[2], 0)],
    {digest: Kept(digest, subject="", pushed_at=0, pulled_at=0) for digest in DIGESTS[:3]},
    {DIGESTS[2]: DIGESTS[:2]},
)
BUILDS_GO = msgspec.convert({"delete": [{"tags": ["build-*"]}], "keep": [{"tags": ["none"]}]}, RetentionRule)


@settings(max_examples=volume(200, 20_000), deadline=None)
@example([BUILDS_GO], CYCLE, {})
@given(st.lists(bodies(), max_size=3), inventories(), used)
def test_a_plan(rules: list[RetentionRule], held: Inventory, in_use: dict[str, str]) -> None:
    plan = ready(rules).plan(held, in_use)
    gone = {item.tag for item in plan.items if item.goes and item.tag}
    # It says of every tag what becomes of it and why.
    assert [item.tag for item in plan.items if item.tag] == [tag.name for tag in held.tags]
    assert all(item.reason for item in plan.items)
    # It never deletes what a keep rule names, what is in use, and what is locked.
    for rule in rules:
        for keep in rule.keep:
            assert not gone & names(held, keep)
    for tag in held.tags:
        if tag.name not in gone:
            family = [digest for digest in held.family(tag.digest) if digest in held.manifests]
            assert not set(family) & set(plan.manifests), "what a tag leads to stays with it"
    for digest in held.manifests:
        if set(held.family(digest)) & in_use.keys() or digest in held.locked:
            assert digest not in plan.manifests
    # What is left lists nothing that is gone, and indexes go before what they list.
    for digest, below in held.children.items():
        for child in below:
            if child in plan.manifests:
                assert digest in plan.manifests
                assert plan.manifests.index(digest) < plan.manifests.index(child)
    # The order of rules and selectors says nothing.
    shuffled = [
        msgspec.structs.replace(
            rule, delete=tuple(reversed(rule.delete)), keep=tuple(random.Random(1).sample(rule.keep, len(rule.keep)))
        )
        for rule in reversed(rules)
    ]
    other = ready(shuffled).plan(held, in_use)
    assert {item.tag for item in other.items if item.goes and item.tag} == gone
    assert set(other.manifests) == set(plan.manifests)
    # Applied, there is nothing left to do.
    again = ready(rules).plan(after(held, plan), in_use)
    assert not again.manifests
    assert not any(item.goes for item in again.items)
