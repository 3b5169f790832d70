"""People with rights of all kinds around one namespace, and shorthand for what lies there."""

from orlop.domain.access import Place, PlaceKind
from orlop.domain.pages import PageRequest
from orlop.ports.identity import NewGrant
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


async def settings_of(scene: Scene, kind: str) -> list[str]:
    """The settings of a kind as `path:name`."""
    page = await scene.identity.documents.page(kind, PageRequest(100), None)
    return [f"{each.path}:{each.name}" for each in page.items]
