"""Under which licences the packages of an image are, and what rules find wrong with that, for whoever may pull it."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access import Caller
from orlop.domain.inside.licence_rules import LICENCE_RULES, expression_of
from orlop.domain.inside.package import Package
from orlop.domain.inside.purl import without_version
from orlop.domain.names import Reference, RepositoryName
from orlop.ports.insides import HeldPackage
from orlop.services.advisories.accepting import Acceptance, Accepted, accepted_by
from orlop.services.advisories.questions import tags_of
from orlop.services.inside.questions import ImageInside, ImageInsides
from orlop.services.settings.in_force import InForce, SettingsInForce


class LicenceFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule, by its name and place, finds wrong with the licence of a package, as half a sentence."""

    rule: str
    path: str
    why: str
    accepted: Accepted | None = None


class LicensedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package, and what it declares."""

    purl: str
    package: str
    version: str
    type: str
    layer: int
    declared: tuple[str, ...]
    finding: LicenceFinding | None = None


class LicenceUse(msgspec.Struct, frozen=True):
    """A licence, or an expression of several, and the packages that are under it. `listed`: SPDX knows it; without
    that it is in the words of the packages, which may be none."""

    licence: str
    listed: bool
    packages: tuple[LicensedPackage, ...]


class LicenceReport(msgspec.Struct, frozen=True, kw_only=True):
    """Of one image: licences by name, unknown ones last. `findings` that nobody accepts; `accepted`: how many somebody
    does; `rules`: how many hold there."""

    image: ImageInside
    licences: tuple[LicenceUse, ...]
    packages: int
    rules: int
    findings: int
    accepted: int

    @property
    def found(self) -> tuple[LicensedPackage, ...]:
        """Packages that rules find anything wrong with, those that nobody accepts first, then by name."""
        wrong = [(one, one.finding) for use in self.licences for one in use.packages if one.finding is not None]
        wrong.sort(key=lambda pair: (pair[1].accepted is not None, pair[0].package, pair[0].version))
        return tuple(one for one, _ in wrong)


class ImageLicences:
    """See the module."""

    def __init__(self, insides: ImageInsides, settings: SettingsInForce, acceptance: Acceptance) -> None:
        self._insides = insides
        self._settings = settings
        self._acceptance = acceptance

    async def of(
        self, caller: Caller, repository: RepositoryName, reference: Reference, platform: str = ""
    ) -> LicenceReport:
        """What is known, once it was read. Raises as ImageInsides.whole."""
        return await self.report(await self._insides.whole(caller, repository, reference, platform))

    async def report(self, image: ImageInside) -> LicenceReport:
        """The same of an image that somebody may see, as far as it was read."""
        repository = image.repository
        rules = await self._settings.covering(LICENCE_RULES, repository)
        exceptions: Sequence[InForce] = ()
        if rules:
            exceptions = await self._acceptance.exceptions(repository, await tags_of(image, self._acceptance))
        by_licence: dict[tuple[bool, str], dict[str, LicensedPackage]] = {}
        for held in image.packages:
            licence, listed = licence_words(held.package)
            mine = by_licence.setdefault((not listed, licence), {})
            if held.purl not in mine:
                mine[held.purl] = _licensed(held, rules, exceptions)
        found = tuple(
            LicenceUse(licence, not unlisted, tuple(by_licence[unlisted, licence].values()))
            for unlisted, licence in sorted(by_licence, key=lambda key: (key[1] == "", *key))
        )
        findings = [one.finding for use in found for one in use.packages if one.finding is not None]
        return LicenceReport(
            image=image,
            licences=found,
            packages=sum(len(use.packages) for use in found),
            rules=len(rules),
            findings=sum(one.accepted is None for one in findings),
            accepted=sum(one.accepted is not None for one in findings),
        )


def _licensed(held: HeldPackage, rules: Sequence[InForce], exceptions: Sequence[InForce]) -> LicensedPackage:
    package = held.package
    return LicensedPackage(
        purl=held.purl,
        package=f"{package.namespace}/{package.name}" if package.namespace else package.name,
        version=package.version,
        type=package.type,
        layer=held.layer,
        declared=package.licences,
        finding=licence_finding(held, rules, exceptions),
    )


def licence_words(package: Package) -> tuple[str, bool]:
    """The licence that a package is under, and whether SPDX knows it; without that it is in the package's words."""
    expression = expression_of(package.licences, package.type)
    return expression or "; ".join(" ".join(text.split()) for text in package.licences), bool(expression)


def licence_finding(
    held: HeldPackage, rules: Sequence[InForce], exceptions: Sequence[InForce]
) -> LicenceFinding | None:
    """The first that a rule finds, from the root down; of exceptions that accept it the nearest is told."""
    package, url = held.package, without_version(held.purl)
    licence, _ = licence_words(package)
    for rule in rules:
        why = rule.body.wrong(package.licences, package.type, url)
        if why:
            accepted = next(
                (accepted_by(each) for each in reversed(exceptions) if each.body.accepts_licence(licence, url)),
                None,
            )
            return LicenceFinding(rule=rule.name, path=rule.path, why=why, accepted=accepted)
    return None
