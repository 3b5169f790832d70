"""An image of this registry, for whoever may pull it: what it is made of, how it stands here, and its texts."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

import msgspec

from orlop.domain.access import Action, Caller, SubjectKind
from orlop.domain.artifacts import CHART_CONTENT, MODEL_DOC_PREFIX
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.errors import BlobUnknown, ManifestUnknown, NameUnknown
from orlop.domain.names import Reference, RepositoryName
from orlop.ports.archives import ArchiveReader, ArchiveRefused, FoundText, Packing, WantedText
from orlop.ports.catalog import HeldManifest, Holdings
from orlop.ports.labels import LabelStore
from orlop.ports.upstream import ContentSource
from orlop.services.access.decisions import Access
from orlop.services.content.differences import Compared, ImageDifferences, differences
from orlop.services.content.inspection import Inspection, Layer, inspect
from orlop.services.content.manifests import unknown_manifest
from orlop.services.content.referrer_tree import Referrer, referrer_tree
from orlop.services.identity.lockout import network_of
from orlop.services.management.operations import Gate, Operation
from orlop.services.virtuals.virtuals import Virtuals

#: Images of an index of which is told what refers to them.
CHILDREN = 8
#: Tags of a manifest that are told.
TAGS = 100
#: The largest layer whose texts are read, in bytes: charts and documents are small.
TEXTS_FROM = 32 * 1024 * 1024
#: Bytes of texts that a process remembers. What has a digest is always the same.
_REMEMBERED = 8 * 1024 * 1024

_README = WantedText("readme.md", 0, rendered=True)
#: A chart is a folder in an archive (helm.sh/docs/topics/charts, "The Chart File Structure").
_OF_CHARTS = (WantedText("values.yaml", 1), WantedText("readme.md", 1, rendered=True))

#: By how the type of a document's layer ends (modelpack/model-spec, "Layer Media Types").
_PACKINGS = {".tar": Packing.TAR, ".tar+gzip": Packing.TAR_GZIP, ".raw": Packing.PLAIN}

Opened = Callable[[RepositoryName, Caller], ContentSource]


class Image(msgspec.Struct, frozen=True):
    """What is known of a manifest and of its standing. `standing` is None for a list that nobody pushed.

    Its `pushed_by` is empty for those who may not read the audit log of the repository, unless it was them.
    """

    repository: RepositoryName
    reference: Reference
    inspection: Inspection
    standing: HeldManifest | None
    labels: dict[str, str]
    asked: RepositoryName
    """The name that it was asked for by: that of `repository`, or one below a virtual that `repository` serves."""


class ImageTexts(msgspec.Struct, frozen=True):
    """The texts of a chart or model; None where there is none. `problem` says why they could not be read."""

    values: FoundText | None = None
    readme: FoundText | None = None
    problem: str = ""


class Images:
    """What may not be pulled by the caller is not there, or refused where they may know of it: see Access.check."""

    def __init__(
        self,
        gate: Gate,
        access: Access,
        opened: Opened,
        holdings: Holdings,
        labels: LabelStore,
        archives: ArchiveReader,
        virtuals: Virtuals,
    ) -> None:
        self._gate = gate
        self._access = access
        self._opened = opened
        self._holdings = holdings
        self._labels = labels
        self._archives = archives
        self._virtuals = virtuals
        self._texts: OrderedDict[str, ImageTexts] = OrderedDict()

    async def of(self, caller: Caller, name: RepositoryName, reference: Reference) -> Image:
        """Look at an image; below a virtual at that of the member that serves it. Raises NameUnknown, ManifestUnknown,
        Denied, Unauthorized."""
        repository, found = await self._found(caller, name, reference)
        digest = Digest.stored(found.digest)
        standing = await self._holdings.manifest(repository, digest, TAGS)
        labels: dict[str, str] = {}
        if standing is not None:
            if standing.pushed_by != caller.subject.name and not await self.sees_actors(caller, repository):
                standing = msgspec.structs.replace(standing, pushed_by="")
            with suppress(ManifestUnknown):  # it went meanwhile
                labels = await self._labels.of(repository, digest)
        return Image(repository, reference, found, standing, labels, name)

    async def _found(
        self, caller: Caller, name: RepositoryName, reference: Reference
    ) -> tuple[RepositoryName, Inspection]:
        """The repository that has an image, and what it is made of."""
        at = await self._virtuals.of(name)
        if at is None:
            return name, await inspect(await self._source(caller, name), reference)
        await self._access.check(caller, Action.PULL, repository=name)
        candidates = self._virtuals.candidates(at, name, caller)
        async for member in candidates.members(Action.PULL):
            try:
                return member.repository, await inspect(self._opened(member.repository, member.caller), reference)
            except (NameUnknown, ManifestUnknown):
                continue
        raise candidates.unauthorized() or unknown_manifest(name, reference)

    async def content(self, caller: Caller, repository: RepositoryName, reference: Reference) -> Inspection:
        """What an image is made of, and neither how it stands nor what refers to it. Raises as `of`."""
        return await inspect(await self._source(caller, repository), reference, alone=True)

    async def referrers(
        self, caller: Caller, repository: RepositoryName, found: Inspection
    ) -> tuple[dict[str, list[Referrer]], bool]:
        """What refers to the images of an index, by their digests: of the first `CHILDREN` that run somewhere; and
        whether there is more than that. Raises as `of`."""
        source = await self._source(caller, repository)
        running = [entry.digest for entry in found.platforms if entry.runs]
        trees = await asyncio.gather(*(referrer_tree(source, Digest.stored(digest)) for digest in running[:CHILDREN]))
        more = len(running) > CHILDREN or any(cut for _, cut in trees)
        return {digest: tree for digest, (tree, _) in zip(running, trees, strict=False) if tree}, more

    async def differences(
        self,
        caller: Caller,
        before: tuple[RepositoryName, Reference],
        after: tuple[RepositoryName, Reference],
        platform: str = "",
    ) -> ImageDifferences:
        """Compare two images. Raises as `of`, and RequestInvalid for a platform that is not in both."""
        one, other = [Compared(await self._source(caller, name), reference) for name, reference in (before, after)]
        return await differences(one, other, platform)

    async def texts(self, caller: Caller, repository: RepositoryName, reference: Reference) -> ImageTexts:
        """The values and readme of a chart, or the card of a model; nothing of others. Raises as `of`, Unavailable,
        and TooManyRequests."""
        source = await self._source(caller, repository)
        found = await inspect(source, reference, alone=True)
        layer, packing, wanted = _layer_of_texts(found)
        if layer is None:
            return ImageTexts()
        if layer.size > TEXTS_FROM:
            return ImageTexts(problem=f"its archive is larger than the {TEXTS_FROM >> 20} MiB that are read for texts")
        if packing is None:
            return ImageTexts(problem=f"archives of the type {layer.media_type[:100]} are not read")
        # What was read for one repository is told of another only if that holds the same blob, read the same way.
        key = f"{layer.digest} {packing} {' '.join(map(str, wanted))}"
        if (known := self._texts.get(key)) is not None and await source.stat_blob(Digest.stored(layer.digest)):
            self._texts.move_to_end(key)
            return known
        try:
            texts = await self._archives.texts(_pieces(source, layer), packing, wanted, _asker(caller))
        except BlobUnknown as gone:
            return ImageTexts(problem=gone.message)
        except ArchiveRefused as refused:
            return self._remembered(key, ImageTexts(problem=refused.message))
        return self._remembered(key, ImageTexts(texts.get("values.yaml"), texts.get("readme.md")))

    async def _source(self, caller: Caller, repository: RepositoryName) -> ContentSource:
        await self._access.check(caller, Action.PULL, repository=repository)
        return self._opened(repository, caller)

    async def sees_actors(self, caller: Caller, repository: RepositoryName) -> bool:
        """Whether the caller is told who pushed what to a repository."""
        if caller.subject.kind is SubjectKind.ANONYMOUS:
            return False
        return await self._gate.may(caller, Operation.AUDIT_READ, repository=repository)

    def _remembered(self, key: str, texts: ImageTexts) -> ImageTexts:
        self._texts[key] = texts
        held = sum(_weight(each) for each in self._texts.values())
        while held > _REMEMBERED:
            _, oldest = self._texts.popitem(last=False)
            held -= _weight(oldest)
        return texts


def _asker(caller: Caller) -> str:
    """Whoever is one to those that share what is scarce: an account, or without one a network."""
    return f"#{caller.subject.id}" if caller.subject.id else network_of(caller.address)


def _layer_of_texts(found: Inspection) -> tuple[Layer | None, Packing | None, tuple[WantedText, ...]]:
    """The layer that has them, how it is packed (None: as nobody here reads it), and what to look for."""
    if found.kind is ContentKind.CHART:
        layer = next((layer for layer in found.layers if layer.media_type == CHART_CONTENT), None)
        return layer, Packing.TAR_GZIP, _OF_CHARTS
    if found.kind is ContentKind.MODEL:
        for layer in found.layers:
            if layer.media_type.startswith(MODEL_DOC_PREFIX) and _is_readme(layer):
                ending = layer.media_type.removeprefix(MODEL_DOC_PREFIX.rstrip("."))
                return layer, _PACKINGS.get(ending), (_README,)
    return None, None, ()


def _is_readme(layer: Layer) -> bool:
    """Whether a layer of documents has the card, by the path that it says; one that says none may."""
    return not layer.path or layer.path.rpartition("/")[2].lower() == "readme.md"


async def _pieces(source: ContentSource, layer: Layer) -> AsyncGenerator[bytes, None]:
    async with aclosing(source.read_blob(Digest.stored(layer.digest), layer.size)) as pieces:
        async for piece in pieces:
            yield piece


def _weight(texts: ImageTexts) -> int:
    found = [text for text in (texts.values, texts.readme) if text is not None]
    return 500 + sum(len(text.text) + len(text.html) for text in found)
