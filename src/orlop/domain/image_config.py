"""The config of an image, read leniently: what it runs, for what, and what made each of its layers.

Whoever built the image wrote it. A field of another type than the specification's is left out, and no other with it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

#: How the zero of Go's dates begins, which tools that know no date write.
_NEVER = "0001-01-01"
#: No more of the history, of an environment or of a list is read.
_MOST = 4096

#: What names the image that this one was built on, as annotation or label (image-spec, annotations.md).
_BASE_NAME, _BASE_DIGEST = "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"


class Step(msgspec.Struct, frozen=True, rename="camel"):
    """One step of the build. `layer`: which layer it made, from 0; None where it made none, or where that is not
    known."""

    command: str
    created: str = ""
    comment: str = ""
    layer: int | None = None
    empty: bool = False


class BaseImage(msgspec.Struct, frozen=True, rename="camel"):
    """What an image says that it was built on; either may be empty."""

    name: str
    digest: str


class ImageConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """See image-spec, config.md."""

    os: str = ""
    architecture: str = ""
    variant: str = ""
    created: str = ""
    author: str = ""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    labels: dict[str, str] = {}
    history: tuple[Step, ...] = ()

    @property
    def platform(self) -> str:
        """As `linux/arm64/v8`; empty where the config says none."""
        if not self.os and not self.architecture:
            return ""
        named = (self.os or "unknown", self.architecture or "unknown", self.variant)
        return "/".join(part for part in named if part)


def parse_config(document: Mapping[str, Any], layers: int) -> ImageConfig:
    """Read the config of an image that has so many layers."""
    run = document.get("config")
    run = run if isinstance(run, dict) else {}
    created = _text(document.get("created"))
    return ImageConfig(
        os=_text(document.get("os")),
        architecture=_text(document.get("architecture")),
        variant=_text(document.get("variant")),
        created="" if created.startswith(_NEVER) else created,
        author=_text(document.get("author")),
        entrypoint=_texts(run.get("Entrypoint")),
        cmd=_texts(run.get("Cmd")),
        env=_texts(run.get("Env")),
        user=_text(run.get("User")),
        working_dir=_text(run.get("WorkingDir")),
        ports=_keys(run.get("ExposedPorts")),
        volumes=_keys(run.get("Volumes")),
        stop_signal=_text(run.get("StopSignal")),
        labels=_pairs(run.get("Labels")),
        history=_history(document.get("history"), layers),
    )


def base_of(annotations: Mapping[str, str], config: ImageConfig | None) -> BaseImage | None:
    """What an image was built on, where its annotations or labels say so; nothing is guessed from its layers."""
    for said in (annotations, config.labels if config is not None else {}):
        base = BaseImage(said.get(_BASE_NAME, ""), said.get(_BASE_DIGEST, ""))
        if base.name or base.digest:
            return base
    return None


def _history(value: Any, layers: int) -> tuple[Step, ...]:
    """The steps, each with the layer that it made.

    "empty_layer … is used to mark if the history item created a filesystem diff" (config.md). Some tools write no
    history, or another number of it than of layers: then no step is said to have made one.
    """
    entries = [entry for entry in value[:_MOST] if isinstance(entry, dict)] if isinstance(value, list) else []
    making = [entry.get("empty_layer") is not True for entry in entries]
    fits = sum(making) == layers
    steps, next_layer = [], 0
    for entry, makes in zip(entries, making, strict=True):
        created = _text(entry.get("created"))
        steps.append(
            Step(
                command=_text(entry.get("created_by")),
                created="" if created.startswith(_NEVER) else created,
                comment=_text(entry.get("comment")),
                layer=next_layer if fits and makes else None,
                empty=not makes,
            )
        )
        next_layer += makes
    return tuple(steps)


def _text(value: Any) -> str:
    """A text, or a number as one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)[:32]
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(entry for entry in value[:_MOST] if isinstance(entry, str)) if isinstance(value, list) else ()


def _keys(value: Any) -> tuple[str, ...]:
    return tuple(sorted(value)[:_MOST]) if isinstance(value, dict) else ()


def _pairs(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {key: text for key, text in sorted(value.items())[:_MOST] if isinstance(text, str)}
