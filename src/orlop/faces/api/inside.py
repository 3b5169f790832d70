"""End points about what is inside images: their packages, and reading one once more."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from orlop import __version__
from orlop.domain.inside.sbom_rules import AttachedCount, SbomFormat
from orlop.domain.names import RepositoryName, parse_held, parse_reference
from orlop.faces.api import values
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.ports.insides import HeldPackage
from orlop.services.inside.cyclonedx import MEDIA_TYPE as CYCLONEDX_TYPE
from orlop.services.inside.cyclonedx import cyclonedx
from orlop.services.inside.questions import AttachedHere, AttachedSbom, ImageInside, ImageInsides
from orlop.services.inside.spdx import MEDIA_TYPE as SPDX_TYPE
from orlop.services.inside.spdx import spdx
from orlop.services.management.operations import Operation

Repository = Annotated[str, QueryParameter(name="repository", max_length=255, description="The repository.")]
Of = Annotated[str, QueryParameter(name="reference", max_length=160, description="The image: its tag or digest.")]
Platform = Annotated[
    str,
    QueryParameter(
        name="platform", max_length=200, description="Of an index with several images: os/architecture[/variant]."
    ),
]


_FORMS = {SbomFormat.CYCLONEDX: (cyclonedx, CYCLONEDX_TYPE), SbomFormat.SPDX: (spdx, SPDX_TYPE)}


class DistributionValue(msgspec.Struct, frozen=True):
    """What os-release says of a distribution: its ID, VERSION_ID and PRETTY_NAME."""

    id: str
    version: str
    name: str


class HeldPackageValue(msgspec.Struct, frozen=True):
    """A package, where it was found. `layer`: from 0, the lowest one, or -1 where nothing says which; `reader`: what
    kind of file lists it; of `spdx` and `cyclonedx`, which somebody attached, `path` is the digest of the document."""

    purl: str
    type: str
    namespace: str
    name: str
    version: str
    licences: tuple[str, ...]
    layer: int
    path: str
    reader: str

    @classmethod
    def of(cls, held: HeldPackage) -> "HeldPackageValue":
        package = held.package
        return cls(
            held.purl,
            package.type,
            package.namespace,
            package.name,
            package.version,
            package.licences,
            held.layer,
            held.path,
            held.reader,
        )


class ImagePackagesValue(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one image. `state`: `waiting`, `reading`, `read`, or `unread` where it cannot be read; `since`:
    when it came to be so. `stands`: what was read before is told, and counts. `unread` says what of it could not be
    read. `found_by`: how packages were found; where that is by no package manager, there may be more."""

    repository: str
    digest: str
    platform: str
    state: str
    since: datetime | None
    stands: bool
    distribution: DistributionValue | None
    unread: tuple[str, ...]
    found_by: list[str]
    packages: list[HeldPackageValue]

    @classmethod
    def of(cls, found: ImageInside) -> "ImagePackagesValue":
        inside = found.inside
        known = inside.distribution
        return cls(
            repository=found.repository,
            digest=found.digest,
            platform=found.platform,
            state=inside.state.name.lower(),
            since=values.time(inside.since),
            stands=inside.stands,
            distribution=DistributionValue(known.id, known.version, known.name) if known is not None else None,
            unread=inside.unread,
            found_by=sorted({held.reader for held in found.packages}),
            packages=[HeldPackageValue.of(held) for held in found.packages],
        )


class AttachedSbomValue(msgspec.Struct, frozen=True, kw_only=True):
    """A document that is attached to an image. `manifest` holds it; `way`: `referrer`, `buildkit` for an attestation in
    the index of the image, or `cosign` for one under a tag of cosign's. `pushed_by` is empty for those who may not read
    the audit log of the repository, unless it was them. `counts`: a rule of the place has it count, if it is an SBOM
    of this image, and if that is so in every repository that holds the image."""

    digest: str
    manifest: str
    media_type: str
    size: int
    way: str
    pushed_by: str
    pushed_at: datetime | None
    counts: bool

    @classmethod
    def of(cls, found: AttachedSbom) -> "AttachedSbomValue":
        document = found.document
        return cls(
            digest=document.digest,
            manifest=document.manifest,
            media_type=document.media_type,
            size=document.size,
            way=document.way,
            pushed_by=document.pushed_by,
            pushed_at=values.time(document.pushed_at),
            counts=found.counts,
        )


class AttachedSbomsValue(msgspec.Struct, frozen=True, kw_only=True):
    """What is attached to an image, at most 64 documents. `attached`: what documents are worth by the rules of the
    place: `never` anything, `beside` what was read, or `instead` of it."""

    repository: str
    digest: str
    attached: AttachedCount
    sboms: list[AttachedSbomValue]

    @classmethod
    def of(cls, found: AttachedHere) -> "AttachedSbomsValue":
        return cls(
            repository=found.repository,
            digest=found.digest,
            attached=found.counts,
            sboms=[AttachedSbomValue.of(each) for each in found.documents],
        )


class ReadingRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which image: `team/app:1.4` or `team/app@sha256:…`; of an index with several images, which platform."""

    image: Annotated[str, msgspec.Meta(min_length=1, max_length=420)]
    platform: Annotated[str, msgspec.Meta(max_length=200)] = ""


def insides(service: ImageInsides) -> list[HTTPRouteHandler]:
    """`/image-packages` and `/image-readings`."""

    @get("/image-packages", operation_id="listImagePackages", tags=["images"], operation=Operation.IMAGE_READ)
    async def list_image_packages(
        request: ApiRequest, repository: Repository, reference: Of, platform: Platform = ""
    ) -> ImagePackagesValue:
        """The packages of an image, as they were read out of its layers; none yet while it waits to be read."""
        found = await service.of(caller_of(request), RepositoryName(repository), parse_reference(reference), platform)
        return ImagePackagesValue.of(found)

    @post("/image-readings", operation_id="readImage", tags=["images"], status_code=202, operation=Operation.IMAGE_SCAN)
    async def read_image(request: ApiRequest, data: JSONBody[ReadingRequest]) -> ImagePackagesValue:
        """Have an image read, now or once more. Layers that are known are not read again."""
        repository, reference = parse_held(data.image)
        return ImagePackagesValue.of(await service.again(caller_of(request), repository, reference, data.platform))

    @get("/sboms", operation_id="showSbom", tags=["images"], operation=Operation.IMAGE_READ)
    async def show_sbom(
        request: ApiRequest,
        repository: Repository,
        reference: Of,
        form: Annotated[SbomFormat, QueryParameter(name="format", description="The format.")] = SbomFormat.CYCLONEDX,
        platform: Platform = "",
    ) -> Response[bytes]:
        """The packages of an image as CycloneDX 1.6 or SPDX 2.3, in JSON; the same bytes until it is read anew."""
        found = await service.whole(
            caller_of(request), RepositoryName(repository), parse_reference(reference), platform
        )
        write, media_type = _FORMS[form]
        return Response(write(found, found.inside.since, __version__), media_type=media_type)

    @get("/attached-sboms", operation_id="listAttachedSboms", tags=["images"], operation=Operation.IMAGE_READ)
    async def list_attached_sboms(
        request: ApiRequest, repository: Repository, reference: Of, platform: Platform = ""
    ) -> AttachedSbomsValue:
        """The SBOMs and attestations that are attached to an image. Each is a blob of the repository, byte for byte."""
        found = await service.attached(
            caller_of(request), RepositoryName(repository), parse_reference(reference), platform
        )
        return AttachedSbomsValue.of(found)

    return [list_image_packages, read_image, show_sbom, list_attached_sboms]
