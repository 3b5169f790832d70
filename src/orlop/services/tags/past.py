"""What tags pointed at, for whoever may pull; and the way back to it."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import ManifestUnknown
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest, after_number
from orlop.ports.catalog import TagChange, TagHistory
from orlop.services.content.manifests import Expected, Manifests
from orlop.services.management.operations import Gate, Operation
from orlop.services.trash.trash import Trash


class TagPast:
    """See ports.catalog.TagHistory. Names of others are told to those who read the audit log of the repository."""

    def __init__(self, gate: Gate, history: TagHistory, manifests: Manifests, trash: Trash) -> None:
        self._gate = gate
        self._history = history
        self._manifests = manifests
        self._trash = trash

    async def page(self, caller: Caller, repository: RepositoryName, tag: Tag, page: PageRequest) -> Page[TagChange]:
        """The changes of a tag, newest first, also of one that is gone; none of one that never was. Pages go on after
        a number. Raises NameUnknown, Denied, Unauthorized, PageInvalid."""
        before = after_number(page)
        await self._gate.check(caller, Operation.TAG_READ, repository=repository)
        found = await self._history.history(repository, tag, page.size + 1, before)
        return await self._page(caller, repository, found, page)

    async def everything(self, caller: Caller, repository: RepositoryName, page: PageRequest) -> Page[TagChange]:
        """The changes of all tags of a repository, as `page`."""
        before = after_number(page)
        await self._gate.check(caller, Operation.TAG_READ, repository=repository)
        found = await self._history.everything(repository, page.size + 1, before)
        return await self._page(caller, repository, found, page)

    async def at(self, caller: Caller, repository: RepositoryName, tag: Tag, at: int) -> TagChange:
        """The change by which a tag pointed at what it did at a time. Raises ManifestUnknown where it pointed at
        nothing, and why; else as `page`."""
        await self._gate.check(caller, Operation.TAG_READ, repository=repository)
        change = await self._history.change_at(repository, tag, at)
        if change is None or change.digest is None:
            if change is not None:
                why = "it had been removed by then; its history says when"
            elif await self._history.history(repository, tag, 1):
                why = "its history begins later"
            else:
                why = "there never was one"
            raise ManifestUnknown(f"{repository} had no tag {tag} at that time: {why}", {"tag": tag})
        [shown] = await self._shown(caller, repository, (change,))
        return shown

    async def roll_back(
        self, caller: Caller, repository: RepositoryName, tag: Tag, digest: Digest, expected: Expected
    ) -> None:
        """Point a tag at a manifest that the repository holds: a push like any other, by the terms of the write.

        Raises ManifestUnknown where it is not held any more, and what `Manifests.put` does.
        """
        for operation in (Operation.TAG_READ, Operation.TAG_ROLL_BACK):
            await self._gate.check(caller, operation, repository=repository)
        try:
            kept = await self._manifests.seen(repository, digest, caller)
        except ManifestUnknown as missing:
            if await self._trash.holds(repository, digest):
                why = " any more, and it lies in the trash: bring it back by orlop trash restore --untagged first"
            else:
                why = " any more, or never did; push it again, or choose one that is held"
            raise ManifestUnknown(
                f"the tag {tag} cannot point at {digest}: {repository} does not hold that manifest{why}",
                {"tag": tag, "missing": [digest]},
            ) from missing
        await self._manifests.put(repository, digest, kept.content, kept.media_type, (tag,), caller, expected)

    async def _page(
        self, caller: Caller, repository: RepositoryName, found: tuple[TagChange, ...], page: PageRequest
    ) -> Page[TagChange]:
        return Page(await self._shown(caller, repository, found[: page.size]), more=len(found) > page.size)

    async def _shown(
        self, caller: Caller, repository: RepositoryName, changes: tuple[TagChange, ...]
    ) -> tuple[TagChange, ...]:
        if await self._gate.may(caller, Operation.AUDIT_READ, repository=repository):
            return changes
        own = caller.subject.name
        return tuple(change if change.actor == own else msgspec.structs.replace(change, actor="") for change in changes)
