"""What tag and rm do."""

from orlop.domain.digest import Digest
from orlop.domain.names import Tag
from orlop.faces.cli.content_show import image_argument, print_json, tell_implied_place
from orlop.faces.cli.locations import Location, StoreKind, parse_location
from orlop.faces.cli.running import UsageError, argument
from orlop.faces.cli.stores import Connecting, ContentStores


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


async def rm(stores: ContentStores, ref: str, connecting: Connecting, *, yes: bool, json: bool) -> None:
    """Remove a tag, or a manifest by its digest."""
    location: Location = argument(parse_location, ref)
    if location.kind in (StoreKind.OCI_ARCHIVE, StoreKind.DOCKER_ARCHIVE):
        raise UsageError("an archive cannot be changed")
    if not location.name or (location.image is not None and location.image.tag_implied):
        raise UsageError("write out the tag to remove; latest is not implied here")
    whole = ":" in location.name and location.name.partition(":")[0] in ("sha256", "sha512")
    if whole and location.image is not None and location.image.tag:
        raise UsageError("name a tag or a digest to remove, not both")
    if whole and not yes:
        raise UsageError("this deletes the manifest and every tag that points at it; add --yes to do so")
    tell_implied_place(location)
    async with stores.repository(location, connecting) as opened:
        if whole:
            await opened.delete_manifest(Digest(location.name))
        else:
            await opened.untag(location.name)
    if json:
        print_json({"removed": location.name, "kind": "manifest" if whole else "tag"})
    else:
        print(f"{'deleted' if whole else 'untagged'} {location}")
