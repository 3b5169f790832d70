"""The usage of a place: figures, the picture, the curve with what is to come, quotas; and who sees it."""

import html
import json
import re
from itertools import combinations

import pytest

from orlop.domain.durations import DAY
from orlop.domain.names import RepositoryName, Tag
from orlop.faces.ui.treemap import treemap
from tests.content import blob, image
from tests.unit.ui.places import PEOPLE, person, pushed, put
from tests.unit.ui.scene import Scene


async def filled(scene: Scene) -> None:
    """Two namespaces that share a layer, one of them with a quota, over four days."""
    content, keeping = pushed(scene), scene.memory.catalog.usage_keeping
    for day in range(4):
        large = blob(f"large-{day}", 100_000)
        await content.push(RepositoryName("team/backend/api"), image(f"api-{day}", [large, "base"]), Tag(f"v{day}"))
        await keeping.record(scene.clock.now() // DAY - 3 + day, 0)
    await content.push(RepositoryName("team/web"), image("web", ["base"]), Tag("latest"))
    await content.push(RepositoryName("other/app"), image("other", ["base"]), Tag("latest"))
    await put(scene, "quota", "ours", "team", bytes="500kB", tags=10)
    await keeping.record(scene.clock.now() // DAY, 0)


async def test_what_lies_at_a_place_and_what_is_to_come(scene: Scene) -> None:
    await filled(scene)
    browser = await person(scene, "owner")
    page = (await browser.get("/usage?path=team/")).text
    assert re.search(r'title="40\d,\d{3} bytes">39\d(\.\d)? KiB', page)
    assert "5 of 10 tags" in page
    assert "full in" in page
    assert "What grew most in 30 days" in page
    assert '<a href="/r/team/backend/-/usage">' in page
    assert "other/" not in page  # who shares it, where the owner has no say
    [curve] = [json.loads(html.unescape(each)) for each in re.findall(r'data-curve="([^"]*)"', page)]
    stored, logical, to_come = (line["values"] for line in curve["lines"])
    assert len(curve["times"]) == len(stored) == len(logical) == len(to_come) == 4 + 30
    assert stored[:4] == sorted(stored[:4])
    assert stored[4:] == [None] * 30
    assert to_come[:3] == [None] * 3
    assert to_come[3] == stored[3] < to_come[4]
    admin = (await (await person(scene, "admin")).get("/usage?path=team")).text
    assert '<a href="/r/other/-/usage">other/</a>' in admin
    assert (await browser.get("/r/team/-/usage")).status == 200
    assert (await browser.get("/usage?path=team/backend/api")).status == 200


async def test_a_picture_leads_to_what_it_shows(scene: Scene) -> None:
    await filled(scene)
    page = (await (await person(scene, "admin")).get("/usage")).text
    [picture] = re.findall(r'<svg class="map".*?</svg>', page, re.DOTALL)
    assert re.findall(r'<a href="([^"]+)">', picture) == ["/r/team/-/usage", "/r/other/-/usage"]
    assert "style=" not in page
    assert "How much room there is" not in page  # no disk is known here, and no quota is of the registry


@pytest.mark.parametrize("amounts", [[1], [5, 5], [100, 50, 25, 1, 1, 1], [10**12, 1], list(range(24, 0, -1))])
def test_a_treemap_fills_its_room_and_nothing_lies_on_another(amounts: list[int]) -> None:
    boxes = treemap(amounts, 1000, 320)
    assert len(boxes) == len(amounts)
    for box, amount in zip(boxes, amounts, strict=True):
        assert box.wide * box.high == pytest.approx(amount * 320_000 / sum(amounts), rel=1e-3, abs=1e-3)
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.wide <= 1000 + 1e-6
        assert box.y + box.high <= 320 + 1e-6
    for one, other in combinations(boxes, 2):
        across = min(one.x + one.wide, other.x + other.wide) - max(one.x, other.x)
        down = min(one.y + one.high, other.y + other.high) - max(one.y, other.y)
        assert across < 1e-6 or down < 1e-6


def test_nothing_is_no_picture() -> None:
    assert treemap([], 10, 10) == []


SEEN = {
    "/usage": (303, 403, 403, 403, 403, 403, 200),
    "/usage?path=team": (303, 403, 200, 200, 403, 403, 200),
    "/usage?path=team/web": (303, 403, 200, 200, 403, 403, 200),
    "/r/team/web/-/usage": (303, 403, 200, 200, 404, 404, 200),
    "/usage?path=team/none": (303, 403, 404, 404, 403, 403, 404),
}


@pytest.mark.parametrize(("who", "at"), [(who, at) for at, who in enumerate(PEOPLE)])
async def test_who_sees_usage(scene: Scene, who: str, at: int) -> None:
    await filled(scene)
    browser = await person(scene, who)
    found = {path: (await browser.get(path)).status for path in SEEN}
    assert found == {path: expected[at] for path, expected in SEEN.items()}
