"""The page of an image, chart, model or whatever else a tag leads to; and that of what differs between two."""

from collections.abc import Mapping
from contextlib import suppress

from markupsafe import Markup

from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.errors import (
    DigestInvalid,
    ManifestUnknown,
    NameInvalid,
    NotFound,
    RequestInvalid,
    TagInvalid,
    TooManyRequests,
    Unavailable,
)
from orlop.domain.gates.gate import GateAt
from orlop.domain.names import Reference, RepositoryName, Tag, parse_held
from orlop.domain.pulling import ways
from orlop.domain.settings import place_words
from orlop.faces.ui.addresses import finding_address, image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.inside.chosen import USUAL
from orlop.faces.ui.layers import CLASSES, parts_of
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.advisories.differences import InsideComparison
from orlop.services.advisories.questions import Vulnerabilities, VulnerabilityReport
from orlop.services.content.images import Image, Images, ImageTexts
from orlop.services.content.inspection import Inspection, PlatformImage
from orlop.services.gates.desk import GateDesk, GatesExplained
from orlop.services.quarantine.desk import QuarantineDesk
from orlop.services.scanning.questions import ScannerReports

#: Bytes of a manifest that are shown; the API has all of it.
_RAW = 64 * 1024
#: Of what differs inside two images, so many of each are shown; the command has all.
_MANY = 100

_WORDS: Mapping[ContentKind, str] = {
    ContentKind.IMAGE: "Image",
    ContentKind.INDEX: "Image",
    ContentKind.CHART: "Helm chart",
    ContentKind.MODEL: "Model",
    ContentKind.SIGNATURE: "Signature",
    ContentKind.ATTESTATION: "Attestation",
    ContentKind.SBOM: "SBOM",
    ContentKind.CACHE: "Build cache",
    ContentKind.OTHER: "Artifact",
}


class ImageView:
    """See places.ImageTab."""

    def __init__(
        self,
        pages: Pages,
        images: Images,
        vulnerabilities: Vulnerabilities,
        scans: ScannerReports,
        gates: GateDesk,
        quarantine: QuarantineDesk,
    ) -> None:
        self._pages = pages
        self._images = images
        self._vulnerabilities = vulnerabilities
        self._scans = scans
        self._gates = gates
        self._quarantine = quarantine

    async def show(self, exchange: UiExchange, repository: RepositoryName, reference: Reference) -> Reply:
        """Left what it is, right how to get it, below what it is made of."""
        caller = exchange.caller
        image = await self._images.of(caller, repository, reference)
        chosen = _chosen(exchange, image.inspection)
        shown = image.inspection
        if chosen is not None and (chosen.size is not None or not chosen.read):
            with suppress(ManifestUnknown):
                shown = await self._images.content(caller, image.repository, Digest.stored(chosen.digest))
        tag = reference if isinstance(reference, Tag) else None
        found = image.inspection
        digest, asked, repository = Digest.stored(found.digest), repository, image.repository
        plain = not exchange.secure
        texts = await self._texts(exchange, image)
        raw = bytes(found.manifest)
        report = await self._report(exchange, image, chosen)
        below, more_below = await self._images.referrers(caller, repository, found) if found.platforms else ({}, False)
        return self._pages.page(
            exchange,
            "image",
            repository=repository,
            asked=asked,
            reference=reference,
            name=f"{repository}{'@' if tag is None else ':'}{reference}",
            words=_WORDS[found.kind],
            image=image,
            found=found,
            tag=tag,
            platforms=[entry for entry in found.platforms if entry.runs],
            others=[entry for entry in found.platforms if not entry.runs],
            chosen=chosen,
            report=report,
            scans=await self._scans.beside(report.image) if report is not None else (),
            gates=await self._verdict(exchange, image),
            held=await self._quarantine.of(caller, image.repository, digest) if tag is None else None,
            below=below,
            more_below=more_below,
            shown=shown,
            config=shown.image_config,
            facts=_facts(found),
            layers=parts_of(shown.layers),
            classes=CLASSES,
            ways=ways(exchange.host, asked, tag, digest, found.kind, plain=plain),
            texts=texts,
            readme=Markup(texts.readme.html) if texts.readme is not None else None,  # noqa: S704 - see ports.archives
            raw=raw[:_RAW].decode("utf-8", "replace"),
            raw_cut=len(raw) > _RAW,
            address=image_address,
        )

    async def _report(
        self, exchange: UiExchange, image: Image, chosen: PlatformImage | None
    ) -> VulnerabilityReport | None:
        """What is known of its packages; None for what holds none, and for an image that is not held here."""
        if image.inspection.kind not in {ContentKind.IMAGE, ContentKind.INDEX}:
            return None
        platform = chosen.platform if chosen is not None else ""
        with suppress(NotFound, ManifestUnknown, RequestInvalid):
            return await self._vulnerabilities.of(exchange.caller, image.repository, image.reference, platform)
        return None

    async def _verdict(self, exchange: UiExchange, image: Image) -> GatesExplained | None:
        """What gates say of a pull; None of what is not held here."""
        with suppress(NotFound, ManifestUnknown):
            return await self._gates.explain(exchange.caller, image.repository, image.reference, GateAt.PULL)
        return None

    async def _texts(self, exchange: UiExchange, image: Image) -> ImageTexts:
        if image.inspection.kind not in {ContentKind.CHART, ContentKind.MODEL}:
            return ImageTexts()
        try:
            return await self._images.texts(exchange.caller, image.repository, image.reference)
        except (Unavailable, TooManyRequests) as later:
            return ImageTexts(problem=later.message)


class ComparePage:
    """What differs between two images."""

    def __init__(self, pages: Pages, images: Images, inside: InsideComparison) -> None:
        self._pages = pages
        self._images = images
        self._inside = inside

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/compare", self.show, open=True),)

    async def show(self, exchange: UiExchange) -> Reply:
        """A form where two images are named, and what differs between them."""
        before, after = (_without_host(exchange, exchange.query.get(name, "")) for name in ("from", "to"))
        platform = exchange.query.get("platform", "")
        found, inside, refusal = None, None, None
        repositories: list[RepositoryName] = []
        if before and after:
            try:
                sides = parse_held(before), parse_held(after)
                repositories = [repository for repository, _ in sides]
                found = await self._images.differences(exchange.caller, *sides, platform)
                with suppress(NotFound, RequestInvalid):  # no images, or for no platform that both have
                    inside = await self._inside.of(exchange.caller, *sides, found.platform) if not found.same else None
            except (NameInvalid, TagInvalid, DigestInvalid, RequestInvalid) as error:
                refusal = error
        return self._pages.page(
            exchange,
            "compare",
            refusal=refusal,
            before=before,
            after=after,
            platform=platform,
            found=found,
            inside=inside,
            many=_MANY,
            sides=repositories,
            finding_address=finding_address,
            settings_address=settings_address,
            place_words=place_words,
            image_address=image_address,
            address=_address,
        )


def _chosen(exchange: UiExchange, found: Inspection) -> PlatformImage | None:
    """The image of an index that is shown: the one that was chosen, else the most usual, else the first."""
    offered = {entry.platform: entry for entry in reversed(found.platforms) if entry.runs}
    first = next((entry for entry in found.platforms if entry.runs), None)
    return offered.get(exchange.query.get("platform", "")) or offered.get(USUAL) or first


def _facts(found: Inspection) -> dict[str, str]:
    """What a chart or model says of itself, where it is a text or a list of texts."""
    if found.config is None or found.kind not in {ContentKind.CHART, ContentKind.MODEL}:
        return {}
    told: dict[str, str] = {}
    for part in (found.config, found.config.get("descriptor"), found.config.get("config")):
        for name, value in part.items() if isinstance(part, dict) else ():
            if isinstance(value, str) and value:
                told.setdefault(name, value)
            elif isinstance(value, list) and value and all(isinstance(each, str) for each in value):
                told.setdefault(name, ", ".join(value))
    return told


def _without_host(exchange: UiExchange, text: str) -> str:
    """A reference as people paste it, without the name of this registry."""
    return text.strip().removeprefix(f"{exchange.host}/")


def _address(text: str) -> str:
    repository, reference = parse_held(text)
    return image_address(repository, reference)
