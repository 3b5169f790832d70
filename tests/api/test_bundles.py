"""Bundles as people make them and promote them: digests that are fixed, all or nothing, and nobody sees more."""

from typing import Any

from tests.api.harness import assert_problem, namespace
from tests.api.test_promotion import DEV, ONE, PROD, TWO, a_team, approve, push, setting, tag_of

DB = "team/dev/db"


async def made(api: Any, who: str = "dana", name: str = "release-42") -> Any:
    answer = await api.ask("POST", "/bundles", who, {"name": name, "images": [f"{DEV}:1.5", f"{DB}:9"]})
    assert answer.status == 201, answer.body
    return answer.json()


async def promote(api: Any, who: str = "dana", **more: Any) -> Any:
    return await api.ask("POST", "/promotions", who, {"bundle": "release-42", "stage": "prod", **more})


async def test_what_is_promoted_is_the_digests_that_it_was_made_of() -> None:
    api = await a_team()
    await push(api, DB, TWO, "9")
    bundle = await made(api)
    assert (bundle["path"], bundle["created_by"]) == ("team/dev", "dana")
    assert [(one["repository"], one["tag"], one["digest"]) for one in bundle["images"]] == [
        (DEV, "1.5", str(ONE.digest)),
        (DB, "9", str(TWO.digest)),
    ]
    await push(api, DEV, TWO, "1.5")
    done = (await promote(api)).json()["promotion"]
    assert (done["state"], done["bundle"]) == ("done", "release-42")
    assert (await tag_of(api), await tag_of(api, "9", "team/prod/db")) == (str(ONE.digest), str(TWO.digest))
    assert (await promote(api)).json() == {"promotion": None, "manifests": 0, "blobs": 0}


async def test_all_of_it_or_nothing() -> None:
    api = await a_team()
    await push(api, DB, TWO, "9")
    await made(api)
    await setting(api, "tag-rules/fixed?path=team/prod", {"tags": ["9"], "may_create": ["nobody"]})
    told = assert_problem(await promote(api), 403)
    assert "the tag 9 of team/prod/db is protected" in told["detail"]
    assert await tag_of(api) is None
    assert (await api.ask("DELETE", "/tag-rules/fixed?path=team/prod", "root")).status == 204
    assert (await api.ask("DELETE", f"/repositories/{DB}", "root")).status == 204
    assert_problem(await promote(api), 404)
    assert await tag_of(api) is None


async def test_approvers_approve_all_of_it_at_once() -> None:
    api = await a_team(1)
    await push(api, DB, TWO, "9")
    await made(api)
    waiting = (await promote(api)).json()["promotion"]
    assert (waiting["state"], waiting["bundle"], len(waiting["images"])) == ("waiting", "release-42", 2)
    assert (await approve(api, waiting["id"], "pat"))["state"] == "done"
    assert (await tag_of(api), await tag_of(api, "9", "team/prod/db")) == (str(ONE.digest), str(TWO.digest))


async def test_each_sees_those_of_images_that_they_may_pull() -> None:
    api = await a_team()
    await push(api, DB, TWO, "9")
    await made(api)
    for who, sees in {"dana": True, "pat": True, "aud": True, "eve": False, "bob": False}.items():
        listed = (await api.ask("GET", "/bundles", who)).json()
        assert [one["name"] for one in listed] == (["release-42"] if sees else []), who
        assert (await api.ask("GET", "/bundles/release-42", who)).status == (200 if sees else 404), who
    assert_problem(await promote(api, "bob"), 404)
    assert_problem(await promote(api, "aud"), 403)  # who sees it may not pull it
    for body in ({"name": "of-bob", "images": [f"{DEV}:1.5"]}, {"name": "of-bob", "images": [f"{DEV}:none"]}):
        told = assert_problem(await api.ask("POST", "/bundles", "bob", body), 404)
        assert "none" not in str(told["detail"])


async def test_its_author_removes_it_and_who_edits_rules_there() -> None:
    api = await a_team()
    await push(api, DB, TWO, "9")
    await api.grant("rob", "maintainer", namespace("team/dev"))
    for who in ("dana", "rob"):
        await made(api)
        assert_problem(await api.ask("DELETE", "/bundles/release-42", "pat"), 403)
        assert (await api.ask("DELETE", "/bundles/release-42", who)).status == 204
    assert (await api.ask("GET", "/bundles", "dana")).json() == []


async def test_what_cannot_be_a_bundle_is_refused() -> None:
    api = await a_team()
    refused = {
        "Release": ([f"{DEV}:1.5"], 400, "lower-case"),
        "twice": ([f"{DEV}:1.5", f"{DEV}:1.5"], 400, "two of the images are the same"),
        "gone": ([f"{DEV}:9.9"], 404, "9.9"),
        "none": ([], 400, "images"),
    }
    for name, (images, status, why) in refused.items():
        told = assert_problem(await api.ask("POST", "/bundles", "dana", {"name": name, "images": images}), status)
        assert why in str(told), name
    assert_problem(await promote(api), 404)
    assert_problem(await promote(api, images=[f"{DEV}:1.5"]), 400)
    assert_problem(await api.ask("POST", "/promotions", "dana", {"stage": "prod"}), 400)


async def test_of_several_of_a_name_the_place_says_which() -> None:
    api = await a_team()
    await push(api, DB, TWO, "9")
    await made(api)
    await push(api, PROD, TWO, "2")
    body = {"name": "release-42", "images": [f"{PROD}:2"]}
    assert (await api.ask("POST", "/bundles", "dana", body)).json()["path"] == "team/prod"
    told = assert_problem(await promote(api), 400)
    assert "at each of team/dev/, team/prod/; name the place" in told["detail"]
    assert (await promote(api, bundle_path="team/dev")).json()["promotion"]["state"] == "done"
    assert (await api.ask("DELETE", "/bundles/release-42?path=team/prod", "dana")).status == 204


async def test_the_way_of_an_image_is_told_wherever_it_went() -> None:
    api = await a_team(1)
    refused = (await api.ask("POST", "/promotions", "dana", {"images": [f"{DEV}:1.5"], "stage": "prod"})).json()
    number = refused["promotion"]["id"]
    await api.ask("POST", f"/promotions/{number}/refusal", "pat", {"reason": "not before Monday"})
    await push(api, DB, TWO, "9")
    waiting = (await api.ask("POST", "/promotions", "dana", {"images": [f"{DB}:9"], "stage": "prod"})).json()
    again = (await api.ask("POST", "/promotions", "dana", {"images": [f"{DEV}:1.5"], "stage": "prod"})).json()
    await approve(api, again["promotion"]["id"], "rae")
    for image in (f"{DEV}:1.5", f"{PROD}@{ONE.digest}"):
        way = (await api.ask("GET", f"/promotions?image={image}", "dana")).json()
        assert [
            (one["state"], one["why"], one["ended_by"], [each["by"] for each in one["approvals"]]) for one in way
        ] == [
            ("done", None, "dana", ["rae"]),
            ("refused", "not before Monday", "pat", []),
        ]
    assert [
        one["state"] for one in (await api.ask("GET", f"/promotions?image={DEV}:1.5&state=done", "dana")).json()
    ] == ["done"]
    assert [one["id"] for one in (await api.ask("GET", f"/promotions?image={DB}:9", "dana")).json()] == [
        waiting["promotion"]["id"]
    ]
    assert_problem(await api.ask("GET", f"/promotions?image={DEV}:1.5", "bob"), 404)
    await api.ask("POST", "/promotion-rollbacks", "rae", {"repository": PROD, "reason": "it broke"})
    history = (await api.ask("GET", f"/tag-history?repository={PROD}&tag=1.5", "root")).json()
    done = again["promotion"]["id"]
    assert [(change["actor"], change["digest"], change["detail"]) for change in history] == [
        ("rae", None, f"rollback of promotion {done}: it broke"),
        ("dana", str(ONE.digest), f"promotion {done} of app, from dev to prod"),
    ]
