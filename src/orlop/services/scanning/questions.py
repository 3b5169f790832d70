"""What scanners say of an image, for whoever may pull it, and asking them anew."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.errors import NotFound
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.scanning.report import FINDINGS, ScannerFinding
from orlop.domain.scanning.scanner import SCANNERS
from orlop.ports.clock import Clock
from orlop.ports.insides import HeldPackage
from orlop.ports.scans import Scan, ScannerStates, Scans, ScanState, WantedScan
from orlop.services.access.decisions import Access
from orlop.services.advisories.questions import (
    Vulnerabilities,
    Vulnerability,
    VulnerabilityReport,
    judged,
    reported,
)
from orlop.services.inside.questions import ImageInside, ImageInsides
from orlop.services.scanning.scanning import Scanning
from orlop.services.settings.in_force import InForce, SettingsInForce

#: Where a package lies of which only the name is known.
NOWHERE = -1


class ScanOfImage(msgspec.Struct, frozen=True):
    """A scanner that covers an image, and how far it is; None: it was never asked, and says nothing. `failing_since`:
    since when the scanner does not answer, in microseconds since 1970; 0: it does."""

    scanner: InForce
    scan: Scan | None
    failing_since: int = 0


class ScansOfImage(msgspec.Struct, frozen=True):
    """An image, and each scanner that covers it, from the root down."""

    image: ImageInside
    scans: tuple[ScanOfImage, ...]


class ScannerReports:
    """What may not be pulled by the caller is not there, or refused where they may know of it: see Access.check."""

    def __init__(
        self,
        access: Access,
        insides: ImageInsides,
        vulnerabilities: Vulnerabilities,
        scans: Scans,
        settings: SettingsInForce,
        scanning: Scanning,
        states: ScannerStates,
        clock: Clock,
    ) -> None:
        self._access = access
        self._insides = insides
        self._vulnerabilities = vulnerabilities
        self._scans = scans
        self._settings = settings
        self._scanning = scanning
        self._states = states
        self._clock = clock

    async def of(
        self, caller: Caller, repository: RepositoryName, reference: Reference, platform: str = ""
    ) -> ScansOfImage:
        """How far each scanner is. Raises as ImageInsides.of."""
        return await self._of(await self._insides.of(caller, repository, reference, platform))

    async def findings(
        self,
        caller: Caller,
        repository: RepositoryName,
        reference: Reference,
        platform: str,
        scanner: str,
        *,
        least: str = "unknown",
        fixable: bool = False,
    ) -> tuple[ScanOfImage, VulnerabilityReport]:
        """What a scanner said last of an image, in the words of Vulnerabilities.of, with what clears it.

        Raises NotFound where no scanner of that name covers the repository, and as ImageInsides.of.
        """
        found = await self.of(caller, repository, reference, platform)
        one, image = _named(found, scanner), found.image
        if one.scan is None or not one.scan.judged_at:
            return one, VulnerabilityReport(image=image, packages=0, counts={}, remarks=_remarks(one), found=())
        said = await self._scans.findings(image.digest, one.scanner.identity)
        held = _Held(image.packages)
        judgement = await self._vulnerabilities.judgement(image)
        rows = [judged(_vulnerability(each, scanner, held.of(each)), judgement) for each in said]
        remarks = (*_remarks(one), *judgement.remarks)
        return one, reported(image, len(image.packages), rows, remarks, least=least, fixable=fixable)

    async def ask(
        self, caller: Caller, repository: RepositoryName, reference: Reference, platform: str = "", scanner: str = ""
    ) -> ScansOfImage:
        """Have a scanner, or each that covers it, judge an image anew; what it said before stands meanwhile. Takes the
        right to push there. Raises NotFound where none covers it, and as `of`."""
        found = await self.of(caller, repository, reference, platform)
        await self._access.check(caller, Action.PUSH_NEW, repository=repository)
        able = [each for each in found.scans if not each.scanner.body.disabled]
        wanted = [_named(found, scanner)] if scanner else able
        if not wanted:
            raise NotFound(f"no scanner covers {repository}; orlop scanner set makes one", {"name": repository})
        for each in wanted:
            asked = WantedScan(each.scanner.identity, found.image.digest, repository)
            await self._scans.ask(asked, self._clock.now())
        await self._scanning.call()
        return await self._of(found.image)

    async def beside(self, image: ImageInside) -> tuple[ScanOfImage, ...]:
        """How far each scanner is with an image that somebody may see, as ImageInsides.of gave it."""
        covering = await self._settings.covering(SCANNERS, image.repository)
        if not covering:
            return ()
        known = {each.scanner: each for each in await self._scans.of(image.digest)}
        states = dict(await self._states.all())
        return tuple(
            ScanOfImage(each, known.get(each.identity), state.failing_since if state is not None else 0)
            for each in covering
            for state in (states.get(each.identity),)
        )

    async def _of(self, image: ImageInside) -> ScansOfImage:
        return ScansOfImage(image, await self.beside(image))


def _named(found: ScansOfImage, name: str) -> ScanOfImage:
    """That of the nearest place. Raises NotFound."""
    one = next((each for each in reversed(found.scans) if each.scanner.name == name), None)
    if one is None:
        known = ", ".join(dict.fromkeys(each.scanner.name for each in found.scans)) or "none"
        raise NotFound(
            f"no scanner {name[:64]!r} covers {found.image.repository}; there are: {known}", {"scanner": name[:64]}
        )
    return one


def _remarks(one: ScanOfImage) -> tuple[str, ...]:
    """What is not known, as sentences without a full stop."""
    name, scan = one.scanner.name, one.scan
    if scan is None:
        return (f"{name} was never asked about it; orlop scan --scanner {name} asks it now",)
    said = []
    if scan.state is ScanState.DESCRIBED:
        said.append(f"{name} makes SBOMs alone, and judges nothing; orlop sbom --attached lists what it made")
    elif not scan.judged_at:
        said.append(f"{name} has said nothing of it yet, and that is not the same as clean")
    if scan.state in {ScanState.WAITING, ScanState.SCANNING}:
        said.append(f"{name} is to judge it {'anew' if scan.told_at else 'soon'}")
    if scan.error:
        said.append(scan.error if scan.state is ScanState.JUDGED else f"{name} could not judge it: {scan.error}")
    if scan.left_out:
        said.append(f"{scan.left_out} findings beyond the worst {FINDINGS} are not kept")
    return tuple(said)


class _Held:
    """Packages that this registry found, by how scanners name them."""

    def __init__(self, packages: Sequence[HeldPackage]) -> None:
        self._exact = {(each.package.name, each.package.version): each for each in reversed(packages)}
        self._named = {each.package.name: each for each in reversed(packages)}

    def of(self, found: ScannerFinding) -> HeldPackage | None:
        """The one that a finding is about: of its version, else of its name."""
        return self._exact.get((found.package, found.version)) or self._named.get(found.package)


def _vulnerability(found: ScannerFinding, scanner: str, held: HeldPackage | None) -> Vulnerability:
    """A finding in the words of this registry, with where the package lies if the registry found it, too."""
    return Vulnerability(
        id=found.id,
        ids=(found.id,),
        severity=found.severity,
        source=scanner,
        package=found.package,
        type=held.package.type if held is not None else "",
        purl=held.purl if held is not None else "",
        installed=found.version,
        fixed=(found.fixed,) if found.fixed else (),
        possible="",
        layer=held.layer if held is not None else NOWHERE,
        path=held.path if held is not None else "",
        exploited=False,
        score=None,
        summary=found.summary,
    )
