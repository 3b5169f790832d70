"""What differs between two images, by what is known of them without pulling either."""

from collections.abc import Iterable, Mapping

import msgspec

from orlop.domain.descriptor import Platform
from orlop.domain.errors import RequestInvalid
from orlop.domain.image_config import ImageConfig
from orlop.domain.platforms import matches, parse_platform
from orlop.ports.upstream import ContentSource
from orlop.services.content.inspection import Inspection, Layer, inspect

#: The platform to compare where nobody names one and both have it.
_USUAL = "linux/amd64"


class Change(msgspec.Struct, frozen=True):
    """A value by its name, before and after; None where it is not there."""

    name: str
    before: str | None
    after: str | None


class ImageDifferences(msgspec.Struct, frozen=True, rename="camel"):
    """From `before` to `after`. Of two indexes `platform` says which of their images were compared; it is empty where
    they have none in common, and then only platforms and annotations were. Sizes are in bytes."""

    before: str
    after: str
    platform: str
    size_before: int
    size_after: int
    shared: list[Layer]
    removed: list[Layer]
    added: list[Layer]
    config: list[Change]
    env: list[Change]
    labels: list[Change]
    annotations: list[Change]
    platforms: list[Change]

    @property
    def same(self) -> bool:
        """Whether both are the same manifest."""
        return self.before == self.after


class Compared(msgspec.Struct, frozen=True):
    """One side: where it is, and what it is called there."""

    source: ContentSource
    reference: str


async def differences(before: Compared, after: Compared, platform: str = "") -> ImageDifferences:
    """Compare two images, or two indexes by their images for a platform: that which is named, else one of both.

    Raises RequestInvalid for a platform that is in neither, and what the sources raise.
    """
    wanted = parse_platform(platform) if platform else None
    first = await inspect(before.source, before.reference, alone=True)
    second = await inspect(after.source, after.reference, alone=True)
    name = common_platform(first, second, wanted)
    one, other = await _of(before.source, first, name), await _of(after.source, second, name)
    layers_before = one.layers if one is not None else []
    layers_after = other.layers if other is not None else []
    config_before = one.image_config if one is not None else None
    config_after = other.image_config if other is not None else None
    held_before, held_after = {layer.digest for layer in layers_before}, {layer.digest for layer in layers_after}
    return ImageDifferences(
        before=first.digest,
        after=second.digest,
        platform=name,
        size_before=(one or first).content_size,
        size_after=(other or second).content_size,
        shared=[layer for layer in layers_after if layer.digest in held_before],
        removed=[layer for layer in layers_before if layer.digest not in held_after],
        added=[layer for layer in layers_after if layer.digest not in held_before],
        config=_changes(_fields(config_before), _fields(config_after)),
        env=_changes(_env(config_before), _env(config_after)),
        labels=_changes(config_before.labels if config_before else {}, config_after.labels if config_after else {}),
        annotations=_changes(first.annotations, second.annotations),
        platforms=_changes(_platforms(first), _platforms(second)),
    )


def common_platform(first: Inspection, second: Inspection, wanted: Platform | None) -> str:
    """The platform by which two are compared; empty where there is none, and where neither is an index."""
    sides = [_platforms(side) for side in (first, second) if side.platforms]
    if not sides:
        return ""
    offered = [name for name in sides[0] if all(name in side for side in sides)]
    if wanted is None:
        single = next((side.image_config for side in (first, second) if side.image_config is not None), None)
        if single is not None:
            return single.platform if single.platform in offered else ""
        return _USUAL if _USUAL in offered else next(iter(offered), "")
    found = next((name for name in offered if _matches(wanted, name)), None)
    if found is None:
        raise RequestInvalid(f"{wanted} is not in both; platforms in both: {', '.join(offered) or 'none'}")
    return found


def _matches(wanted: Platform, name: str) -> bool:
    try:
        return matches(wanted, parse_platform(name))
    except RequestInvalid:
        return False


async def _of(source: ContentSource, side: Inspection, platform: str) -> Inspection | None:
    """The image of a side that is compared; None for an index without the platform."""
    if not side.platforms:
        return side
    digest = _platforms(side).get(platform)
    return await inspect(source, digest, alone=True) if digest is not None else None


def _platforms(side: Inspection) -> dict[str, str]:
    """The digests of an index by platform, of several alike the first."""
    found: dict[str, str] = {}
    for entry in side.platforms:
        if entry.runs:
            found.setdefault(entry.platform, entry.digest)
    return found


def _fields(config: ImageConfig | None) -> dict[str, str]:
    if config is None:
        return {}
    fields = {
        "platform": config.platform,
        "created": config.created,
        "author": config.author,
        "entrypoint": _listed(config.entrypoint),
        "cmd": _listed(config.cmd),
        "user": config.user,
        "working directory": config.working_dir,
        "ports": ", ".join(config.ports),
        "volumes": ", ".join(config.volumes),
        "stop signal": config.stop_signal,
    }
    return {name: value for name, value in fields.items() if value}


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    return msgspec.json.encode(words).decode() if words else ""


def _env(config: ImageConfig | None) -> dict[str, str]:
    return {} if config is None else {name: value for name, _, value in (each.partition("=") for each in config.env)}


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    names = sorted({*before, *after})
    return [Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]
