"""The page of labels: of a repository and of an image, who may change them, and what is refused beside the form."""

import html

import pytest

from orlop.domain.labels import Labels
from orlop.domain.names import RepositoryName, Tag
from tests.content import image
from tests.unit.ui.places import HOSTILE, PEOPLE, ROLES, person, pushed
from tests.unit.ui.scene import Scene

APP, IMAGE = RepositoryName("team/app"), image("app")
OF_APP = "/labels?repository=team/app"
OF_IMAGE = f"{OF_APP}&reference=1.0"
FIELDS = {"repository": "team/app", "key": "team", "value": "web", "version": "0"}


async def filled(scene: Scene) -> None:
    await pushed(scene).push(APP, IMAGE, Tag("1.0"))


async def labels(scene: Scene, *, of_image: bool = False) -> Labels:
    return await scene.memory.catalog.labels.of(APP, IMAGE.digest if of_image else None)


async def test_labels_are_set_shown_and_removed(scene: Scene) -> None:
    await filled(scene)
    browser = await person(scene, "maintainer")
    for address, more in ((OF_APP, {}), (OF_IMAGE, {"reference": "1.0"})):
        assert "It has no label yet" in (await browser.get(address)).text
        made = await browser.submit("/labels", FIELDS | more | {"value": HOSTILE[:40]})
        assert (made.status, "repository=team%2Fapp" in made.location) == (303, True)
        assert await labels(scene, of_image=bool(more)) == {"team": HOSTILE[:40]}
        page = await browser.get(address)
        assert html.escape(HOSTILE[:20], quote=False) in page.text
        assert "<img" not in page.text
        stale = await browser.submit("/labels", FIELDS | more)
        assert stale.status == 412
        assert "were changed meanwhile" in stale.text
        await browser.get(address)
        gone = await browser.submit("/labels", FIELDS | more | {"version": page.hidden("version"), "remove": "team"})
        assert gone.status == 303
        assert await labels(scene, of_image=bool(more)) == {}


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"key": "No Key"}, 400, "is no key of a label"),
        ({"value": "x" * 257}, 400, "is up to 256 characters"),
        ({"remove": "absent"}, 404, "has no label absent"),
    ],
)
async def test_what_is_wrong_is_said_beside_the_form(
    scene: Scene, fields: dict[str, str], status: int, says: str
) -> None:
    await filled(scene)
    browser = await person(scene, "maintainer")
    await browser.get(OF_APP)
    refused = await browser.submit("/labels", FIELDS | fields)
    assert refused.status == status
    assert says in html.unescape(refused.text)
    assert 'value="team"' in refused.text or "key" in fields
    assert await labels(scene) == {}


#: By person: who sees the page, who changes labels of the repository, and of an image.
MAY = {"": (303, 303, 303), "reader": (200, 403, 403), "maintainer": (200, 303, 303), "owner": (200, 303, 303)}


@pytest.mark.parametrize("who", PEOPLE)
async def test_who_may(scene: Scene, who: str) -> None:
    await filled(scene)
    browser = await person(scene, who)
    expected = MAY.get(who, (200, 303, 303) if who == "admin" else (404, 404, 404))
    page = await browser.get(OF_APP)
    assert page.status == expected[0]
    assert ("Set a label" in page.text) is (expected[:2] == (200, 303))
    for more, status in (({}, expected[1]), ({"reference": "1.0"}, expected[2])):
        await browser.get("/account" if who in ROLES else "/login")
        assert (await browser.submit("/labels", FIELDS | more)).status == status
