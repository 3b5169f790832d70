"""What tag does."""

from orlop.domain.names import Tag
from orlop.faces.cli.content.show import image_argument, print_json
from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.locations import StoreKind
from orlop.faces.cli.running import UsageError, argument


async def tag(stores: ContentStores, ref: str, tags: tuple[str, ...], connecting: Connecting, *, json: bool) -> None:
    """Point further tags at what `ref` names."""
    if not tags:
        raise UsageError("name at least one tag to set")
    location = image_argument(ref)
    if location.kind in (StoreKind.OCI_ARCHIVE, StoreKind.DOCKER_ARCHIVE):
        raise UsageError("an archive cannot be changed; copy it with cp to give it another name")
    if location.kind is StoreKind.REGISTRY:
        for name in tags:
            argument(Tag, name)
    async with stores.repository(location, connecting) as opened:
        found = await opened.fetch(location.name)
        await opened.put_manifest(found, tags)
    if json:
        print_json({"digest": str(found.digest), "tags": list(tags)})
    else:
        for name in tags:
            print(f"{name}: {found.digest}")
