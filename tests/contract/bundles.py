"""What every catalog keeps to about bundles (ports.bundles.Bundles)."""

import msgspec
import pytest

from orlop.domain.errors import Conflict, NotFound
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.promotion.bundle import Bundle, BundledImage
from orlop.ports.catalog import Catalog
from tests.content import image
from tests.contract.scene import START, Scene

ONE, TWO = image("one"), image("two", ["base", "two-layer"])
IMAGES = (
    BundledImage(RepositoryName("staging/db"), Tag("9"), TWO.digest),
    BundledImage(RepositoryName("staging/app"), None, ONE.digest),
)
MOST = 3


def bundle(name: str = "release-42", path: str = "staging", account: int = 7) -> Bundle:
    return Bundle(path=path, name=name, created_by="test", created_id=account, created_at=START, images=IMAGES)


class BundlesKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_one_is_found_by_its_name_and_place_with_its_images_in_order(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.bundles
        by = msgspec.structs.replace(scene.by(), actor="test")
        made = [bundle(path="team"), bundle(), bundle("other")]
        for one in made:
            assert await rows.add(one, MOST, by) == one
        assert await rows.named("release-42", 5) == (made[1], made[0])
        assert await rows.named("release-42", 1) == (made[1],)
        assert await rows.named("release", 5) == ()
        first = await rows.page(PageRequest(2))
        assert (first.items, first.more) == ((made[2], made[1]), True)
        rest = await rows.page(PageRequest(2, "release-42 staging"))
        assert (rest.items, rest.more) == ((made[0],), False)

    async def test_a_name_is_given_once_at_a_place_and_the_same_again_is_the_same(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.bundles
        kept = await rows.add(bundle(), MOST, scene.by())
        again = msgspec.structs.replace(bundle(), created_at=START + 5)
        assert (await rows.add(again, MOST, scene.by())).created_at == kept.created_at
        for other in (bundle(account=8), msgspec.structs.replace(bundle(), images=IMAGES[:1])):
            with pytest.raises(Conflict, match="there is a bundle release-42 at staging/ already"):
                await rows.add(other, MOST, scene.by())
        assert [one.images for one in await rows.named("release-42", 5)] == [IMAGES]

    async def test_an_account_has_no_more_than_so_many(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.bundles
        for number in range(MOST):
            await rows.add(bundle(f"release-{number}"), MOST, scene.by())
        with pytest.raises(Conflict, match="has 3 bundles; remove some first"):
            await rows.add(bundle("more"), MOST, scene.by())
        await rows.add(bundle("more", account=8), MOST, scene.by())
        await rows.add(bundle("release-0"), MOST, scene.by())
        await rows.remove("staging", "release-0", scene.by())
        await rows.add(bundle("release-9"), MOST, scene.by())

    async def test_what_is_removed_is_gone_and_both_are_told(self, catalog: Catalog) -> None:
        scene, rows = Scene(catalog), catalog.bundles
        await rows.add(bundle(), MOST, scene.by())
        await rows.remove("staging", "release-42", scene.by())
        assert await rows.named("release-42", 5) == ()
        with pytest.raises(NotFound, match="there is no bundle release-42 at staging/"):
            await rows.remove("staging", "release-42", scene.by())
        told = [
            (event.kind, event.repository, event.digest, event.tag, event.subject)
            for event in await catalog.outbox.events(0, 100)
        ]
        assert told == [
            (kind, one.repository, str(one.digest), str(one.tag or ""), "bundle release-42")
            for kind in (EventKind.BUNDLE_CREATED, EventKind.BUNDLE_REMOVED)
            for one in IMAGES
        ]
