"""Pages of rules: every kind, what covers a place, the form with the checks of the API, and who may."""

import html

import msgspec
import pytest

from orlop.domain.kinds import KINDS
from orlop.domain.names import RepositoryName, Tag
from tests.content import image
from tests.unit.ui.places import HOSTILE, PEOPLE, person, pushed, put, settings_of
from tests.unit.ui.scene import Browser, Scene

RELEASES = "tags: ['*.*.*']\nimmutable: true\n"


async def add(browser: Browser, plural: str = "tag-rules", **fields: str) -> int:
    await browser.get(f"/rules/{plural}/-/new")
    fields = {"name": "releases", "path": "team/", "body": RELEASES, **fields}
    return (await browser.submit(f"/rules/{plural}/-/new", fields)).status


async def test_a_rule_is_added_shown_changed_and_removed(scene: Scene) -> None:
    browser = await person(scene, "maintainer")
    assert await add(browser) == 303
    assert await settings_of(scene, "tag-rule") == ["team:releases"]
    page = await browser.get("/rules/tag-rules/releases?path=team")
    assert "Tags named *.*.* stay what they point at: nobody moves or removes them." in page.text
    assert "immutable: true" in html.unescape(page.text)
    version = page.hidden("version")
    fields = {"path": "team", "version": version, "body": "tags: ['v*']\nsemver: true"}
    assert (await browser.submit("/rules/tag-rules/releases", fields)).status == 303
    assert "Tags named v* are semantic versions" in (await browser.get("/rules/tag-rules/releases?path=team")).text
    # As it was when the form was made: somebody else changed it meanwhile.
    stale = await browser.submit("/rules/tag-rules/releases", fields)
    assert stale.status == 412
    kept = {"path": "team", "version": str(int(version) + 1)}
    await browser.get("/rules/tag-rules/releases?path=team")
    asked = await browser.submit("/rules/tag-rules/releases/remove", kept)
    assert asked.status == 200
    assert "Remove releases?" in asked.text
    assert await settings_of(scene, "tag-rule") == ["team:releases"]
    kept["version"] = asked.hidden("version")
    assert (await browser.submit("/rules/tag-rules/releases/remove", {**kept, "confirmed": "yes"})).status == 303
    assert await settings_of(scene, "tag-rule") == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"body": "tags: [x"}, "not valid YAML"),
        ({"body": "- x"}, "write one field a line"),
        ({"body": "tags: ['x']\nimmutabel: true"}, "immutabel"),
        ({"body": "tags: 4"}, "the tag-rule releases is not valid"),
        ({"body": "a: &a [x]\nb: *a"}, "aliases"),
        ({"body": "a: " + "[" * 40}, "levels"),
        ({"body": "a: [" + "1, " * 6000 + "]"}, "parts"),
        ({"body": "a: !!python/object:os.system x"}, "not valid YAML"),
        ({"body": "a: 2026-02-31"}, "not valid YAML"),
        ({"name": "No Name"}, "name is 1 to 63"),
        ({"path": "team/../other"}, "is no namespace"),
        ({"body": HOSTILE}, "write one field a line"),
    ],
)
async def test_what_is_wrong_is_said_beside_what_was_typed(scene: Scene, fields: dict[str, str], says: str) -> None:
    browser = await person(scene, "maintainer")
    assert await add(browser, **fields) == 400
    assert browser.page is not None
    text = browser.page.text
    assert says in html.unescape(text)
    assert html.escape(fields.get("body", RELEASES)[:12]).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in text
    assert "<img" not in text
    assert await settings_of(scene, "tag-rule") == []


async def test_one_that_is_there_is_not_replaced_by_a_new_one(scene: Scene) -> None:
    browser = await person(scene, "maintainer")
    assert await add(browser) == 303
    assert await add(browser) == 409


async def test_hostile_text_is_shown_as_text(scene: Scene) -> None:
    await put(scene, "retention", "builds", "team", delete=[{"labels": {HOSTILE: HOSTILE}}], keep=[{"newest": 1}])
    await put(scene, "webhook", "hook", "team", url=f"https://h.example/{HOSTILE}", events=["image.pushed"])
    browser = await person(scene, "owner")
    for path in (
        "/rules",
        "/rules?path=team/app",
        "/rules/house?path=team",
        "/rules/retention-rules",
        "/rules/retention-rules/builds?path=team",
        "/rules/webhooks/hook?path=team",
        f"/rules?path={'%3Cscript%3E'}x",
    ):
        page = await browser.get(path)
        assert page.status in {200, 400}, path
        assert "<img" not in page.text, path
        assert "<script>" not in page.text, path


async def test_secrets_are_never_shown_and_stay_when_they_are_sent_back(scene: Scene) -> None:
    await put(
        scene, "upstream", "hub", "hub", url="https://registry.example.org", user="u", password="s3cr3t-of-the-hub"
    )
    browser = await person(scene, "admin")
    for path in ("/rules", "/rules?path=hub", "/rules/upstreams", "/rules/upstreams/hub?path=hub"):
        assert "s3cr3t" not in (await browser.get(path)).text, path
    page = await browser.get("/rules/upstreams/hub?path=hub")
    assert "password: (set)" in page.text
    fields = {
        "path": "hub",
        "version": page.hidden("version"),
        "body": "url: https://registry.example.org\nuser: u\npassword: (set)\noffline: true",
    }
    assert (await browser.submit("/rules/upstreams/hub", fields)).status == 303
    kept = await scene.identity.documents.get("upstream", "hub", "hub")
    assert kept is not None
    assert msgspec.json.decode(kept.body)["password"] == "s3cr3t-of-the-hub"
    # To another place it is not sent.
    page = await browser.get("/rules/upstreams/hub?path=hub")
    fields = {
        "path": "hub",
        "version": page.hidden("version"),
        "body": "url: https://elsewhere.example.org\nuser: u\npassword: (set)",
    }
    refused = await browser.submit("/rules/upstreams/hub", fields)
    assert refused.status == 400
    assert "would send it elsewhere" in refused.text


async def test_what_covers_a_place_and_what_a_nearer_rule_takes_the_place_of(scene: Scene) -> None:
    await put(scene, "trash-rule", "all", "", keep="3d")
    await put(scene, "trash-rule", "ours", "team", keep="14d")
    await put(scene, "tag-rule", "all", "", tags=["*.*.*"], immutable=True)
    await put(scene, "tag-rule", "ours", "team", tags=["v*"], semver=True)
    await put(scene, "trash-rule", "theirs", "other", keep="99d")
    page = (await (await person(scene, "reader")).get("/rules?path=team/app")).text
    assert "What is deleted can be restored for 14d." in page
    assert "99d" not in page
    # The rules for tags hold together; of those for the trash the nearest holds. A reader has no say in the registry.
    admin = (await (await person(scene, "admin")).get("/rules?path=team/app")).text
    assert admin.count("Not in force here: a nearer one takes its place.") == 1
    assert "Tags named *.*.* stay" in admin
    assert "Tags named v* are semantic" in admin


async def test_every_kind_has_its_pages(scene: Scene) -> None:
    browser = await person(scene, "admin")
    for kind in KINDS.values():
        if kind.rights:  # who may do what stands with the people
            assert (await browser.get(f"/rules/{kind.plural}")).status == 404
            continue
        for path in (f"/rules/{kind.plural}", f"/rules/{kind.plural}/-/new"):
            page = await browser.get(path)
            assert page.status == 200, (path, page.text)
    assert (await browser.get("/rules/nothing")).status == 404
    assert (await browser.get("/rules/tag-rules/absent?path=team")).status == 404


async def test_a_long_list_goes_on(scene: Scene) -> None:
    for number in range(60):
        await put(scene, "tag-rule", f"rule-{number:02}", "team", tags=[f"t{number:02}-*"], immutable=True)
    browser = await person(scene, "reader")
    first = await browser.get("/rules/tag-rules")
    assert "rule-49" in first.text
    assert "rule-50" not in first.text
    rest = await browser.get("/rules/tag-rules?last=team:rule-49&part=rows")
    assert "rule-59" in rest.text
    assert "<h1>" not in rest.text
    assert "rule-19" in (await browser.get("/rules")).text
    assert "rule-20" not in (await browser.get("/rules")).text


async def test_house_rules_are_sentences_to_send(scene: Scene) -> None:
    await put(scene, "tag-rule", "ours", "team", tags=["v*"], semver=True)
    await put(scene, "trash-rule", "ours", "team", keep="14d")
    page = (await (await person(scene, "owner")).get("/rules/house?path=team/")).text
    assert "House rules of team/" in page
    assert "Tags named v* are semantic versions" in page
    assert "What is deleted can be restored for 14d." in page
    assert "owner may" in page
    reader = (await (await person(scene, "reader")).get("/rules/house?path=team/")).text
    assert "Tags named v*" in reader
    assert "owner may" not in reader


#: What each page is answered with, in the order of PEOPLE: nobody, reader, maintainer, owner, owner of another place,
#: somebody without rights, admin.
SEEN = {
    "/rules": (303, 200, 200, 200, 200, 200, 200),
    "/rules?path=team/app": (303, 200, 200, 200, 200, 200, 200),
    "/rules/tag-rules": (303, 200, 200, 200, 200, 200, 200),
    "/rules/job-schedules": (303, 403, 403, 403, 403, 403, 200),
    "/rules/tag-rules/ours?path=team": (303, 200, 200, 200, 403, 403, 200),
    "/rules/webhooks/hook?path=team": (303, 403, 200, 200, 403, 403, 200),
    "/rules/tag-rules/-/new?path=team": (303, 403, 200, 200, 403, 403, 200),
    "/rules/quotas/-/new?path=team": (303, 403, 403, 403, 403, 403, 200),
    "/rules/gates/-/new?path=team": (303, 403, 200, 200, 403, 403, 200),
    "/rules/gates/ours/held?path=team": (303, 403, 200, 200, 403, 403, 200),
    "/r/team/-/gates": (303, 200, 200, 200, 404, 404, 200),
    "/r/team/-/quarantine": (303, 200, 200, 200, 404, 404, 200),
    "/rules/quarantine-rules/-/new?path=team": (303, 403, 200, 200, 403, 403, 200),
    "/rules/house?path=team": (303, 200, 200, 200, 403, 403, 200),
    "/rules/house?repository=team/app": (303, 200, 200, 200, 404, 404, 200),
}


@pytest.mark.parametrize(("who", "at"), [(who, at) for at, who in enumerate(PEOPLE)])
async def test_who_sees_which_page(scene: Scene, who: str, at: int) -> None:
    await put(scene, "tag-rule", "ours", "team", tags=["v*"], semver=True)
    await put(scene, "webhook", "hook", "team", url="https://h.example/", events=["image.pushed"])
    await put(scene, "gate", "ours", "team", no_root=True)
    await pushed(scene).push(RepositoryName("team/app"), image("app"), Tag("1"))
    browser = await person(scene, who)
    found = {path: (await browser.get(path)).status for path in SEEN}
    assert found == {path: expected[at] for path, expected in SEEN.items()}
    page = (await browser.get("/rules?path=team")).text
    assert ("Tags named v*" in page) is (who in {"reader", "maintainer", "owner", "admin"})


@pytest.mark.parametrize(
    ("who", "status"), [("reader", 403), ("maintainer", 303), ("owner", 303), ("elsewhere", 403), ("visitor", 403)]
)
async def test_who_may_change_a_rule(scene: Scene, who: str, status: int) -> None:
    await put(scene, "tag-rule", "ours", "team", tags=["v*"], semver=True)
    browser = await person(scene, who)
    assert await add(browser) == status
    await browser.get("/rules")
    version = (await (await person(scene, "admin")).get("/rules/tag-rules/ours?path=team")).hidden("version")
    fields = {"path": "team", "version": version, "body": RELEASES}
    await browser.get("/rules/tag-rules/-/new")
    assert (await browser.submit("/rules/tag-rules/ours", fields)).status == status
    await browser.get("/rules/tag-rules/-/new")
    # The page that asks, too, is for those who may.
    assert (await browser.submit("/rules/tag-rules/ours/remove", fields)).status == (200 if status == 303 else status)
