"""The end point about licences of what images hold."""

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from orlop.domain.names import RepositoryName, parse_reference
from orlop.faces.api.advisories import AcceptedValue
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.faces.api.inside import Of, Platform, Repository
from orlop.services.licences.questions import (
    ImageLicences,
    LicenceFinding,
    LicenceReport,
    LicenceUse,
    LicensedPackage,
)
from orlop.services.management.operations import Operation


class LicenceFindingValue(msgspec.Struct, frozen=True):
    """What a rule, by its name and place, finds wrong with the licence of a package, as half a sentence; `accepted`:
    the exception that holds for it, null where there is none."""

    rule: str
    path: str
    why: str
    accepted: AcceptedValue | None

    @classmethod
    def of(cls, finding: LicenceFinding) -> "LicenceFindingValue":
        """As clients see it."""
        accepted = finding.accepted
        by = AcceptedValue(*msgspec.structs.astuple(accepted)) if accepted is not None else None
        return cls(finding.rule, finding.path, finding.why, by)


class LicensedPackageValue(msgspec.Struct, frozen=True):
    """A package, what it declares, and what is wrong with that, null where nothing is. `layer`: from 0, the lowest, -1
    where nothing says which."""

    purl: str
    package: str
    version: str
    type: str
    layer: int
    declared: tuple[str, ...]
    finding: LicenceFindingValue | None

    @classmethod
    def of(cls, one: LicensedPackage) -> "LicensedPackageValue":
        """As clients see it."""
        finding = LicenceFindingValue.of(one.finding) if one.finding is not None else None
        return cls(**(msgspec.structs.asdict(one) | {"finding": finding}))


class LicenceUseValue(msgspec.Struct, frozen=True):
    """A licence, or an expression of several, and the packages that are under it; `listed`: SPDX knows it; without that
    it is in the words of the packages, empty where they have none."""

    licence: str
    listed: bool
    packages: tuple[LicensedPackageValue, ...]

    @classmethod
    def of(cls, use: LicenceUse) -> "LicenceUseValue":
        """As clients see it."""
        return cls(use.licence, use.listed, tuple(map(LicensedPackageValue.of, use.packages)))


class ImageLicencesValue(msgspec.Struct, frozen=True, kw_only=True):
    """Licences of an image by name, unknown ones last. `rules`: how many hold there; `findings`: of how many packages
    they find the licence wrong, but for those that exceptions accept, of which there are `accepted`."""

    repository: str
    reference: str
    digest: str
    platform: str
    packages: int
    rules: int
    findings: int
    accepted: int
    licences: tuple[LicenceUseValue, ...]

    @classmethod
    def of(cls, report: LicenceReport) -> "ImageLicencesValue":
        """As clients see it."""
        image = report.image
        return cls(
            repository=image.repository,
            reference=str(image.reference),
            digest=image.digest,
            platform=image.platform,
            packages=report.packages,
            rules=report.rules,
            findings=report.findings,
            accepted=report.accepted,
            licences=tuple(map(LicenceUseValue.of, report.licences)),
        )


def licences(service: ImageLicences) -> list[HTTPRouteHandler]:
    """`/image-licences`."""

    @get("/image-licences", operation_id="listImageLicences", tags=["images"], operation=Operation.IMAGE_READ)
    async def list_image_licences(
        request: ApiRequest, repository: Repository, reference: Of, platform: Platform = ""
    ) -> ImageLicencesValue:
        """The licences of what an image holds, and what rules find wrong with them."""
        report = await service.of(caller_of(request), RepositoryName(repository), parse_reference(reference), platform)
        return ImageLicencesValue.of(report)

    return [list_image_licences]
