"""What rm and repo rm do, and what they say of what is left: removing a tag frees nothing by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec import convert

from orlop.domain import media_types
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestUnknown, RegistryError
from orlop.domain.manifest import EdgeKind, parse_manifest
from orlop.domain.trash_rules import TrashRule, kept_text
from orlop.faces.cli.content.show import print_json, tell_implied_place
from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.locations import Location, StoreKind, parse_location
from orlop.faces.cli.running import UsageError, argument, counted, size_text, tell
from orlop.faces.cli.servers import ServerChoice, Servers, everything, kept, path_of, signed_in
from orlop.ports.management import ManagementServer, RequestRefused
from orlop.ports.upstream import ContentRepository

#: How many tags are looked at for one that leads to the manifest of another: each costs a request.
_LOOKED_AT = 20
_COLLECTED = (
    "the server collects what nothing needs any more a day or two from now; at once on its machine: orlop gc --grace 0s"
)


async def rm(
    stores: ContentStores,
    servers: Servers,
    ref: str,
    connecting: Connecting,
    *,
    recursive: bool,
    yes: bool,
    json: bool,
) -> None:
    """Remove a tag, or a manifest by its digest; `recursive`: with whatever only it leads to."""
    location: Location = argument(parse_location, ref)
    if location.kind in (StoreKind.OCI_ARCHIVE, StoreKind.DOCKER_ARCHIVE):
        raise UsageError("an archive cannot be changed")
    if not location.name or (location.image is not None and location.image.tag_implied):
        raise UsageError(
            "write out the tag to remove, latest is not implied here; a repository as a whole goes by orlop repo rm"
        )
    whole = ":" in location.name and location.name.partition(":")[0] in ("sha256", "sha512")
    if whole and location.image is not None and location.image.tag:
        raise UsageError("name a tag or a digest to remove, not both")
    if whole and not yes and not recursive:
        raise UsageError("this deletes the manifest and every tag that points at it; add --yes to do so")
    if recursive and location.image is None:
        raise UsageError("--recursive is for registries: a folder keeps nothing that no name leads to")
    tell_implied_place(location)
    async with stores.repository(location, connecting) as opened:
        if recursive:
            removed = await _with_all(servers, opened, location, connecting, whole=whole, yes=yes)
            if json:
                print_json({"removed": removed, "kind": "manifests"})
            return
        media_type = (await opened.resolve(location.name)).media_type if whole else ""
        digest = location.name if whole else await _digest(opened, location)
        if whole:
            await opened.delete_manifest(Digest(location.name))
        else:
            await opened.untag(location.name)
        held = whole or json or not digest or await _is_tagged(opened, digest)
    if json:
        print_json({"removed": location.name, "kind": "manifest" if whole else "tag"})
        return
    print(f"{'deleted' if whole else 'untagged'} {location}")
    if location.image is None:
        return
    if whole:
        await _tell_after_manifest(servers, location, connecting, is_index=media_type in media_types.INDEXES)
    else:
        await _tell_after_tag(servers, location, connecting, digest, held=held)


async def repo_rm(servers: Servers, ref: str, connecting: Connecting, *, yes: bool, json: bool) -> None:
    """Delete a repository with everything in it."""
    location = repository_argument(ref)
    name = _repository(location)
    async with managed(servers, location, connecting) as server:
        held = (await server.ask("GET", f"/repositories/{path_of(name)}")).value
        if not yes:
            raise UsageError(
                f"this deletes {_named(location)} with its {counted(held['tags'], 'tag')} and"
                f" {counted(held['manifests'], 'manifest')} ({size_text(held['size'])}); add --yes to do so"
            )
        await server.ask("DELETE", f"/repositories/{path_of(name)}")
        if not json:
            print(f"deleted {_named(location)}")
            await _tell_kept(server, location, _named(location))
    if json:
        print_json({"removed": name, "kind": "repository", "size": held["size"]})


async def untagged(servers: Servers, ref: str, connecting: Connecting, *, json: bool) -> None:
    """List what no tag leads to."""
    location = repository_argument(ref)
    async with managed(servers, location, connecting) as server:
        found = await everything(server, "/untagged-manifests", repository=_repository(location), n="1000")
    if json:
        print_json(found)
        return
    for manifest in found:
        print(f"{manifest['digest']}  {size_text(manifest['size']):>9}  {manifest['pushed_at'] or ''}".rstrip())
    if found:
        tell(f"each keeps its space until it is removed: orlop rm {_named(location)}@DIGEST --recursive --yes")
    else:
        tell(f"a tag leads to every manifest of {_named(location)}")


def repository_argument(ref: str) -> Location:
    """A repository of a registry, from the command line. Raises UsageError."""
    location: Location = argument(parse_location, ref)
    if location.image is None:
        raise UsageError("this is for a repository of a registry: HOST:PORT/NAME")
    if location.image.digest or not location.image.tag_implied:
        raise UsageError("name a repository, without tag and digest")
    tell_implied_place(location)
    return location


@asynccontextmanager
async def managed(servers: Servers, location: Location, connecting: Connecting) -> AsyncIterator[ManagementServer]:
    """The Orlop server that holds a repository. Raises UsageError unless `orlop login` signed in there."""
    async with signed_in(servers, _choice(location, connecting)) as server:
        yield server


def _choice(location: Location, connecting: Connecting) -> ServerChoice:
    assert location.image is not None
    return ServerChoice(location.image.registry, connecting.plain_http, connecting.insecure, connecting.ca)


async def _digest(opened: ContentRepository, location: Location) -> str:
    """What a tag points at before it is removed; empty where that cannot be told, which is no reason not to."""
    try:
        return str((await opened.resolve(location.name)).digest)
    except RegistryError:
        return ""


async def _is_tagged(opened: ContentRepository, digest: str) -> bool:
    """Whether one of the first tags of the repository leads to a manifest."""
    looked_at = 0
    try:
        async for tag in opened.tags():
            if looked_at == _LOOKED_AT:
                return False
            looked_at += 1
            if (await opened.resolve(tag)).digest == digest:
                return True
    except RegistryError:
        return True  # what cannot be looked at is nothing to tell of
    return False


async def _tell_after_tag(
    servers: Servers, location: Location, connecting: Connecting, digest: str, *, held: bool
) -> None:
    """How the tag is had back; unless something else holds it, what it left behind, and what frees that."""
    command = f"orlop rm {_named(location)}@{digest}"
    if kept(servers, _choice(location, connecting)) is None:
        if held:
            return
        tell(f"unless another tag leads to it, its manifest keeps its space until it is removed: {command} --yes")
        return
    try:
        async with managed(servers, location, connecting) as server:
            if keep := await _kept_for(server, location):
                tell(f"it can be set again for {keep}: orlop trash restore {location}")
            left = await _left(server, location, digest) if not held else None
    except RegistryError:  # the tag is gone, and that was asked for
        return
    if left is not None:
        is_index = left["media_type"] in media_types.INDEXES
        what = "all that it lists" if is_index else size_text(left["size"])
        more = " --recursive" if is_index else ""
        tell(f"no tag leads to its manifest any more, which keeps {what} until it is removed: {command}{more} --yes")


async def _left(server: ManagementServer, location: Location, digest: str) -> dict[str, Any] | None:
    """The manifest, if no tag leads to it: by a list that begins just before it."""
    query = {"repository": _repository(location), "last": digest[:-1], "n": "1"}
    found = (await server.ask("GET", "/untagged-manifests", query=query)).value
    return found[0] if found and found[0]["digest"] == digest else None


async def _tell_after_manifest(servers: Servers, location: Location, connecting: Connecting, *, is_index: bool) -> None:
    if kept(servers, _choice(location, connecting)) is None:
        return
    if is_index:
        tell(f"the images that this index listed are still there: orlop ls --untagged {_named(location)}")
    try:
        async with managed(servers, location, connecting) as server:
            await _tell_kept(server, location, str(location))
    except RegistryError:  # it is deleted, and that was asked for
        return


async def _kept_for(server: ManagementServer, location: Location) -> str:
    """How long what is deleted there lies in the trash, as it is typed; empty: it does not."""
    try:
        rules = (await server.ask("GET", "/trash-rules", query={"covering": _repository(location)})).value
    except RequestRefused:  # a release before there was a trash
        return ""
    nearest = max((rule["path"] for rule in rules), key=len, default="")
    return kept_text(convert(rule["body"], TrashRule) for rule in rules if rule["path"] == nearest)


async def _tell_kept(server: ManagementServer, location: Location, what: str) -> None:
    """How what was deleted is had back, and what frees its space."""
    assert location.image is not None
    keep = await _kept_for(server, location)
    if not keep:
        tell(_COLLECTED)
        return
    tell(
        f"it lies in the trash for {keep}: orlop trash restore {what}; to free its space before that:"
        f" orlop trash empty {_repository(location)} --server {location.image.registry}"
    )


async def _with_all(
    servers: Servers,
    opened: ContentRepository,
    location: Location,
    connecting: Connecting,
    *,
    whole: bool,
    yes: bool,
) -> list[str]:
    """Remove a tag or manifest, and then what nothing else leads to: what an index lists, what refers to it."""
    async with managed(servers, location, connecting) as server:
        top = (await opened.resolve(location.name)).digest
        family = await _family(opened, str(top))
        if not yes:
            for digest, what in family.items():
                print(f"{_named(location)}@{digest} ({what})")
            first = f"the tag {location.name}" if not whole else "the first, with every tag that points at it"
            raise UsageError(
                f"this removes {first}, and of all these what no other tag or index leads to; add --yes to do so"
            )
        if whole:
            await opened.delete_manifest(Digest(location.name))
            print(f"deleted {location}")
        else:
            await opened.untag(location.name)
            print(f"untagged {location}")
        removed = [location.name]
        while going := await _removable(server, location, family, removed):
            for digest in going:
                await opened.delete_manifest(Digest(digest))
                removed.append(digest)
                print(f"deleted {_named(location)}@{digest}")
        if whole or len(removed) > 1:
            await _tell_kept(server, location, str(location))
        else:
            tell("another tag or index leads to its manifest, which stays")
    return removed


async def _removable(
    server: ManagementServer, location: Location, family: dict[str, str], removed: list[str]
) -> list[str]:
    """Of a family, what no tag leads to now."""
    found = await everything(server, "/untagged-manifests", repository=_repository(location), n="1000")
    return [each["digest"] for each in found if each["digest"] in family and each["digest"] not in removed]


async def _family(opened: ContentRepository, top: str) -> dict[str, str]:
    """A manifest with what it lists and what refers to any of that, and what each is, for people."""
    family, waiting = {top: "named"}, [top]
    while waiting:
        digest = waiting.pop()
        try:
            manifest = await opened.fetch(digest)
        except ManifestUnknown:  # an index may list what is not there
            continue
        for edge in parse_manifest(manifest.content, manifest.media_type).edges:
            if edge.kind is EdgeKind.MANIFEST and edge.digest not in family:
                family[edge.digest] = "listed by an index"
                waiting.append(edge.digest)
        async for referrer in opened.referrers(manifest.digest):
            if referrer.digest not in family:
                family[referrer.digest] = f"refers to {digest}"
                waiting.append(referrer.digest)
    return family


def _repository(location: Location) -> str:
    assert location.image is not None
    return str(location.image.repository)


def _named(location: Location) -> str:
    assert location.image is not None
    return location.image.name
