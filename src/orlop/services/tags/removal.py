"""Removes tags that somebody chose, each only if it still points at what they saw."""

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import Denied, ManifestUnknown, RequestInvalid, Stale
from orlop.domain.names import RepositoryName, Tag
from orlop.services.content.manifests import Manifests
from orlop.services.management.operations import Gate, Operation

#: Tags that are removed by one request; each is a write of its own.
REMOVED_MOST = 100


class RemovedTag(msgspec.Struct, frozen=True):
    """What became of one: it is gone, or `refused` says why not."""

    tag: Tag
    refused: str = ""


class TagRemoval:
    """What lies in the trash afterwards, and for how long, is up to the rules of the place, as for clients."""

    def __init__(self, gate: Gate, manifests: Manifests) -> None:
        self._gate = gate
        self._manifests = manifests

    async def remove(
        self, caller: Caller, repository: RepositoryName, chosen: dict[Tag, Digest]
    ) -> tuple[RemovedTag, ...]:
        """Each tag with the digest that it was seen at; in this order, and one that may not go stops no other.

        Raises Unauthorized, Denied, NameUnknown; RequestInvalid for none, and for more than REMOVED_MOST.
        """
        for operation in (Operation.TAG_READ, Operation.TAG_REMOVE):
            await self._gate.check(caller, operation, repository=repository)
        if not chosen:
            raise RequestInvalid("no tag was chosen")
        if len(chosen) > REMOVED_MOST:
            raise RequestInvalid(f"at most {REMOVED_MOST} tags are removed at once, these are {len(chosen)}")
        done = []
        for tag, digest in chosen.items():
            try:
                await self._manifests.delete(repository, tag, caller, {tag: digest})
            except (ManifestUnknown, Denied, Stale) as refusal:
                done.append(RemovedTag(tag, refusal.message))
            else:
                done.append(RemovedTag(tag))
        return tuple(done)
