"""Bundles, for whoever makes one, looks, or removes it. What is promoted of one is the business of the desk beside."""

from collections.abc import Callable, Sequence

from orlop.domain.access import Caller
from orlop.domain.errors import NotFound, RequestInvalid
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest
from orlop.domain.promotion.bundle import Bundle, BundledImage, place_of
from orlop.domain.settings import checked_name, place_words
from orlop.ports.bundles import Bundles
from orlop.ports.catalog import by
from orlop.services.content.manifests import Manifests
from orlop.services.management.operations import Gate, Operation
from orlop.services.management.pages import seen

#: Images that are promoted as one.
IMAGES = 100
#: Promotions, or bundles, that are looked through at once: each has up to IMAGES.
AT_ONCE = 100
#: Bundles of one account; those of one name that are looked at.
_EACH, _NAMED = 1_000, 1_000

Wanted = Sequence[tuple[RepositoryName, Reference]]


class BundleDesk:
    """See the module."""

    def __init__(self, gate: Gate, manifests: Manifests, rows: Bundles) -> None:
        self._gate = gate
        self._manifests = manifests
        self._rows = rows

    async def make(self, caller: Caller, name: str, images: Wanted) -> Bundle:
        """Put images under a name, each by the digest that it has now. The same again is the one that there is.

        Raises Denied, ManifestUnknown, RequestInvalid; Conflict where the name is taken.
        """
        checked_name("bundle", name)
        if not 0 < len(images) <= IMAGES:
            raise RequestInvalid(f"1 to {IMAGES} images make a bundle, these are {len(images)}")
        found: list[BundledImage] = []
        for repository, reference in images:
            await self._gate.check(caller, Operation.BUNDLE_MAKE, repository=repository)
            manifest = await self._manifests.seen(repository, reference, caller)
            tag = reference if isinstance(reference, Tag) else None
            found.append(BundledImage(repository, tag, manifest.digest))
        if len({(one.repository, one.tag or one.digest) for one in found}) < len(found):
            raise RequestInvalid("two of the images are the same")
        now = self._gate.now()
        bundle = Bundle(
            path=place_of(one.repository for one in found),
            name=name,
            created_by=caller.subject.name,
            created_id=caller.subject.id,
            created_at=now,
            images=tuple(found),
        )
        return await self._rows.add(bundle, _EACH, by(caller, now))

    async def page(self, caller: Caller, page: PageRequest) -> Page[Bundle]:
        """Those that the caller may see, by name and place. Raises PageInvalid."""
        return await seen(self._rows.page, page, key_of, await self._seeing(caller), AT_ONCE)

    async def get(self, caller: Caller, name: str, path: str | None = None) -> Bundle:
        """One that the caller may see; `path`: at that place. Raises NotFound; RequestInvalid where there are
        several."""
        sees = await self._seeing(caller)
        named = await self._rows.named(name, _NAMED)
        found = [one for one in named if sees(one) and (path is None or one.path == path.strip("/"))]
        if len(found) > 1:
            places = ", ".join(place_words(one.path) for one in found)
            raise RequestInvalid(f"there is a bundle {name} at each of {places}; name the place", {"bundle": name})
        if not found:
            raise NotFound(f"there is no bundle {name[:64]}", {"bundle": name[:64]})
        return found[0]

    async def remove(self, caller: Caller, name: str, path: str | None = None) -> None:
        """Remove one: its author may, and who edits rules wherever its images are. What was promoted of it stays.
        Raises as get, and Denied."""
        bundle = await self.get(caller, name, path)
        own = _is_own(caller, bundle)
        for image in bundle.images:
            await self._gate.check(caller, Operation.BUNDLE_REMOVE, own=own, repository=image.repository)
        await self._rows.remove(bundle.path, bundle.name, by(caller, self._gate.now()))

    async def _seeing(self, caller: Caller) -> Callable[[Bundle], bool]:
        await self._gate.check(caller, Operation.BUNDLE_READ, own=True)
        seeing = await self._gate.administers(caller)
        return lambda one: _is_own(caller, one) or all(seeing.reads(image.repository) for image in one.images)


def key_of(bundle: Bundle) -> str:
    """Where a list goes on after a bundle."""
    return f"{bundle.name} {bundle.path}"


def _is_own(caller: Caller, bundle: Bundle) -> bool:
    return bool(caller.subject.id) and caller.subject.id == bundle.created_id
