"""The world outside: how upstreams fare, prefetches, clearing a cache, virtual repositories; and who may what."""

import pytest

from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.queue import Job
from tests.content import image
from tests.unit.ui.places import HOSTILE, PEOPLE, person, pushed, put
from tests.unit.ui.scene import Scene

HUB = "/world/upstreams/hub"


async def filled(scene: Scene) -> None:
    await put(
        scene, "upstream", "hub", "team/hub", url="https://registry.example.org", user="u", password="s3cr3t-of-hub"
    )
    await put(scene, "virtual", "all", "all", members=["team/", "team2/"], push_to="team/")


async def jobs(scene: Scene) -> tuple[Job, ...]:
    return (await scene.memory.queue.jobs.page(PageRequest())).items


async def test_what_is_to_be_seen_of_the_world(scene: Scene) -> None:
    await filled(scene)
    browser = await person(scene, "admin")
    page = (await browser.get("/world")).text
    assert "https://registry.example.org" in page
    assert "no pull yet" in page
    assert "no limit was told" in page
    assert "s3cr3t" not in page
    assert "never asked for at another registry" in page
    assert page.index(">team/</a>") < page.index(">team2/</a>")
    one = (await browser.get(f"{HUB}?path=team/hub")).text
    assert "Clear the cache" in one
    assert "s3cr3t" not in one


async def test_images_are_fetched_ahead_and_that_is_cancelled(scene: Scene) -> None:
    await filled(scene)
    browser = await person(scene, "owner")
    page = await browser.get(f"{HUB}?path=team/hub")
    assert "Clear the cache" not in page.text  # that is for who rules the registry
    fields = {"path": "team/hub", "images": "library/debian:12\r\nlibrary/alpine", "platforms": "linux/amd64"}
    assert (await browser.submit(f"{HUB}/prefetch", fields)).status == 303
    [job] = await jobs(scene)
    assert job.arguments["images"] == ["library/debian:12", "library/alpine"]
    page = await browser.get(f"{HUB}?path=team/hub")
    assert "library/debian:12 library/alpine" in page.text
    assert (await browser.submit(f"{HUB}/cancel", {"path": "team/hub", "job": str(job.id)})).status == 303
    assert (await jobs(scene))[0].state == "cancelled"
    await browser.get(f"{HUB}?path=team/hub")
    for images in (HOSTILE, "", "x " * 101):
        refused = await browser.submit(f"{HUB}/prefetch", {**fields, "images": images})
        assert refused.status == 400, images
        assert "<img" not in refused.text


async def test_a_cache_is_cleared_when_that_is_confirmed(scene: Scene) -> None:
    await filled(scene)
    browser = await person(scene, "admin")
    await browser.get(f"{HUB}?path=team/hub")
    asked = await browser.submit(f"{HUB}/clear", {"path": "team/hub"})
    assert "A job removes" in asked.text
    assert not await jobs(scene)
    assert (await browser.submit(f"{HUB}/clear", {"path": "team/hub", "confirmed": "yes"})).status == 303
    [job] = await jobs(scene)
    assert (job.kind, job.place, job.arguments) == ("clear-cache", "team/hub", {"upstream": "hub"})


SEEN = {
    "/world": (303, 200, 200, 200, 200, 200, 200),
    f"{HUB}?path=team/hub": (303, 403, 200, 200, 403, 403, 200),
    "/world/upstreams/none?path=team/hub": (303, 403, 404, 404, 403, 403, 404),
}


@pytest.mark.parametrize(("who", "at"), [(who, at) for at, who in enumerate(PEOPLE)])
async def test_who_sees_the_world(scene: Scene, who: str, at: int) -> None:
    await filled(scene)
    browser = await person(scene, who)
    found = {path: (await browser.get(path)).status for path in SEEN}
    assert found == {path: expected[at] for path, expected in SEEN.items()}
    knows = who in {"maintainer", "owner", "admin"}
    assert ("registry.example.org" in (await browser.get("/world")).text) is knows
    if who in {"reader", "maintainer", "elsewhere", "visitor"}:
        for deed in ("prefetch", "clear", "cancel"):
            await browser.get("/account")
            fields = {"path": "team/hub", "images": "library/debian", "confirmed": "yes", "job": "1"}
            assert (await browser.submit(f"{HUB}/{deed}", fields)).status == 403, deed
        assert not await jobs(scene)


async def test_an_image_below_a_virtual_says_which_member_serves_it_and_leads_there(scene: Scene) -> None:
    await filled(scene)
    await pushed(scene).push(RepositoryName("team2/app"), image("two"), Tag("1.0"))
    browser = await person(scene, "admin")
    page = await browser.get("/r/all/app:1.0")
    assert page.status == 200
    assert '<dt>Served by</dt><dd><a href="/r/team2/app%3A1.0">team2/app:1.0</a>' in page.text
    assert "docker pull registry.example/all/app:1.0" in page.text
    assert "Served by" not in (await browser.get("/r/team2/app:1.0")).text
    await pushed(scene).push(RepositoryName("team/app"), image("one"), Tag("1.0"))
    assert 'href="/r/team/app%3A1.0">team/app:1.0</a>' in (await browser.get("/r/all/app:1.0")).text
    assert (await browser.get("/r/all/app:2.0")).status == 404


async def test_a_place_below_a_virtual_shows_what_it_stands_for(scene: Scene) -> None:
    await put(scene, "virtual", "all", "all", members=["team/", "team2/"], push_to="team/")
    await pushed(scene).push(RepositoryName("team2/app"), image("two"), Tag("1.0"))
    browser = await person(scene, "admin")
    page = await browser.get("/r/all/app")
    assert page.status == 200
    assert '<li><a href="/r/team2/app">team2/app</a></li>' in page.text
    assert 'href="/r/team/app"' not in page.text, "there is none"
    assert "goes to team/app" in page.text
    assert (await browser.get("/r/all/nothing")).status == 404
    await pushed(scene).push(RepositoryName("all/old"), image("old"), Tag("1.0"))
    page = await browser.get("/r/all")
    assert '<li><a href="/r/team">team</a></li>' in page.text
    assert '<li><a href="/r/team2">team2</a></li>' in page.text


async def test_a_place_below_a_virtual_tells_of_no_repository_that_the_reader_may_not_pull_from(scene: Scene) -> None:
    await put(scene, "virtual", "all", "team/all", members=["team2/"])
    await pushed(scene).push(RepositoryName("team2/app"), image("two"), Tag("1.0"))
    for path in ("/r/team/all/app", "/r/team/all/nothing"):
        page = await (await person(scene, "reader")).get(path)
        assert (page.status, "team2" in page.text) == (404, False)


async def test_a_member_that_the_reader_may_not_see_serves_nothing(scene: Scene) -> None:
    await put(scene, "virtual", "all", "team/all", members=["team2/"])
    await pushed(scene).push(RepositoryName("team2/app"), image("two"), Tag("1.0"))
    page = await (await person(scene, "reader")).get("/r/team/all/app:1.0")
    assert page.status == 404
    assert "team2" not in page.text
    assert (await (await person(scene, "elsewhere")).get("/r/team/all/app:1.0")).status == 404
    nobody = await scene.browser().get("/r/team/all/app:1.0")
    assert (nobody.status, nobody.location[:7]) == (303, "/login?")
