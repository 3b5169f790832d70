"""What differs in what two images hold: packages, their licences, and what is known to be wrong with them."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.inside.purl import without_version
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.platforms import parse_platform
from orlop.ports.insides import HeldPackage
from orlop.services.advisories.questions import Vulnerabilities, Vulnerability, VulnerabilityReport
from orlop.services.content.differences import common_platform
from orlop.services.content.images import Images


class PackageChange(msgspec.Struct, frozen=True, kw_only=True):
    """A package by its URL without version and qualifiers: the versions and licences of both sides. A side that does
    not hold it has no versions."""

    package: str
    type: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    licences_before: tuple[str, ...]
    licences_after: tuple[str, ...]


class InsideDifferences(msgspec.Struct, frozen=True, kw_only=True):
    """From `before` to `after`, whose digests these are. Of indexes, `platform` says which of their images were
    compared.

    `read`: both are read; else nothing is compared, and `remarks` say why. `changed` have other versions; `relicensed`
    have other licences, whatever their versions are. `fixed` is not there any more, `new` was not there before, and
    `still` is in both, as the second has it.
    """

    before: str
    after: str
    platform: str
    read: bool
    added: tuple[PackageChange, ...] = ()
    removed: tuple[PackageChange, ...] = ()
    changed: tuple[PackageChange, ...] = ()
    relicensed: tuple[PackageChange, ...] = ()
    fixed: tuple[Vulnerability, ...] = ()
    new: tuple[Vulnerability, ...] = ()
    still: tuple[Vulnerability, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing that is known differs."""
        return not (self.added or self.removed or self.changed or self.relicensed or self.fixed or self.new)


class InsideComparison:
    """See the module."""

    def __init__(self, images: Images, vulnerabilities: Vulnerabilities) -> None:
        self._images = images
        self._vulnerabilities = vulnerabilities

    async def of(
        self,
        caller: Caller,
        before: tuple[RepositoryName, Reference],
        after: tuple[RepositoryName, Reference],
        platform: str = "",
    ) -> InsideDifferences:
        """Compare two images, or two indexes by their images for a platform: that which is named, else one of both.

        Raises NameUnknown, ManifestUnknown, Denied, Unauthorized; NotFound for what is no image; RequestInvalid for a
        platform that is not in both.
        """
        wanted = parse_platform(platform) if platform else None
        one, other = [await self._images.content(caller, *side) for side in (before, after)]
        name = common_platform(one, other, wanted)
        first, second = [await self._vulnerabilities.of(caller, *side, name) for side in (before, after)]
        unread = [report for report in (first, second) if not report.image.inside.is_known]
        sides = str(first.image.digest), str(second.image.digest)
        if unread:
            return InsideDifferences(
                before=sides[0], after=sides[1], platform=name, read=False, remarks=_remarks(unread)
            )
        changes = _packages(first.image.packages, second.image.packages)
        fixed, new, still = _findings(first.found, second.found)
        return InsideDifferences(
            before=sides[0],
            after=sides[1],
            platform=name,
            read=True,
            added=tuple(one for one in changes if not one.before),
            removed=tuple(one for one in changes if not one.after),
            changed=tuple(one for one in changes if one.before and one.after and one.before != one.after),
            relicensed=tuple(
                one for one in changes if one.before and one.after and one.licences_before != one.licences_after
            ),
            fixed=fixed,
            new=new,
            still=still,
            remarks=_remarks((first, second)),
        )


def _remarks(reports: Iterable[VulnerabilityReport]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            f"of {report.image.repository} {report.image.reference}: {remark}"
            for report in reports
            for remark in report.remarks
        )
    )


def _packages(before: Sequence[HeldPackage], after: Sequence[HeldPackage]) -> list[PackageChange]:
    """Of every package of either, in order."""
    one, other = _by_name(before), _by_name(after)
    return [
        PackageChange(
            package=name,
            type=name.removeprefix("pkg:").partition("/")[0],
            before=_versions(one.get(name, ())),
            after=_versions(other.get(name, ())),
            licences_before=_licences(one.get(name, ())),
            licences_after=_licences(other.get(name, ())),
        )
        for name in sorted({*one, *other})
    ]


def _by_name(held: Sequence[HeldPackage]) -> Mapping[str, list[HeldPackage]]:
    found: dict[str, list[HeldPackage]] = {}
    for one in held:
        found.setdefault(without_version(one.purl), []).append(one)
    return found


def _versions(held: Iterable[HeldPackage]) -> tuple[str, ...]:
    """What has none is there all the same."""
    return tuple(sorted({one.package.version or "-" for one in held}))


def _licences(held: Iterable[HeldPackage]) -> tuple[str, ...]:
    return tuple(sorted({licence for one in held for licence in one.package.licences}))


def _findings(
    before: Sequence[Vulnerability], after: Sequence[Vulnerability]
) -> tuple[tuple[Vulnerability, ...], tuple[Vulnerability, ...], tuple[Vulnerability, ...]]:
    """What is gone, what is new, and what is in both: the same by any of its names, in the same package."""
    there, then = _known(after), _known(before)
    return (
        tuple(one for one in before if not _is_in(one, there)),
        tuple(one for one in after if not _is_in(one, then)),
        tuple(one for one in after if _is_in(one, then)),
    )


def _known(found: Iterable[Vulnerability]) -> frozenset[tuple[str, str]]:
    return frozenset((without_version(one.purl), name) for one in found for name in one.ids)


def _is_in(one: Vulnerability, known: frozenset[tuple[str, str]]) -> bool:
    return any((without_version(one.purl), name) in known for name in one.ids)
