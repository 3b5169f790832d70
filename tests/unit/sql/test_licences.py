"""Names of licences of packages that an earlier release wrote are entered by the upkeep."""

from orlop.adapters.sql.memory import open_memory
from orlop.domain.inside.licence_names import LICENCE_NAMES_VERSION
from tests.catalogs import rows
from tests.content import image
from tests.contract.insides import held, package, read
from tests.contract.scene import APP, V1, Scene

ONE = image("one")


async def test_what_an_earlier_release_wrote_is_entered() -> None:
    opened = open_memory()
    catalog = opened.catalog
    scene, images, holding = Scene(catalog), catalog.insides.images, catalog.advisories.holding
    await scene.push(APP, ONE, V1)
    await read(catalog, scene, ONE.digest, held(*(package(f"p{number}", "MIT") for number in range(5))))

    async def licensed() -> int:
        names = await holding.licences("mit", "mit~", 10)
        return len(await holding.held_licensed([ONE.digest], [name.id for name in names]))

    assert await licensed() == 5
    rows(opened, "UPDATE packages SET licensed = 0 WHERE name <> 'p0'")
    rows(opened, "DELETE FROM package_licences")
    assert not await holding.is_licensed(LICENCE_NAMES_VERSION)
    assert [await images.license(3), await images.license(3), await images.license(3)] == [3, 1, 0]
    assert await holding.is_licensed(LICENCE_NAMES_VERSION)
    assert await licensed() == 4, "of what was entered by this version nothing is entered again"
    rows(opened, "UPDATE packages SET licensed = 0")
    assert await images.license(10) == 5
    assert await licensed() == 5
