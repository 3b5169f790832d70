"""Settings as they are managed: how many of them a node has, and who ends them with it."""

import msgspec
import pytest

from orlop.domain.access import Action
from orlop.domain.errors import Conflict, Denied
from orlop.domain.kinds import KINDS
from orlop.domain.pages import PAGE_BYTES, weight
from orlop.ports.identity import Namespace
from orlop.ports.settings import Document
from tests.unit.management.scene import BY, Scene, namespace, scene

RULE = {"tags": ["v*"], "immutable": True}
HOOK = {"url": "https://hooks.example/x", "events": ["tag.*"]}
LONG = {"tags": ["v" * 128] * 64, "except": ["w" * 128] * 64, "immutable": True}


async def with_rules(count: int, body: object, kind: str = "tag-rule") -> Scene:
    """So many rules for the tags of `team`, or settings of another kind."""
    made = await scene(dict(KINDS))
    kept = msgspec.json.encode(body)
    for number in range(count):
        await made.identity.documents.put(Document(kind, f"rule-{number}", kept, path="team"), BY, rights=False)
    return made


@pytest.mark.parametrize(("kind", "most", "body"), [("tag-rule", 1000, RULE), ("webhook", 50, HOOK)])
async def test_a_node_has_no_more_than_can_be_read_as_a_whole(kind: str, most: int, body: dict[str, object]) -> None:
    made = await with_rules(most - 1, body, kind)
    settings, caller = made.management.settings, await made.caller("root")
    await settings.put(caller, kind, "last", body, None, "team")
    with pytest.raises(Conflict, match=f"there are {most} {kind}s of team/ already"):
        await settings.put(caller, kind, "one-more", body, None, "team")
    await settings.put(caller, kind, "elsewhere", body, None, "team/app")


async def test_large_ones_count_as_one_each() -> None:
    count = PAGE_BYTES // len(msgspec.json.encode(LONG)) + 1
    made = await with_rules(count, LONG)
    await made.management.settings.put(await made.caller("root"), "tag-rule", "one-more", LONG, None, "team")


async def test_secrets_beside_the_registry_go_only_where_those_who_rule_it_say() -> None:
    made = await scene(dict(KINDS))
    settings, root, ann = made.management.settings, await made.caller("root"), await made.caller("ann")
    hook = {"url": "https://hooks.example/x", "events": ["tag.*"]}
    kept = {**hook, "authorization": "env:ORLOP_SECRET_CI", "secret": "file:/etc/orlop/secrets/hook"}
    refusal = "only who rules the registry has a secret sent that stands beside it"
    for secret in ("secret", "authorization"):
        with pytest.raises(Denied, match=refusal):
            await settings.put(ann, "webhook", "hers", {**hook, secret: kept[secret]}, None, "team")
    await settings.put(root, "webhook", "ours", kept, None, "team")
    await settings.put(ann, "webhook", "ours", {**kept, "parallel": 4}, None, "team")
    for change in (
        {"url": "https://ann.example/x"},
        {"authorization": "env:ORLOP_SECRET_LDAP"},
        {"authorization": kept["secret"]},
    ):
        with pytest.raises(Denied, match=refusal):
            await settings.put(ann, "webhook", "ours", {**kept, **change}, None, "team")
    await settings.put(ann, "webhook", "ours", {**hook, "secret": "one of her own"}, None, "team")


@pytest.mark.parametrize("path", ["lab", "lab/app"])
async def test_a_namespace_goes_with_settings_only_by_those_who_may_remove_them(path: str) -> None:
    made = await scene(dict(KINDS))
    root, management = await made.caller("root"), made.management
    await management.namespaces.put(root, Namespace(path="lab"), None)
    await management.settings.put(root, "tag-rule", "releases", RULE, None, path)
    await management.settings.put(root, "tag-rule", "releases", RULE, None, "laboratory")
    await management.settings.put(root, "role", "steward", {"actions": [Action.ADMIN]}, 0)
    steward = await made.user("steward", ("steward", namespace("lab")))
    made.marked()
    with pytest.raises(Denied, match=f"policy.edit.*{path}"):
        await management.namespaces.remove(steward, "lab", None)
    assert made.is_as_marked()
    await management.settings.remove(root, "tag-rule", "releases", None, path)
    await management.namespaces.remove(steward, "lab", None)


async def test_who_is_made_anew_under_a_name_is_not_whom_a_rule_names() -> None:
    made = await scene(dict(KINDS))
    management, root = made.management, await made.caller("root")
    gone = ("max", "robot+ci", "group:release")

    async def people() -> None:
        await made.user("max")
        await made.robot("robot+ci", "team")
        await made.group("release")

    await people()
    rules = {
        "some": {"tags": ["v*"], "may_create": [*gone, "ann"], "may_move": ["role:owner"]},
        "one": {"tags": ["w*"], "may_create": ["ann"], "may_move": ["max"], "may_remove": ["group:release"]},
        "none": {"tags": ["x*"], "may_move": ["maxine", "group:max"]},
    }
    for path in ("", "team"):
        for name, body in rules.items():
            await management.settings.put(root, "tag-rule", name, body, 0, path)
    await management.users.remove(root, "max", None)
    await management.robots.remove(root, "robot+ci", None)
    await management.groups.remove(root, "release", None)
    await people()
    for path in ("", "team"):
        kept = {name: (await management.settings.get(root, "tag-rule", name, path)) for name in rules}
        assert kept["some"].body == {"tags": ["v*"], "may_create": ["ann"], "may_move": ["role:owner"]}
        assert kept["one"].body["may_move"] == kept["one"].body["may_remove"] == ["nobody"], "nothing is loosened"
        assert (kept["none"].body, kept["none"].version) == (rules["none"], 1)


async def test_what_holds_at_a_place_is_told_in_bounded_answers() -> None:
    each = {"tags": ["v" * 128] * 64, "except": ["w" * 128] * 64, "may_create": ["ann"], "may_move": ["ann"]}
    count = 2 * PAGE_BYTES // len(msgspec.json.encode(each)) + 1
    made = await with_rules(count, each)
    ann = await made.caller("ann")
    told = await made.management.house_rules.show(ann, repository="team/app")
    assert not told.complete
    assert 0 < len(told.tags) < count
    assert weight(told.tags) <= PAGE_BYTES + 1
    names: list[str] = []
    after, more = "", True
    while more:
        page = await made.management.settings.covering(ann, "tag-rule", "team/app", after)
        assert weight(page.items) <= PAGE_BYTES + 1
        names += [shown.name for shown in page.items]
        after, more = f"team:{names[-1]}", page.more
    assert sorted(names) == sorted(f"rule-{number}" for number in range(count))
