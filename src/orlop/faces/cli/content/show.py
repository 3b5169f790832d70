"""What ls, inspect and digest print."""

from collections.abc import Mapping
from typing import Any

import msgspec

from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.image_config import ImageConfig
from orlop.faces.cli.content import labels
from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.locations import Location, parse_location, parse_registry_location
from orlop.faces.cli.running import UsageError, argument, short, size_text, tell
from orlop.faces.cli.servers import Servers
from orlop.services.content.inspection import CHILDREN_BYTES, LISTED, Inspection, PlatformImage, Referrer
from orlop.services.content.inspection import inspect as look


def image_argument(text: str) -> Location:
    """A location from the command line; says what was implied. Raises UsageError."""
    location: Location = argument(parse_location, text)
    if location.implied:
        tell(f"using {location} ({location.implied} implied)")
    return location


def tell_implied_place(location: Location) -> None:
    """Say where a repository is taken to be, if that was left to the defaults."""
    if location.image is not None and location.implied_place:
        tell(f"using {location.image.name} ({location.implied_place} implied)")


def print_json(value: Any) -> None:
    """A value as JSON, indented."""
    # Tags and digests are strings of their own kind, which msgspec does not take for strings.
    print(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())


async def ls(stores: ContentStores, where: str, connecting: Connecting, *, json: bool) -> None:
    """Repositories or tags, as they come; collected for JSON."""
    registry: str | None = argument(parse_registry_location, where)
    names: list[str] = []
    if registry is not None:
        found = False
        async with stores.registry(registry, connecting) as listed:
            async for repository in listed.repositories():
                found = True
                _list(names, str(repository), json=json)
        if not found:
            await _tell_nothing(stores, registry, connecting)
    else:
        location: Location = argument(parse_location, where)
        if location.image is not None and (location.image.digest or not location.image.tag_implied):
            raise UsageError("ls takes a repository, without tag and digest")
        if location.image is None and location.name:
            raise UsageError("ls takes a folder or archive, without a name in it")
        tell_implied_place(location)
        async with stores.repository(location, connecting) as opened:
            async for tag in opened.tags():
                _list(names, str(tag), json=json)
    if json:
        print_json(names)


async def _tell_nothing(stores: ContentStores, registry: str, connecting: Connecting) -> None:
    """Why a list of repositories may be empty, and what to do about it."""
    known = await stores.known_as(registry, connecting)
    if known is None:
        tell(f"{registry} shows nothing to those who are not signed in; run orlop login {registry}")
    else:
        tell(f"{registry} has nothing, or nothing that {known.name or 'whoever is signed in'} may see")


def _list(names: list[str], name: str, *, json: bool) -> None:
    if json:
        names.append(name)
    else:
        print(name)


async def digest(stores: ContentStores, ref: str, connecting: Connecting, *, json: bool) -> None:
    """The digest alone, or with what it belongs to."""
    location = image_argument(ref)
    async with stores.repository(location, connecting) as opened:
        # Not what a registry says of the manifest: what the manifest is.
        found = (await opened.fetch(location.name)).descriptor
    if json:
        print_json(
            {
                "reference": str(location),
                "digest": str(found.digest),
                "mediaType": found.media_type,
                "size": found.size,
            }
        )
    else:
        print(found.digest)


async def inspect(stores: ContentStores, servers: Servers, ref: str, connecting: Connecting, *, json: bool) -> None:
    """Everything about an image, for people or for programs."""
    location = image_argument(ref)
    async with stores.repository(location, connecting) as opened:
        found = await look(opened, location.name)
    for missing in found.missing:
        tell(f"{missing.digest} ({size_text(missing.size)}) is missing: push the image again")
    labelled = await labels.of(servers, location, found.digest, connecting)
    if found.truncated:
        tell(f"there are more than {LISTED} entries or referrers; the first {LISTED} are shown")
    if found.unread:
        tell(
            f"{found.unread} entries were not looked at: those before them are {CHILDREN_BYTES >> 20} MiB of manifests"
        )
    if json:
        print_json({"reference": str(location), **_fields(found), **({"labels": labelled} if labelled else {})})
    else:
        for line in _lines(location, found, labelled):
            print(line)


def _fields(found: Inspection) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return document


def _lines(location: Location, found: Inspection, labelled: Mapping[str, str]) -> list[str]:
    lines = [
        f"Reference:   {location}",
        f"Digest:      {found.digest}",
        f"Media type:  {found.media_type}",
        f"Size:        {size_text(found.content_size)}",
    ]
    if found.artifact_type and found.kind is not ContentKind.IMAGE:
        lines.append(f"Artifact:    {_printable(found.artifact_type)}")
    if found.subject:
        lines.append(f"Subject:     {found.subject}")
    if (config := found.image_config) is not None:
        lines += _config_lines(config)
    elif found.kind is ContentKind.CHART and found.config is not None:
        lines.append(f"Chart:       {_printable(_named(found.config, 'name', 'version'))}")
    if found.base is not None:
        lines.append(f"Base:        {_printable('@'.join(filter(None, (found.base.name, found.base.digest))))}")
    lines += [f"Annotation:  {_printable(f'{key}={value}')}" for key, value in sorted(found.annotations.items())]
    lines += [f"Label:       {_printable(f'{key}={value}', widest=600)}" for key, value in labelled.items()]
    running = [entry for entry in found.platforms if entry.runs]
    others = [entry for entry in found.platforms if not entry.runs]
    if running:
        lines.append("Platforms:")
        lines += [f"  {_printable(entry.platform):<18} {_held(entry):>10}  {entry.digest}" for entry in running]
    if others:
        lines.append("Attestations and others:")
        lines += [f"  {_attests(entry):<18} {_held(entry):>10}  {entry.digest}" for entry in others]
    if found.layers:
        lines.append("Layers:")
        for layer in found.layers:
            made = f"  {_printable(layer.command, widest=80)}" if layer.command else ""
            lines.append(f"  {size_text(layer.size):>10}  {layer.digest}{made}")
    if found.referrers:
        lines.append("Referrers:")
        lines += _referrer_lines(found.referrers, 1)
    return lines


def _held(entry: PlatformImage) -> str:
    if entry.size is None:
        return "not held here" if entry.read else "not looked at"
    return size_text(entry.size)


def _attests(entry: PlatformImage) -> str:
    return f"of {short(Digest(entry.attests))[:14]}" if entry.attests else "for no platform"


def _referrer_lines(referrers: list[Referrer], depth: int) -> list[str]:
    lines = []
    for one in referrers:
        tag = f"  {one.tag}" if one.tag else ""
        lines.append(f"{'  ' * depth}{short(Digest(one.digest))}  {_printable(one.artifact_type or 'unknown')}{tag}")
        lines += _referrer_lines(one.referrers, depth + 1)
    return lines


def _named(document: dict[str, Any], *keys: str) -> str:
    return " ".join(str(document.get(key) or "") for key in keys)


def _config_lines(config: ImageConfig) -> list[str]:
    """What a config says of itself. Tools that know nothing write empty strings."""
    lines = []
    if config.platform:
        lines.append(f"Platform:    {_printable(config.platform)}")
    if config.created:
        lines.append(f"Created:     {_printable(config.created)}")
    return lines


def _printable(text: str, widest: int = 200) -> str:
    """Text of strangers, fit for a terminal: no escape sequences, no endless lines."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:widest])
