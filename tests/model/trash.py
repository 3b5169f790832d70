"""The trash as a list of deletions: what can be restored, and what that brings back."""

from dataclasses import dataclass, field

from orlop.domain.digest import Digest
from orlop.domain.durations import MINUTE
from orlop.domain.names import RepositoryName, Tag
from tests.content import Pushable
from tests.model.model import Model, Repository, blobs_of


class Nothing(Exception):
    """There is nothing like that."""


class Refused(Exception):
    """Something stands against it."""


@dataclass
class Deletion:
    """A manifest with the blobs that were linked for it, a tag alone, or a repository as a whole."""

    name: RepositoryName
    at: int
    expires: int
    digest: Digest | None = None
    tags: list[Tag] = field(default_factory=list)
    manifest: Pushable | None = None
    links: set[Digest] = field(default_factory=set)
    labels: dict[str, str] = field(default_factory=dict)
    whole: Repository | None = None

    def holds(self, digest: Digest) -> Pushable | None:
        """A manifest that lies there with it."""
        if self.whole is not None:
            return self.whole.manifests.get(digest)
        return self.manifest if self.manifest is not None and self.digest == digest else None

    def tags_of(self, digest: Digest) -> list[Tag]:
        """The tags that the manifest had."""
        if self.whole is not None:
            return sorted(tag for tag, target in self.whole.tags.items() if target == digest)
        return self.tags

    def target(self, tag: Tag) -> Digest | None:
        """What a tag pointed at that went with it."""
        if self.whole is not None:
            return self.whole.tags.get(tag)
        return self.digest if tag in self.tags else None


class ModelTrash:
    """All deletions, in order."""

    def __init__(self, model: Model, keep: int) -> None:
        self.model = model
        self.keep = keep
        self.deletions: list[Deletion] = []

    def _add(self, name: RepositoryName) -> Deletion:
        self.deletions.append(Deletion(name, self.model.now, self.model.now + self.keep))
        return self.deletions[-1]

    def delete(self, name: RepositoryName, digest: Digest) -> None:
        """A manifest was deleted."""
        here, gone = self.model.repositories[name], self._add(name)
        gone.digest, gone.manifest = digest, here.manifests[digest]
        gone.tags = sorted(tag for tag, target in here.tags.items() if target == digest)
        gone.links = blobs_of(gone.manifest) & here.blobs.keys()
        gone.labels = here.labels.get(digest, {})
        self.model.delete(name, digest)

    def untag(self, name: RepositoryName, tag: Tag) -> None:
        """A tag was deleted."""
        gone, here = self._add(name), self.model.repositories[name]
        gone.digest, gone.tags = here.tags[tag], [tag]
        here.point(tag, None)

    def remove(self, name: RepositoryName) -> None:
        """A repository was deleted."""
        self._add(name).whole = self.model.repositories.pop(name)

    def purge(self) -> None:
        """What expired is gone."""
        self.deletions = [gone for gone in self.deletions if gone.expires > self.model.now]

    @property
    def repositories(self) -> list[Repository]:
        """Those that lie there as a whole."""
        return [gone.whole for gone in self.deletions if gone.whole is not None]

    def holds_blob(self, digest: Digest) -> bool:
        """Whether a blob is linked for something that lies there."""
        return any(digest in (gone.whole.blobs if gone.whole else gone.links) for gone in self.deletions)

    def restore_whole(self, name: RepositoryName) -> None:
        """The repository that was deleted last by that name. Raises Nothing, Refused."""
        found = [gone for gone in self.deletions if gone.name == name and gone.whole is not None]
        if not found:
            raise Nothing
        if name in self.model.repositories:
            raise Refused
        assert found[-1].whole is not None
        self.model.repositories[name] = found[-1].whole
        self.deletions.remove(found[-1])

    def restore(self, name: RepositoryName, tag: Tag | None, digest: Digest) -> None:
        """What a tag pointed at, or else a digest, with all that belongs to it. Raises Nothing, Refused."""
        of_name = [gone for gone in self.deletions if gone.name == name]
        found = [gone for gone in of_name if (gone.target(tag) if tag is not None else gone.holds(digest))]
        if not found:
            raise Nothing
        root = found[-1].target(tag) if tag is not None else digest
        assert root is not None
        _Restoration(self.model.here(name), of_name, root, found[-1], [tag] if tag is not None else None).check()
        here = self.model.repositories.setdefault(name, Repository())
        used = _Restoration(here, of_name, root, found[-1], [tag] if tag is not None else None).apply()
        self.deletions = [gone for gone in self.deletions if not any(gone is each for each in used)]


class _Restoration:
    def __init__(
        self, here: Repository, of_name: list[Deletion], root: Digest, first: Deletion, tags: list[Tag] | None
    ) -> None:
        self.here, self.of_name = here, of_name
        self.used = [first]
        self.taken: dict[Digest, tuple[Pushable, Deletion]] = {}
        self.tags: dict[Tag, Digest] = {}
        self.is_whole = True
        self.is_free = True
        for tag in first.tags_of(root) if tags is None else tags:
            self.is_free &= self._set(tag, root)
        waiting, seen, since = [root], set[Digest](), first.at - MINUTE
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting += self._take(one, since)

    def _set(self, tag: Tag, digest: Digest) -> bool:
        if self.here.tags.get(tag, digest) != digest:
            return False
        if tag not in self.here.tags:
            self.tags.setdefault(tag, digest)
        return True

    def _take(self, digest: Digest, since: int) -> list[Digest]:
        further: list[Digest] = []
        lying = [gone for gone in self.of_name if gone.holds(digest)]
        if digest not in self.here.manifests:
            if not lying:
                self.is_whole = False
                return []
            gone, what = lying[-1], lying[-1].holds(digest)
            assert what is not None
            self.taken[digest] = what, gone
            further += [child.digest for child in what.children]
            if gone.whole is None:
                self.used.append(gone)
                for tag in gone.tags:
                    self._set(tag, digest)
        for gone in sorted(self.of_name, key=lambda gone: gone.whole is not None):
            held = gone.whole.manifests.values() if gone.whole else [gone.manifest] if gone.manifest else []
            if gone.at >= since:
                further += [what.digest for what in held if what.manifest.subject == digest]
        return further

    def check(self) -> None:
        """Raises Refused."""
        if not (self.is_whole and self.is_free):
            raise Refused

    def apply(self) -> list[Deletion]:
        """Do it; what is used up by that."""
        for digest, (what, gone) in self.taken.items():
            linked = blobs_of(what) & (gone.whole.blobs.keys() if gone.whole else gone.links)
            self.here.manifests[digest] = what
            self.here.labels[digest] = dict(gone.whole.labels.get(digest, {}) if gone.whole else gone.labels)
            for blob in linked | (blobs_of(what) & self.here.blobs.keys()):
                self.here.blobs[blob] = None
        for tag, digest in self.tags.items():
            self.here.point(tag, digest)
        return [gone for gone in self.used if gone.whole is None]
