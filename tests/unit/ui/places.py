"""People with rights of all kinds around one namespace, and shorthand for what lies there."""

import msgspec

from orlop.domain.access import Place, PlaceKind
from orlop.domain.pages import PageRequest
from orlop.domain.retention.plans import PlanState
from orlop.ports.identity import Document, NewGrant
from tests.contract.scene import Scene as Content
from tests.unit.retention.registry import Retained
from tests.unit.ui.scene import Browser, Scene

#: Text that would do something on a page that did not escape it.
HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>"

#: Everybody by name, with the role and the namespace of each; nobody is not signed in, and `visitor` has no rights.
ROLES = {
    "reader": ("reader", "team"),
    "maintainer": ("maintainer", "team"),
    "owner": ("owner", "team"),
    "elsewhere": ("owner", "other"),
    "visitor": ("", ""),
    "admin": ("admin", ""),
}
PEOPLE = ("", *ROLES)


async def person(scene: Scene, name: str) -> Browser:
    """Somebody of these at a browser, signed in unless the name is empty."""
    browser = scene.browser()
    if not name:
        return browser
    if await scene.identity.accounts.get(name) is None:
        await scene.user(name)
        role, path = ROLES[name]
        if role:
            place = Place(PlaceKind.NAMESPACE, path) if path else Place(PlaceKind.REGISTRY)
            await scene.identity.grants.add(NewGrant(principal=name, role=role, place=place), scene.by())
    assert (await browser.sign_in(name)).status == 303
    return browser


async def put(scene: Scene, kind: str, name: str, path: str, **body: object) -> None:
    """A setting, whoever may make it."""
    await scene.identity.documents.put(Document(kind, name, msgspec.json.encode(body), path=path), scene.by())


async def settings_of(scene: Scene, kind: str) -> list[str]:
    """The settings of a kind as `path:name`."""
    page = await scene.identity.documents.page(kind, PageRequest(100), None)
    return [f"{each.path}:{each.name}" for each in page.items]


def pushed(scene: Scene) -> Content:
    """What pushes into the catalog of a scene, at its time."""
    return Content(scene.memory.catalog, at=scene.clock.at)


async def planned(scene: Scene, path: str = "team") -> int:
    """Have the plans made that somebody asked for, or one for a place; the number of the last."""
    retained = Retained(scene.memory)
    retained.clock.at = scene.clock.at
    plans = scene.memory.catalog.retention.plans
    asked = [plan for plan in (await plans.page(PageRequest(100))).items if plan.state is PlanState.PLANNING]
    for plan in asked or [await plans.add(path, scene.by())]:
        await retained.planner.make(plan, scene.by())
    return (await plans.page(PageRequest(1))).items[0].id


async def applied(scene: Scene, number: int) -> None:
    """What the job does that applies a plan."""
    retained = Retained(scene.memory)
    retained.clock.at = scene.clock.at
    plan = await scene.memory.catalog.retention.plans.get(number)
    assert plan is not None
    await retained.applier.apply(plan)
