"""The terms on which content is written, whoever asks: checked by the transaction that writes, and nowhere else."""

from collections.abc import Callable, Collection, Mapping

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError, Stale
from orlop.domain.names import Tag
from orlop.domain.quotas import Room

#: What becomes of a tag is refused with, where it is; None: it is not.
TagRefusal = Callable[[Tag], RegistryError | None]


class Terms(msgspec.Struct, frozen=True):
    """What a write expects to find, and what it is refused with for whatever its transaction finds.

    The refusal that applies is raised, in the order of the fields, and nothing is kept of what the write did.
    """

    create: RegistryError | None = None
    """When there is no such repository yet."""
    content: RegistryError | None = None
    """When the repository does not hold the manifest or blob yet."""
    expected: Mapping[Tag, Digest | None] = {}
    """By tag: what it points at, or None where it is not there; another raises Stale."""
    tag: Mapping[Tag, RegistryError] = {}
    """By tag: when it is not there yet."""
    overwrite: Mapping[Tag, RegistryError] = {}
    """By tag: when it is there and points at another manifest."""
    untag: TagRefusal | None = None
    """When a tag goes, alone or with what it points at."""
    room: tuple[Room, ...] = ()
    """The quotas that cover the repository: Denied, with the figures, where what is added does not fit one."""
    empty: bool = False
    """Only a repository that holds nothing goes; another raises Stale."""
    trash: int = 0
    """How long what is deleted lies in the trash (ports.trash), in microseconds; 0: it is gone at once."""
    cache: str | None = None
    """A repository that the write makes caches what an upstream has: the path of the node that shows it, which is the
    repository's namespace or one above. None: a repository is its own, and becomes that if it was a cache."""
    quarantine: bool = False
    """What others may run that is pushed lands in quarantine."""
    settings: int = 0
    """The version of all settings from which the terms were made; where it is another when the write takes effect,
    SettingsMoved is raised. 0: they were made from none."""

    def sets(self, tag: Tag, previous: str | None, digest: Digest) -> bool:
        """Whether a tag that points at `previous` becomes another by pointing at a digest. Raises what that is refused
        with."""
        self._find(tag, previous)
        if previous == digest:
            return False
        refusals = self.tag if previous is None else self.overwrite
        if tag in refusals:
            raise refusals[tag]
        return True

    def goes(self, digest: str, tags: Collection[str]) -> None:
        """Raises Stale where a tag that is expected to go with a manifest points at another by now."""
        for tag in self.expected:
            if tag not in tags:
                raise Stale(f"the tag {tag} does not point at {digest} any more", {"tag": tag, "digest": digest})

    def removes(self, tag: Tag, previous: str) -> None:
        """Raises what the removal of a tag is refused with."""
        self._find(tag, previous)
        refusal = self.untag(tag) if self.untag is not None else None
        if refusal is not None:
            raise refusal

    def _find(self, tag: Tag, previous: str | None) -> None:
        if tag in self.expected and self.expected[tag] != previous:
            found = f"points at {previous}" if previous else "is not there"
            raise Stale(f"the tag {tag} {found}: it was changed meanwhile", {"tag": tag, "digest": previous})


#: Those of a write that nothing speaks against.
FREELY = Terms()
