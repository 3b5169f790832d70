"""A registry as a few dictionaries: what clients should see, with nothing of how it is kept."""

from dataclasses import dataclass, field
from typing import NamedTuple

from orlop.domain.digest import Digest
from orlop.domain.names import RepositoryName, Tag
from tests.content import Pushable
from tests.registry import EXPIRE, GRACE


@dataclass
class Session:
    """An upload: what was acknowledged of it, and when it expires. Until its first bytes it is a ticket alone, which is
    good for as long as its time says; and it is one again when what was stored of it was cleared away."""

    repository: RepositoryName
    ticket_until: int
    expires_at: int
    content: bytes = b""
    is_stored: bool = False


@dataclass
class Repository:
    """What a repository shows. `blobs`: since when a blob is loose; None while a manifest names it."""

    blobs: dict[Digest, int | None] = field(default_factory=dict)
    manifests: dict[Digest, Pushable] = field(default_factory=dict)
    tags: dict[Tag, Digest] = field(default_factory=dict)
    history: dict[Tag, list[Digest | None]] = field(default_factory=dict)
    locked: set[Digest] = field(default_factory=set)
    labels: dict[Digest | None, dict[str, str]] = field(default_factory=dict)

    def point(self, tag: Tag, digest: Digest | None) -> None:
        """A tag was set or deleted."""
        if digest == self.tags.get(tag):
            return
        self.history.setdefault(tag, []).append(digest)
        if digest is None:
            del self.tags[tag]
        else:
            self.tags[tag] = digest

    def names(self, digest: Digest) -> bool:
        """Whether a manifest names the blob."""
        return any(digest in blobs_of(what) for what in self.manifests.values())

    def is_child(self, digest: Digest) -> bool:
        """Whether an index names the manifest."""
        return any(digest in {child.digest for child in what.children} for what in self.manifests.values())

    def misses(self, what: Pushable) -> bool:
        """Whether something that a manifest needs is not here."""
        blobs = {piece.digest for piece in what.blobs} - self.blobs.keys()
        return bool(blobs or {child.digest for child in what.children} - self.manifests.keys())


def blobs_of(what: Pushable) -> set[Digest]:
    """The blobs that a manifest names."""
    return {edge.digest for edge in what.manifest.edges if edge.kind != "manifest"}


class Rule(NamedTuple):
    """A rule for tags, in the words of this model: of which tags and where it holds, and what it forbids."""

    path: str
    tag: str
    forbids: str
    """`create`, `move`, `remove`; `change` is to move or to remove."""

    def refuses(self, name: RepositoryName, tag: Tag, what: str) -> bool:
        """Whether it is in the way of what somebody does to a tag."""
        held = self.path in ("", str(name)) and self.tag in ("*", str(tag))
        return held and (self.forbids == what or (self.forbids == "change" and what != "create"))


@dataclass
class Model:
    """Everything that was acknowledged, and the time."""

    now: int
    rules: dict[str, Rule] = field(default_factory=dict)
    repositories: dict[RepositoryName, Repository] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)

    def here(self, name: RepositoryName) -> Repository:
        """A repository to look at, or an empty one."""
        return self.repositories.get(name, Repository())

    def is_refused(self, name: RepositoryName, tag: Tag, target: Digest | None) -> bool:
        """Whether a rule is in the way of a tag that is to point somewhere, or to go."""
        before = self.here(name).tags.get(tag)
        if before == target:
            return False
        what = "create" if before is None else "remove" if target is None else "move"
        return any(rule.refuses(name, tag, what) for rule in self.rules.values())

    def keeps(self, name: RepositoryName, digest: Digest) -> bool:
        """Whether a lock or a rule is in the way of a manifest's end."""
        here = self.here(name)
        pointing = [tag for tag, target in here.tags.items() if target == digest]
        return digest in here.locked or any(self.is_refused(name, tag, None) for tag in pointing)

    def link(self, name: RepositoryName, digest: Digest) -> None:
        """A blob was pushed or mounted."""
        repository = self.repositories.setdefault(name, Repository())
        repository.blobs[digest] = None if repository.names(digest) else self.now

    def told(self, name: RepositoryName, digest: Digest) -> None:
        """Somebody was told that the blob is there."""
        since = self.repositories[name].blobs[digest]
        if since is not None and self.now - since > GRACE // 2:
            self.repositories[name].blobs[digest] = self.now

    def put(self, name: RepositoryName, what: Pushable, tags: list[Tag]) -> None:
        """A manifest was stored."""
        repository = self.repositories.setdefault(name, Repository())
        repository.manifests[what.digest] = what
        for tag in tags:
            repository.point(tag, what.digest)
        for digest in blobs_of(what) & repository.blobs.keys():
            repository.blobs[digest] = None

    def delete(self, name: RepositoryName, digest: Digest) -> None:
        """A manifest was deleted."""
        repository = self.repositories[name]
        what = repository.manifests.pop(digest)
        repository.labels.pop(digest, None)
        for tag in [tag for tag, target in repository.tags.items() if target == digest]:
            repository.point(tag, None)
        for blob in blobs_of(what) & repository.blobs.keys():
            if not repository.names(blob):
                repository.blobs[blob] = self.now

    def unlink_loose(self, *deleted: Repository) -> None:
        """A collection took the links that were loose for longer than the grace, also of repositories in the trash."""
        for repository in (*self.repositories.values(), *deleted):
            for digest, since in list(repository.blobs.items()):
                if since is not None and since < self.now - GRACE:
                    del repository.blobs[digest]

    def touch(self, session: Session) -> None:
        """A session was written to."""
        session.expires_at, session.is_stored = self.now + EXPIRE, True

    def is_open(self, upload: str) -> bool:
        """Whether a session goes on."""
        session = self.sessions.get(upload)
        return session is not None and session.expires_at > self.now

    def expire(self) -> None:
        """What was stored of sessions that are over was cleared away."""
        for upload, session in self.sessions.items():
            if session.is_stored and not self.is_open(upload):
                self.sessions[upload] = Session(session.repository, session.ticket_until, session.ticket_until)
