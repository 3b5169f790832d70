"""What is inside an image, for whoever may pull it."""

from collections.abc import Sequence

import msgspec

from orlop.domain.access import Action, Caller
from orlop.domain.content_kinds import ContentKind
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, NotFound, RequestInvalid
from orlop.domain.inside.sbom_rules import AttachedCount
from orlop.domain.names import Reference, RepositoryName
from orlop.ports.clock import Clock
from orlop.ports.insides import Inside, Insides, InsideState
from orlop.services.access.decisions import Access
from orlop.services.content.images import Images
from orlop.services.content.inspection import Inspection, PlatformImage
from orlop.services.inside.documents import AttachedDocument, AttachedDocuments
from orlop.services.inside.image import ImageInside as ImageInside
from orlop.services.inside.reading import ImageReading

#: Platforms that a refusal names.
_NAMED = 12


class AttachedSbom(msgspec.Struct, frozen=True):
    """A document that is attached to an image. Its `pushed_by` is empty for those who may not read the audit log of the
    repository, unless it was them. `counts`: by the rules of the place."""

    document: AttachedDocument
    counts: bool


class AttachedHere(msgspec.Struct, frozen=True):
    """What is attached to an image in a repository, and what it is worth there."""

    repository: RepositoryName
    digest: Digest
    counts: AttachedCount
    documents: tuple[AttachedSbom, ...]


class ImageInsides:
    """What may not be pulled by the caller is not there, or refused where they may know of it: see Access.check."""

    def __init__(
        self,
        access: Access,
        images: Images,
        insides: Insides,
        documents: AttachedDocuments,
        reading: ImageReading,
        clock: Clock,
    ) -> None:
        self._access = access
        self._images = images
        self._insides = insides
        self._documents = documents
        self._reading = reading
        self._clock = clock

    async def of(
        self, caller: Caller, repository: RepositoryName, reference: Reference, platform: str = ""
    ) -> ImageInside:
        """What is known of it; waiting, without packages, where it has not been read: while it is read anew what was
        known before is told.

        Raises NameUnknown, ManifestUnknown, Denied, Unauthorized; NotFound for what is no image; RequestInvalid where
        an index has several platforms and none, or another one, is named.
        """
        found, index, platforms = await self._image(caller, repository, reference, platform)
        digest = Digest.stored(found.digest)
        inside = await self._insides.of(digest)
        if inside is None:
            inside = Inside(digest=digest, state=InsideState.WAITING, since=self._clock.now())
        packages = await self._insides.packages(digest) if inside.is_known else ()
        config = found.image_config
        return ImageInside(
            repository=repository,
            reference=reference,
            digest=digest,
            platform=config.platform if config is not None else "",
            inside=inside,
            packages=packages,
            index=index,
            platforms=platforms,
            inspection=found,
        )

    async def whole(
        self, caller: Caller, repository: RepositoryName, reference: Reference, platform: str = ""
    ) -> ImageInside:
        """The same, for a document that says what is in it. Raises as `of`, and Conflict where that is not known."""
        found = await self.of(caller, repository, reference, platform)
        if found.inside.is_known:
            return found
        if found.inside.state is InsideState.UNREAD:
            raise Conflict(f"the image could not be read: {'; '.join(found.inside.unread)}", {"state": "unread"})
        raise Conflict("the image was not read yet; ask again in some seconds", {"state": "waiting"})

    async def again(
        self, caller: Caller, repository: RepositoryName, reference: Reference, platform: str = ""
    ) -> ImageInside:
        """Have it read, whether it was or not: layers that are known are not. Takes the right to push there. Raises as
        `of`."""
        found, _, _ = await self._image(caller, repository, reference, platform)
        await self._access.check(caller, Action.PUSH_NEW, repository=repository)
        await self._insides.again(Digest.stored(found.digest), self._clock.now())
        await self._reading.call()
        return await self.of(caller, repository, reference, platform)

    async def attached(
        self, caller: Caller, repository: RepositoryName, reference: Reference, platform: str = ""
    ) -> AttachedHere:
        """The SBOMs and attestations that are attached to it. Raises as `of`."""
        found, _, _ = await self._image(caller, repository, reference, platform)
        digest = Digest.stored(found.digest)
        rules = await self._documents.rules(repository)
        told = await self._images.sees_actors(caller, repository)
        listed = await self._documents.listed(repository, digest)
        trusted = await self._documents.trusted(rules, repository, listed)
        documents = tuple(
            AttachedSbom(
                document=each
                if told or each.pushed_by == caller.subject.name
                else msgspec.structs.replace(each, pushed_by=""),
                counts=each.pushed_by in trusted,
            )
            for each in listed
        )
        return AttachedHere(repository, digest, rules.counts, documents)

    async def _image(
        self, caller: Caller, repository: RepositoryName, reference: Reference, platform: str
    ) -> tuple[Inspection, Digest | None, tuple[str, ...]]:
        """The image, the index that was asked for instead, and the platforms of that."""
        found, index = await self._images.content(caller, repository, reference), None
        platforms: tuple[str, ...] = ()
        if found.kind is ContentKind.INDEX:
            index = Digest.stored(found.digest)
            running = [each for each in found.platforms if each.runs]
            platforms = tuple(each.platform for each in running)
            entry = _chosen(running, platform)
            found = await self._images.content(caller, repository, Digest.stored(entry.digest))
        if found.kind is not ContentKind.IMAGE:
            raise NotFound(
                f"{repository} has no image there but a {found.kind}, which holds no packages",
                {"name": repository, "kind": found.kind},
            )
        return found, index, platforms


def _chosen(images: Sequence[PlatformImage], platform: str) -> PlatformImage:
    """The image of an index for a platform. Raises RequestInvalid."""
    if not platform and len(images) == 1:
        return images[0]
    found = next((each for each in images if each.platform == platform), None)
    if found is not None:
        return found
    known = [each.platform for each in images]
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    listed = ", ".join(known[:_NAMED]) + more or "none"
    said = f"it has none for {platform[:80]}" if platform else "it is for several platforms: name one"
    raise RequestInvalid(f"{said}; there are {listed}", {"platforms": known[:_NAMED]})
