"""What a restoration puts back, and from where: read beforehand, and once more by the transaction that does it."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from orlop.adapters.sql.engine import Row, Session
from orlop.domain.digest import Digest
from orlop.domain.durations import MINUTE
from orlop.domain.errors import Conflict, NotFound
from orlop.domain.manifest import EdgeKind
from orlop.domain.names import Tag, referrers_tags
from orlop.ports.trash import Asked, Restored, Trashed

#: What was deleted so long before a manifest still counts as deleted with it: clocks of servers differ, and who deletes
#: an image with all that refers to it begins somewhere.
_TOGETHER = MINUTE


#: Manifests that are looked at before others have their turn.
_TURN = 50

Pause = Callable[[float], Awaitable[None]]
"""Waits for so many seconds."""


class Lying(NamedTuple):
    """A manifest in the trash: its row, the entry it lies in, which holds nothing else or a whole repository."""

    manifest: int
    digest: Digest
    entry: int
    holder: int
    alone: bool
    size: int


class Plan:
    """What comes back: manifests by digest, each before what lists or refers to it was looked at; tags; and the entries
    that are used up."""

    def __init__(self) -> None:
        self.manifests: dict[Digest, Lying] = {}
        self.tags: dict[Tag, Digest] = {}
        self.used: set[int] = set()
        self.root: Digest | None = None
        self.entry = 0
        """The entry that was asked for."""
        self._lists: dict[Digest, list[Digest]] = {}

    def lists(self, index: Digest, children: list[Digest]) -> None:
        """An index that comes back needs these manifests."""
        self._lists[index] = children

    def before_the_last(self, most: int) -> list["Plan"]:
        """Where it is more than `most` manifests: what may come back before the rest, in parts of so many, each after
        what it lists; nothing that lists what was asked for."""
        if len(self.manifests) <= most:
            return []
        order = [digest for digest in self._in_order() if digest != self.root]
        last = {self.root}
        for digest in order:
            if not last.isdisjoint(self._lists.get(digest, ())):
                last.add(digest)
        early = [digest for digest in order if digest not in last]
        return [self._part(early[start : start + most]) for start in range(0, len(early), most)]

    def _in_order(self) -> list[Digest]:
        """Every manifest after those that it lists."""
        order: dict[Digest, None] = {}
        begun: set[Digest] = set()
        waiting = list(self.manifests)
        while waiting:
            digest = waiting[-1]
            further = [each for each in self._lists.get(digest, ()) if each in self.manifests and each not in order]
            if digest in begun or not further:
                order[waiting.pop()] = None
            else:
                begun.add(digest)
                waiting += [each for each in further if each not in begun]
        return list(order)

    def _part(self, digests: list[Digest]) -> "Plan":
        part = Plan()
        part.manifests = {digest: self.manifests[digest] for digest in digests}
        part.tags = {tag: digest for tag, digest in self.tags.items() if digest in part.manifests}
        return part

    def told(self) -> Restored:
        """In the words of the port."""
        return Restored(Trashed.MANIFEST, tuple(self.manifests), self.tags)

    @property
    def holders(self) -> set[int]:
        """The hidden repositories that it takes from."""
        return {lying.holder for lying in self.manifests.values()}


async def whole(tx: Session, asked: Asked) -> Row | None:
    """The entry of a repository as a whole, where that is asked for."""
    row = None
    if asked.entry:
        row = await tx.one("trash_entry", asked.entry)
        if row is None or row[1].rstrip("/") != asked.repository:
            raise NotFound(f"there is no entry {asked.entry} of {asked.repository} in the trash")
        return row if row[2] == Trashed.REPOSITORY else None
    if asked.tag is None and asked.digest is None:
        row = await tx.one("trash_whole", asked.repository)
        if row is None:
            raise NotFound(
                f"there is no repository {asked.repository} in the trash; orlop trash ls lists what is",
                {"name": asked.repository},
            )
    return row


async def plan(tx: Session, asked: Asked, repository: int | None, pause: Pause | None = None) -> Plan:
    """What comes back of a tag, a digest or an entry; `repository` is the row of the one that it comes back to. Others
    get their turn by a `pause`, outside of a transaction.

    Raises NotFound, Conflict.
    """
    return await _Planning(tx, asked, repository, pause).made()


class _Planning:
    """Looks from what is asked for along everything that belongs to it."""

    def __init__(self, tx: Session, asked: Asked, repository: int | None, pause: Pause | None) -> None:
        self._tx = tx
        self._pause = pause
        self._asked = asked
        self._name = asked.repository
        self._repository = repository
        self._plan = Plan()
        self._seen: set[Digest] = set()
        self._missing: list[str] = []
        self._bare: Digest | None = None
        """The manifest whose own tags stay where they are."""
        self._begun = False
        """Whether a part of it may be back."""

    async def made(self) -> Plan:
        entry, root, since, tags = await self._root()
        self._plan.used.add(entry)
        self._plan.root, self._plan.entry = root, entry
        self._begun = await self._tx.one("trash_restores", self._name) is not None
        self._bare = root if self._asked.untagged else None
        for tag in tags:
            await self._set(tag, root, expected=True)
        waiting = [root]
        while waiting:
            digest = waiting.pop()
            if digest not in self._seen:
                self._seen.add(digest)
                if self._pause is not None and len(self._seen) % _TURN == 0:
                    await self._pause(0)
                waiting += await self._take(digest, since - _TOGETHER)
        if self._missing:
            raise Conflict(
                f"{self._named()} cannot be restored whole: {self._missing[0]} is neither in {self._name} nor in the"
                " trash; push the image anew",
                {"missing": self._missing},
            )
        return self._plan

    async def _root(self) -> tuple[int, Digest, int, list[Tag]]:
        """The entry that is asked for, what it is about, when it was deleted, and the tags to set."""
        asked, tx = self._asked, self._tx
        if asked.tag is not None and not asked.entry:
            found = await self._newest("trash_of_tag", asked.tag)
            if found is None:
                raise _nothing(asked, f"a tag {asked.tag}")
            return found[0], Digest.stored(found[1]), found[2], [] if asked.untagged else [asked.tag]
        if asked.entry:
            row = await tx.one("trash_entry", asked.entry)
            assert row is not None
            entry, digest, since = row[0], row[3], row[5]
        else:
            assert asked.digest is not None
            row = await self._newest("trash_manifest", asked.digest)
            if row is None:
                raise _nothing(asked, f"a manifest {asked.digest}")
            entry, digest, since = row[0], asked.digest, row[4]
        return entry, Digest.stored(digest), since, [] if asked.untagged else await self._tags_of(entry, digest)

    async def _tags_of(self, entry: int, digest: str) -> list[Tag]:
        """The tags that went with a manifest, by itself or in a repository."""
        rows = await self._tx.all("trash_manifest_tags", entry)
        if not rows:
            lying = await self._newest("trash_manifest", digest)
            rows = await self._tx.all("tags_of_manifest", lying[1]) if lying is not None else []
        return [Tag.stored(tag) for (tag,) in rows]

    async def _take(self, digest: Digest, since: int) -> list[Digest]:
        """Take a manifest out of the trash unless it is there; what else belongs to it."""
        tx, further = self._tx, []
        known = await tx.one("manifest_row", self._repository, digest) if self._repository is not None else None
        row = await self._newest("trash_manifest", digest) if known is None else None
        if known is None and row is None:
            self._missing.append(f"manifest {digest}")
            return []
        if known is None:
            assert row is not None
            entry, manifest, kind, holder, _, size = row
            self._plan.manifests[digest] = Lying(manifest, digest, entry, holder, kind == Trashed.MANIFEST, size)
            for child_kind, child, optional in await tx.all("trash_children", manifest):
                if child_kind == EdgeKind.MANIFEST and not (optional and await self._is_nowhere(child)):
                    further.append(Digest.stored(child))
            self._plan.lists(digest, list(further))
            if kind == Trashed.MANIFEST:
                self._plan.used.add(entry)
                for (tag,) in await tx.all("trash_manifest_tags", entry) if digest != self._bare else ():
                    await self._set(Tag.stored(tag), digest, expected=False)
        for statement in ("trash_referrers", "trash_referrers_in_repository"):
            further += [Digest.stored(found) for (found,) in await tx.all(statement, self._name, digest, since)]
        if self._begun and self._repository is not None:
            there = await tx.all("trash_referrers_there", self._repository, digest)
            for tag in referrers_tags(digest):
                there += [row[1:2] for row in await tx.all("tag_target", self._repository, tag)]
            further += [Digest.stored(found) for (found,) in there]
        for tag in referrers_tags(digest):
            found = await self._newest("trash_of_tag", tag)
            if (
                found is not None
                and found[2] >= since
                and await self._set(tag, Digest.stored(found[1]), expected=False)
            ):
                further.append(Digest.stored(found[1]))
                self._plan.used.add(found[0])
        return further

    async def _newest(self, statement: str, what: str) -> Row | None:
        """Of what lies there by itself and what lies in a repository as a whole, what was deleted last."""
        rows = [await self._tx.one(f"{statement}{where}", self._name, what) for where in ("", "_in_repository")]
        return max((row for row in rows if row is not None), default=None)

    async def _is_nowhere(self, digest: str) -> bool:
        return await self._newest("trash_manifest", digest) is None and (
            self._repository is None or await self._tx.one("manifest_row", self._repository, digest) is None
        )

    async def _set(self, tag: Tag, digest: Digest, *, expected: bool) -> bool:
        """Set a tag if its name is free, or it points there already; raises Conflict if it is expected and is not."""
        target = await self._tx.one("tag_target", self._repository, tag) if self._repository is not None else None
        if target is not None and target[1] != digest:
            if not expected:
                return False
            raise Conflict(
                f"the tag {tag} of {self._name} points at {target[1]} meanwhile, and is not overwritten; restore"
                f" {self._name}@{digest} with --untagged, and point the tag at it then",
                {"tag": tag, "digest": target[1]},
            )
        if target is None and tag not in self._plan.tags:
            self._plan.tags[tag] = digest
        return True

    def _named(self) -> str:
        asked = self._asked
        if asked.tag is not None:
            return f"{asked.repository}:{asked.tag}"
        return f"{asked.repository}@{asked.digest}" if asked.digest is not None else f"entry {asked.entry}"


def _nothing(asked: Asked, what: str) -> NotFound:
    return NotFound(
        f"the trash holds nothing of {what} of {asked.repository}; orlop trash ls lists what it holds",
        {"repository": asked.repository},
    )
