"""End points about images: what one is made of and how it stands, its texts, and what differs between two."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.domain.content_kinds import ContentKind
from orlop.domain.image_config import ImageConfig, Step
from orlop.domain.names import RepositoryName, parse_held, parse_reference
from orlop.faces.api import values
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.services.content.differences import Change, ImageDifferences
from orlop.services.content.images import Image, Images, ImageTexts
from orlop.services.content.inspection import Inspection, Layer, Referrer
from orlop.services.management.operations import Operation

Repository = Annotated[str, QueryParameter(name="repository", max_length=255, description="The repository.")]
Of = Annotated[str, QueryParameter(name="reference", max_length=160, description="The image: its tag or digest.")]
_HELD = "REPOSITORY:TAG or REPOSITORY@DIGEST."


class PlatformValue(msgspec.Struct, frozen=True):
    """The image of an index for a platform. `size`: of its config and layers; null: the index's repository does not
    hold it."""

    platform: str
    digest: str
    media_type: str
    size: int | None


class IndexEntryValue(msgspec.Struct, frozen=True):
    """An entry of an index that is for no platform. `attests`: the entry that it attests."""

    digest: str
    media_type: str
    size: int | None
    attests: str | None


class ImageLayerValue(msgspec.Struct, frozen=True):
    """A layer. `command`: what made it, where the config tells; `path`: the file that it is, as artifacts tell it."""

    digest: str
    media_type: str
    size: int
    command: str | None
    path: str

    @classmethod
    def of(cls, layer: Layer) -> "ImageLayerValue":
        return cls(layer.digest, layer.media_type, layer.size, layer.command, layer.path)


class StepValue(msgspec.Struct, frozen=True):
    """A step of the build. `layer`: the number of the layer that it made, from 0."""

    command: str
    created: str
    comment: str
    layer: int | None
    empty: bool

    @classmethod
    def of(cls, step: Step) -> "StepValue":
        return cls(step.command, step.created, step.comment, step.layer, step.empty)


class ImageConfigValue(msgspec.Struct, frozen=True):
    """The config of an image: how it runs. Whoever built the image wrote it."""

    platform: str
    created: str
    author: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    env: tuple[str, ...]
    user: str
    working_directory: str
    ports: tuple[str, ...]
    volumes: tuple[str, ...]
    stop_signal: str
    labels: dict[str, str]
    history: list[StepValue]

    @classmethod
    def of(cls, config: ImageConfig) -> "ImageConfigValue":
        return cls(
            config.platform,
            config.created,
            config.author,
            config.entrypoint,
            config.cmd,
            config.env,
            config.user,
            config.working_dir,
            config.ports,
            config.volumes,
            config.stop_signal,
            config.labels,
            [StepValue.of(step) for step in config.history],
        )


class BaseValue(msgspec.Struct, frozen=True):
    """What an image says that it was built on."""

    name: str
    digest: str


class ReferrerValue(msgspec.Struct, frozen=True):
    """What refers to `subject`, which is the image or another referrer. `tag`: it is found by this tag alone."""

    digest: str
    subject: str
    kind: ContentKind
    artifact_type: str
    size: int
    tag: str


class MissingValue(msgspec.Struct, frozen=True):
    """What the manifest names and the repository does not give, as a damaged blob until it is pushed again."""

    digest: str
    size: int


class ImageValue(msgspec.Struct, frozen=True, kw_only=True):
    """An image or artifact. `size` is that of all its content in bytes, each counted once. `labels` are those that it
    has in this registry; those of its config are in `config`. `document` is the config of a chart or model as it is.
    `manifest` is as it is stored. `truncated`: there are more entries or referrers than are told. `unread`: so many
    entries of an index were not looked at, as those before them are large; their size is null. `pushed_by` is empty
    for those who may not read the audit log of the repository, unless it was them."""

    repository: str
    reference: str
    digest: str
    media_type: str
    artifact_type: str
    kind: ContentKind
    size: int
    subject: str | None
    base: BaseValue | None
    platforms: list[PlatformValue]
    others: list[IndexEntryValue]
    config: ImageConfigValue | None
    document: dict[str, Any] | None
    layers: list[ImageLayerValue]
    missing: list[MissingValue]
    annotations: dict[str, str]
    labels: dict[str, str]
    referrers: list[ReferrerValue]
    truncated: bool
    unread: int
    tags: list[str]
    more_tags: bool
    pushed_at: values.Time
    pushed_by: str
    pulls: int
    pulled_at: values.Time
    manifest: str

    @classmethod
    def of(cls, image: Image) -> "ImageValue":
        found, standing = image.inspection, image.standing
        config = found.image_config
        return cls(
            repository=image.repository,
            reference=image.reference,
            digest=found.digest,
            media_type=found.media_type,
            artifact_type=found.artifact_type,
            kind=found.kind,
            size=found.content_size,
            subject=found.subject,
            base=BaseValue(found.base.name, found.base.digest) if found.base is not None else None,
            platforms=[
                PlatformValue(entry.platform, entry.digest, entry.media_type, entry.size)
                for entry in found.platforms
                if entry.runs
            ],
            others=[
                IndexEntryValue(entry.digest, entry.media_type, entry.size, entry.attests)
                for entry in found.platforms
                if not entry.runs
            ],
            config=ImageConfigValue.of(config) if config is not None else None,
            document=found.config if config is None else None,
            layers=[ImageLayerValue.of(layer) for layer in found.layers],
            missing=[MissingValue(one.digest, one.size) for one in found.missing],
            annotations=found.annotations,
            labels=image.labels,
            referrers=list(_flat(found)),
            truncated=found.truncated,
            unread=found.unread,
            tags=[str(tag) for tag in standing.tags] if standing is not None else [],
            more_tags=standing is not None and standing.more,
            pushed_at=values.time(standing.pushed_at) if standing is not None else None,
            pushed_by=standing.pushed_by if standing is not None else "",
            pulls=standing.pulls if standing is not None else 0,
            pulled_at=values.time(standing.pulled_at or 0) if standing is not None else None,
            manifest=bytes(found.manifest).decode("utf-8", "replace"),
        )


class ImageTextsValue(msgspec.Struct, frozen=True):
    """The values and readme of a chart, or the card of a model as readme; null where there is none. `cut`: which of
    them is longer than what is told. `problem` says why they could not be read."""

    values: str | None
    readme: str | None
    cut: list[str]
    problem: str

    @classmethod
    def of(cls, texts: ImageTexts) -> "ImageTextsValue":
        named = {"values": texts.values, "readme": texts.readme}
        found = {name: text for name, text in named.items() if text is not None}
        said = {name: text.text for name, text in found.items()}
        cut = [name for name, text in found.items() if text.cut]
        return cls(said.get("values"), said.get("readme"), cut, texts.problem)


class ChangeValue(msgspec.Struct, frozen=True):
    """What has another value; null where it is not there."""

    name: str
    before: str | None
    after: str | None

    @classmethod
    def of(cls, change: Change) -> "ChangeValue":
        return cls(change.name, change.before, change.after)


class ImageDifferencesValue(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two images. Of indexes, `platform` says which of their images were compared; it is empty
    where none is for the same, and then their layers and configs were not. Of platforms, digests are told."""

    before: str
    after: str
    platform: str
    size_before: int
    size_after: int
    shared: list[ImageLayerValue]
    removed: list[ImageLayerValue]
    added: list[ImageLayerValue]
    config: list[ChangeValue]
    env: list[ChangeValue]
    labels: list[ChangeValue]
    annotations: list[ChangeValue]
    platforms: list[ChangeValue]

    @classmethod
    def of(cls, found: ImageDifferences) -> "ImageDifferencesValue":
        return cls(
            before=found.before,
            after=found.after,
            platform=found.platform,
            size_before=found.size_before,
            size_after=found.size_after,
            shared=[ImageLayerValue.of(layer) for layer in found.shared],
            removed=[ImageLayerValue.of(layer) for layer in found.removed],
            added=[ImageLayerValue.of(layer) for layer in found.added],
            config=[ChangeValue.of(change) for change in found.config],
            env=[ChangeValue.of(change) for change in found.env],
            labels=[ChangeValue.of(change) for change in found.labels],
            annotations=[ChangeValue.of(change) for change in found.annotations],
            platforms=[ChangeValue.of(change) for change in found.platforms],
        )


def images(service: Images) -> list[HTTPRouteHandler]:
    """`/images`, `/image-texts` and `/image-differences`."""

    @get("/images", operation_id="showImage", tags=["images"], operation=Operation.IMAGE_READ)
    async def show_image(request: ApiRequest, repository: Repository, reference: Of) -> ImageValue:
        """What an image is made of and how it stands in its repository. No layer is read."""
        found = await service.of(caller_of(request), RepositoryName(repository), parse_reference(reference))
        return ImageValue.of(found)

    @get("/image-texts", operation_id="showImageTexts", tags=["images"], operation=Operation.IMAGE_READ)
    async def show_image_texts(request: ApiRequest, repository: Repository, reference: Of) -> ImageTextsValue:
        """The values and readme of a chart, or the card of a model."""
        found = await service.texts(caller_of(request), RepositoryName(repository), parse_reference(reference))
        return ImageTextsValue.of(found)

    @get("/image-differences", operation_id="compareImages", tags=["images"], operation=Operation.IMAGE_READ)
    async def compare_images(
        request: ApiRequest,
        before: Annotated[str, QueryParameter(name="from", max_length=420, description=_HELD)],
        after: Annotated[str, QueryParameter(name="to", max_length=420, description=_HELD)],
        platform: Annotated[
            str,
            QueryParameter(
                name="platform",
                max_length=200,
                description="Of indexes: os/architecture[/variant]. [one that both have, linux/amd64 first]",
            ),
        ] = "",
    ) -> ImageDifferencesValue:
        """What differs between two images: layers, config, environment, annotations, platforms."""
        found = await service.differences(caller_of(request), parse_held(before), parse_held(after), platform)
        return ImageDifferencesValue.of(found)

    return [show_image, show_image_texts, compare_images]


def _flat(found: Inspection) -> Iterator[ReferrerValue]:
    """The tree of referrers from the root down, each with its subject."""

    def below(subject: str, referrers: list[Referrer]) -> Iterator[ReferrerValue]:
        for one in referrers:
            yield ReferrerValue(one.digest, subject, one.kind, one.artifact_type, one.size, one.tag)
            yield from below(one.digest, one.referrers)

    return below(found.digest, found.referrers)
