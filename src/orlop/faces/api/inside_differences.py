"""The end point about what differs in what two images hold."""

from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.domain.names import parse_held
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.faces.api.vulnerabilities import VulnerabilityValue
from orlop.services.advisories.differences import InsideComparison, InsideDifferences, PackageChange
from orlop.services.management.operations import Operation

_HELD = "REPOSITORY:TAG or REPOSITORY@DIGEST."


class PackageChangeValue(msgspec.Struct, frozen=True):
    """A package by its URL without a version: versions and licences of both sides. A side that does not hold it has no
    versions."""

    package: str
    type: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    licences_before: tuple[str, ...]
    licences_after: tuple[str, ...]

    @classmethod
    def of(cls, change: PackageChange) -> "PackageChangeValue":
        """As clients see it."""
        return cls(**msgspec.structs.asdict(change))


class PackageDifferencesValue(msgspec.Struct, frozen=True, kw_only=True):
    """What differs in what two images hold. `before` and `after` are the digests of the images that were compared, for
    `platform` where one of them is an index. `read`: both are read; else nothing is compared, and `remarks` say why.
    `changed` have other versions, `relicensed` other licences. Findings that are `fixed` are not there any more, `new`
    ones were not there before, and `still` are in both; what is accepted or cleared is among them, and says so."""

    before: str
    after: str
    platform: str
    read: bool
    added: list[PackageChangeValue]
    removed: list[PackageChangeValue]
    changed: list[PackageChangeValue]
    relicensed: list[PackageChangeValue]
    fixed: list[VulnerabilityValue]
    new: list[VulnerabilityValue]
    still: list[VulnerabilityValue]
    remarks: tuple[str, ...]

    @classmethod
    def of(cls, found: InsideDifferences) -> "PackageDifferencesValue":
        """As clients see it."""
        return cls(
            before=found.before,
            after=found.after,
            platform=found.platform,
            read=found.read,
            added=[PackageChangeValue.of(one) for one in found.added],
            removed=[PackageChangeValue.of(one) for one in found.removed],
            changed=[PackageChangeValue.of(one) for one in found.changed],
            relicensed=[PackageChangeValue.of(one) for one in found.relicensed],
            fixed=[VulnerabilityValue.of(one) for one in found.fixed],
            new=[VulnerabilityValue.of(one) for one in found.new],
            still=[VulnerabilityValue.of(one) for one in found.still],
            remarks=found.remarks,
        )


def inside_differences(service: InsideComparison) -> list[HTTPRouteHandler]:
    """`/package-differences`."""

    @get("/package-differences", operation_id="comparePackages", tags=["inside"], operation=Operation.IMAGE_READ)
    async def compare_packages(
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
    ) -> PackageDifferencesValue:
        """What differs in what two images hold: packages, licences, and what is known to be wrong with them."""
        found = await service.of(caller_of(request), parse_held(before), parse_held(after), platform)
        return PackageDifferencesValue.of(found)

    return [compare_packages]
