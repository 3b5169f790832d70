"""Labels of repositories and manifests, for those who may see and set them."""

from collections.abc import AsyncIterator, Callable

from orlop.domain.access import Action, Caller
from orlop.domain.access.spans import NameSpan, after, at_or_below, common
from orlop.domain.digest import Digest
from orlop.domain.labels import LabelChange, Labels, Term
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.pages import NAME_BYTES, Page, PageRequest, page_of
from orlop.domain.settings import checked_path
from orlop.ports.catalog import by
from orlop.ports.labels import Labelled, LabelledRepository, LabelStore
from orlop.services.content.manifests import Manifests
from orlop.services.content.repositories import Repositories
from orlop.services.management.operations import Gate, Operation

#: How many repositories with all of their labels are read at once, each of which may have many.
_TOGETHER = 50


class ContentLabels:
    """See ports.labels.LabelStore. A manifest may be named by a tag: then it is the one that the tag points at."""

    def __init__(self, gate: Gate, labels: LabelStore, manifests: Manifests, repositories: Repositories) -> None:
        self._gate = gate
        self._labels = labels
        self._manifests = manifests
        self._repositories = repositories

    async def of(
        self, caller: Caller, repository: RepositoryName, reference: Reference | None
    ) -> tuple[Digest | None, Labels]:
        """What is meant, and its labels. Raises Denied, NameUnknown, ManifestUnknown."""
        await self._gate.check(caller, Operation.LABEL_READ, repository=repository)
        digest = await self._digest(caller, repository, reference)
        return digest, await self._labels.of(repository, digest)

    async def change(
        self, caller: Caller, repository: RepositoryName, reference: Reference | None, change: LabelChange
    ) -> tuple[Digest | None, Labels]:
        """What is meant, and the labels that it has then. Raises Denied, and as the port."""
        operation = Operation.REPOSITORY_LABEL_CHANGE if reference is None else Operation.LABEL_CHANGE
        await self._gate.check(caller, operation, repository=repository)
        if reference is not None:
            # A tag says what it points at, which is for those who may pull.
            await self._gate.check(caller, Operation.LABEL_READ, repository=repository)
        digest = await self._digest(caller, repository, reference)
        return digest, await self._labels.change(repository, digest, change, by(caller, self._gate.now()))

    async def having(self, caller: Caller, terms: tuple[Term, ...], place: str, page: PageRequest) -> Page[Labelled]:
        """What has all of the labels at a node of the tree and below, as far as the caller may pull it. Pages go on
        after NAME or NAME@DIGEST. Raises Unauthorized, RequestInvalid."""
        name, _, digest = page.after.partition("@")
        found: list[Labelled] = []
        async for span, sees in self._spans(caller, place, ""):
            if span.high <= name:
                continue
            at = (name, digest)
            while len(found) <= page.size:
                wanted = page.size + 1 - len(found)
                rows = await self._labels.having(terms, span, at, wanted)
                found += [one for one in rows if sees(one.repository)]
                if len(rows) < wanted:
                    break
                at = (rows[-1].repository, rows[-1].digest or "")
            if len(found) > page.size:
                break
        return page_of(found, page, largest=2 * NAME_BYTES)

    async def labelled_repositories(self, caller: Caller, page: PageRequest) -> Page[LabelledRepository]:
        """Every repository with labels of its own that the caller may pull from, by name. Raises Unauthorized."""
        found: list[LabelledRepository] = []
        async for span, sees in self._spans(caller, "", page.after):
            left = NameSpan(max(span.low, after(page.after)), span.high)
            while len(found) <= page.size and left.low < left.high:
                rows = await self._labels.repositories(left, _TOGETHER)
                found += [one for one in rows if sees(one.name)]
                if len(rows) < _TOGETHER:
                    break
                left = NameSpan(after(rows[-1].name), left.high)
            if len(found) > page.size:
                break
        return page_of(found, page)

    async def _spans(
        self, caller: Caller, place: str, start: str
    ) -> AsyncIterator[tuple[NameSpan, Callable[[str], bool]]]:
        await self._gate.rights(caller)
        node = at_or_below(checked_path(place))
        async for span, sees in self._repositories.visible(caller, Action.PULL, start):
            for part in common((span,), node):
                yield part, sees

    async def _digest(self, caller: Caller, repository: RepositoryName, reference: Reference | None) -> Digest | None:
        if isinstance(reference, Digest):
            await self._manifests.check_seen(repository, reference, reference, caller)
        if reference is None or isinstance(reference, Digest):
            return reference
        return (await self._manifests.resolve(repository, reference)).digest
