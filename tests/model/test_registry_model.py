"""Whatever clients do, in whatever order and at whatever time, the registry shows what a few dictionaries would.

The services run on all engines; each run ends with a clean verification, and with a second collection that
has nothing to do.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from orlop.domain.access.spans import EVERYTHING
from orlop.domain.errors import (
    BlobUnknown,
    BlobUploadUnknown,
    Conflict,
    Denied,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestUnknown,
    NameUnknown,
    NotFound,
    UploadRangeInvalid,
)
from orlop.domain.labels import LabelChange
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.pages import PageRequest
from orlop.domain.tag_rules import TAG_RULES, TagRule
from orlop.domain.upload import ChunkRange
from orlop.ports.catalog import By, Terms
from orlop.ports.clock import SECOND
from orlop.ports.settings import Document
from orlop.ports.trash import Asked, Purged
from orlop.services.content.uploads import Body
from tests.content import EMPTY, Piece, Pushable, artifact, blob, image, index
from tests.model.model import Model, Repository, Rule, Session
from tests.model.operations import collector
from tests.model.retention import RetentionSteps
from tests.model.trash import ModelTrash, Nothing, Refused
from tests.postgres import PostgresServer
from tests.registry import (
    ALICE,
    EXPIRE,
    GRACE,
    START,
    HandClock,
    Registry,
    Stores,
    body,
    empty_on_disk,
    in_memory,
    in_postgres,
    scaled_out,
)
from tests.s3 import S3Server, versitygw
from tests.volume import volume

T = TypeVar("T")

#: One below the namespace of the other, so that what both hold counts once in one node and twice in none.
REPOSITORIES = [RepositoryName("team/app"), RepositoryName("team/web/lib")]
TAGS = [Tag("v1"), Tag("v2")]
ONE = image("one", ["base", "code"])
TWO = image("two", ["base", blob("nothing", 0)], foreign=["code"])
SBOM = artifact("sbom", subject=ONE, annotations={"kind": "sbom"})
BOTH = index("both", [ONE, blob("cached")])
NESTED = index("nested", [BOTH, TWO])
#: Nothing comes before what it names.
PUSHABLES = [ONE, TWO, SBOM, BOTH, NESTED]
PIECES = sorted({piece for what in PUSHABLES for piece in what.blobs} | {EMPTY}, key=lambda piece: piece.name)

repositories, tags = st.sampled_from(REPOSITORIES), st.sampled_from(TAGS)
pushables = st.sampled_from(PUSHABLES)
#: Two that images share come up more often, so that something happens to the same blob many times in one run.
pieces = st.sampled_from([blob("base"), blob("code")]) | st.sampled_from(PIECES)
#: For rules that are about what is there: which of it, or none of it.
picks = st.integers(0, 999)
#: Seconds before something that depends on time: about half a grace, and about a whole one.
waits = st.sampled_from([0, 1_799, 1_801, 2_000, 3_599, 3_601])
#: Rules for tags that come and go: of one repository or of all, of one tag or of all.
RULES = [
    Rule(path, tag, forbids)
    for path in ("", "app")
    for tag in ("v1", "*")
    for forbids in ("create", "move", "remove", "change")
]
STEPS = ("unlink loose", "tombstone", "tombstone at once", "remove", "gone", "expire", "sweep")
LIMIT = 1_000
#: How long what is deleted lies in the trash, where it goes there: shorter than some waits, and longer than others.
KEEP = 7_200 * SECOND
TRASHED = Terms(trash=KEEP)


def _rule(made: Rule) -> TagRule:
    """The rule in the registry's words."""
    match made.forbids:
        case "create":
            return TagRule(tags=(made.tag,), may_create=("nobody",))
        case "move":
            return TagRule(tags=(made.tag,), may_move=("nobody",))
        case "remove":
            return TagRule(tags=(made.tag,), may_remove=("nobody",))
    return TagRule(tags=(made.tag,), immutable=True)


class RegistryMachine(RetentionSteps):
    """Rules are what clients and workers do; after each, everything that shows is compared."""

    uploads = Bundle("uploads")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = HandClock()
        self.stores = self.open_stores()
        self.registry = Registry(self.stores, self.clock)
        self.model = Model(START)
        self.trash = ModelTrash(self.model, KEEP)
        self.doomed: list[int] = []

    def open_stores(self) -> Stores:
        """Empty stores."""
        return in_memory(self.clock).stores

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        """Run to the end."""
        return self.runner.run(step)

    # --- Blobs ---------------------------------------------------------------------------------------------------

    @rule(repository=repositories, piece=pieces)
    def push_blob(self, repository: RepositoryName, piece: Piece) -> None:
        """A blob in one request."""
        self.do(self.registry.push_blob(repository, piece))
        self.model.link(repository, piece.digest)

    @rule(repository=repositories, piece=pieces)
    def push_other_bytes(self, repository: RepositoryName, piece: Piece) -> None:
        """A blob that is not what its digest says."""
        with pytest.raises(DigestInvalid):
            self.do(self.registry.uploads.push(repository, piece.digest, body(piece.content, b"!"), ALICE))

    @rule(target=uploads, repository=repositories)
    def begin(self, repository: RepositoryName) -> str:
        """A session."""
        upload = self.do(self.registry.uploads.start(repository, ALICE))
        self.model.sessions[upload.id] = Session(repository, self.clock.at + EXPIRE, self.clock.at + EXPIRE)
        return upload.id

    @rule(upload=uploads, piece=pieces, start=st.integers(0, 40), length=st.integers(0, 40))
    def chunk(self, upload: str, piece: Piece, start: int, length: int) -> None:
        """Bytes for a session; only those that go on where it stands are taken."""
        session = self.model.sessions.get(upload)
        repository = session.repository if session else REPOSITORIES[0]
        part = piece.content[start : start + length] or b"?"
        chunk = Body(body(part).pieces, len(part), ChunkRange(start, start + len(part) - 1))
        append = self.registry.uploads.append(repository, upload, chunk, ALICE)
        if session is None or not self.model.is_open(upload):
            with pytest.raises(BlobUploadUnknown):
                self.do(append)
        elif start != len(session.content):
            with pytest.raises(UploadRangeInvalid) as refusal:
                self.do(append)
            assert refusal.value.offset == len(session.content)
        else:
            assert self.do(append).offset == start + len(part)
            session.content += part
            self.model.touch(session)

    @rule(upload=uploads, piece=pieces)
    def go_on(self, upload: str, piece: Piece) -> None:
        """The next few bytes of a blob, if the session has come some of the way."""
        session = self.model.sessions.get(upload)
        if session is None or not self.model.is_open(upload):
            return
        if piece.content.startswith(session.content):
            part = piece.content[len(session.content) :][:7]
            self.do(self.registry.uploads.append(session.repository, upload, body(part), ALICE))
            session.content += part
            self.model.touch(session)

    @rule(target=uploads, upload=consumes(uploads), piece=pieces, rest=st.booleans())
    def finish(self, upload: str, piece: Piece, rest: bool) -> Any:
        """The end of a session, with the rest of a blob or without."""
        session = self.model.sessions.get(upload)
        known = session is not None and self.model.is_open(upload)
        repository, content = (session.repository, session.content) if session else (REPOSITORIES[0], b"")
        last = piece.content[len(content) :] if rest else b""
        end = self.registry.uploads.finish(repository, upload, piece.digest, body(last), ALICE)
        if not known or session is None:
            if piece.digest in self.model.here(repository).blobs:  # as if it had ended well, and its end were repeated
                self.do(end)
                self.model.link(repository, piece.digest)
                return multiple()
            with pytest.raises(BlobUploadUnknown):
                self.do(end)
            return multiple()
        if content + last != piece.content:
            with pytest.raises(DigestInvalid):
                self.do(end)
            self.model.touch(session)
            return upload
        self.do(end)
        del self.model.sessions[upload]
        self.model.link(repository, piece.digest)
        return multiple()

    @rule(upload=consumes(uploads))
    def cancel(self, upload: str) -> None:
        """The end of a session that nobody wants any more."""
        session = self.model.sessions.get(upload)
        repository = session.repository if session else REPOSITORIES[0]
        if session is None or not self.model.is_open(upload):
            with pytest.raises(BlobUploadUnknown):
                self.do(self.registry.uploads.cancel(repository, upload, ALICE))
        else:
            self.do(self.registry.uploads.cancel(repository, upload, ALICE))
            del self.model.sessions[upload]

    def held(self, repository: RepositoryName, pick: int) -> Piece:
        """A blob that a repository holds; now and then any."""
        here = self.model.here(repository).blobs
        loose = [piece for piece in PIECES if here.get(piece.digest) is not None]
        known = loose or [piece for piece in PIECES if piece.digest in here]
        return known[pick % len(known)] if known and pick % 8 else PIECES[pick % len(PIECES)]

    def stored(self, repository: RepositoryName, pick: int) -> Pushable:
        """A manifest that a repository holds; now and then any."""
        here = self.model.here(repository).manifests
        known = [what for what in PUSHABLES if what.digest in here]
        return known[pick % len(known)] if known and pick % 8 else PUSHABLES[pick % len(PUSHABLES)]

    @rule(repository=repositories, pick=picks, wait=waits)
    def head(self, repository: RepositoryName, pick: int, wait: int) -> None:
        """HEAD and GET of a blob."""
        self.wait(wait)
        piece = self.held(repository, pick)
        if piece.digest not in self.model.here(repository).blobs:
            with pytest.raises(BlobUnknown):
                self.do(self.registry.blobs.find(repository, piece.digest, ALICE))
            return
        found, _ = self.do(self.registry.blobs.find(repository, piece.digest, ALICE))
        content = self.do(self.registry.blobs.open(found))
        assert self.do(content.read()) == piece.content
        content.close()
        self.model.told(repository, piece.digest)

    @rule(source=st.sampled_from([*REPOSITORIES, None]), into=repositories, piece=pieces)
    def mount(self, source: RepositoryName | None, into: RepositoryName, piece: Piece) -> None:
        """A blob of one repository into another."""
        sources = REPOSITORIES if source is None else [source]
        held = any(piece.digest in self.model.here(name).blobs for name in sources)
        held |= source is None and self.trash.holds_blob(piece.digest)
        found = self.do(self.registry.blobs.mount(piece.digest, source, into, ALICE))
        assert (found is not None) is held
        if held:
            self.model.link(into, piece.digest)

    @rule(repository=repositories, pick=picks)
    def delete_blob(self, repository: RepositoryName, pick: int) -> None:
        """DELETE of a blob."""
        here, piece = self.model.here(repository), self.held(repository, pick)
        delete = self.registry.blobs.delete(repository, piece.digest, ALICE)
        if piece.digest not in here.blobs:
            with pytest.raises(BlobUnknown):
                self.do(delete)
        elif here.names(piece.digest):
            with pytest.raises(Denied):
                self.do(delete)
        else:
            self.do(delete)
            del here.blobs[piece.digest]

    # --- Manifests and tags --------------------------------------------------------------------------------------

    @rule(repository=repositories, what=pushables, pointing=st.lists(tags, max_size=2))
    def put(self, repository: RepositoryName, what: Pushable, pointing: list[Tag]) -> None:
        """A manifest alone, which needs what it names."""
        here = self.model.here(repository)
        if what.digest not in here.manifests and here.misses(what):
            # What is missing and what is refused: the one or the other is told, and nothing is done.
            with pytest.raises((ManifestBlobUnknown, Denied)):
                self.do(self.registry.put(repository, what, pointing))
        elif any(self.model.is_refused(repository, tag, what.digest) for tag in pointing):
            with pytest.raises(Denied, match="by the tag rule"):
                self.do(self.registry.put(repository, what, pointing))
        else:
            self.do(self.registry.put(repository, what, pointing))
            self.model.put(repository, what, pointing)

    @rule(repository=repositories, what=pushables, tag=tags)
    def push(self, repository: RepositoryName, what: Pushable, tag: Tag) -> None:
        """A manifest with everything it needs, as a client pushes it."""
        refused = self.model.is_refused(repository, tag, what.digest)
        with pytest.raises(Denied, match="by the tag rule") if refused else nullcontext():
            self.do(self.registry.push(repository, what, tag))
        for pushable in what.everything():
            for piece in pushable.blobs:
                self.model.link(repository, piece.digest)
            if pushable is not what:
                self.model.put(repository, pushable, [])
        if not refused:
            self.model.put(repository, what, [tag])

    @rule(repository=repositories, pick=picks)
    def delete(self, repository: RepositoryName, pick: int) -> None:
        """DELETE of a manifest."""
        here, what = self.model.here(repository), self.stored(repository, pick)
        delete = self.registry.manifests.delete(repository, what.digest, ALICE)
        if what.digest not in here.manifests:
            with pytest.raises(ManifestUnknown):
                self.do(delete)
        elif here.is_child(what.digest) or self.model.keeps(repository, what.digest):
            with pytest.raises(Denied):
                self.do(delete)
        else:
            self.do(delete)
            self.model.delete(repository, what.digest)

    @rule(repository=repositories, blobs_too=st.booleans())
    def clear(self, repository: RepositoryName, blobs_too: bool) -> None:
        """DELETE of every manifest, indexes before what they name, and perhaps of every blob."""
        here = self.model.here(repository)
        for what in reversed(PUSHABLES):
            if what.digest not in here.manifests:
                continue
            if here.is_child(what.digest) or self.model.keeps(repository, what.digest):
                continue
            self.do(self.registry.manifests.delete(repository, what.digest, ALICE))
            self.model.delete(repository, what.digest)
        for digest in list(here.blobs) if blobs_too else ():
            if here.names(digest):
                continue
            self.do(self.registry.blobs.delete(repository, digest, ALICE))
            del here.blobs[digest]

    @rule(repository=repositories, tag=tags)
    def untag(self, repository: RepositoryName, tag: Tag) -> None:
        """DELETE of a tag."""
        here = self.model.here(repository)
        if tag not in here.tags:
            with pytest.raises(ManifestUnknown):
                self.do(self.registry.manifests.delete(repository, tag, ALICE))
        elif self.model.is_refused(repository, tag, None):
            with pytest.raises(Denied, match="by the tag rule"):
                self.do(self.registry.manifests.delete(repository, tag, ALICE))
        else:
            self.do(self.registry.manifests.delete(repository, tag, ALICE))
            here.point(tag, None)

    # --- The trash -----------------------------------------------------------------------------------------------

    @rule(repository=repositories, pick=picks)
    def trash_manifest(self, repository: RepositoryName, pick: int) -> None:
        """DELETE of a manifest that goes to the trash."""
        here, what = self.model.here(repository), self.stored(repository, pick)
        if what.digest in here.manifests and not here.is_child(what.digest) and what.digest not in here.locked:
            rows, by = self.stores.catalog.manifests, collector(self.registry)
            self.do(rows.delete(repository, what.digest, by, TRASHED))
            self.trash.delete(repository, what.digest)

    @rule(repository=repositories, what=pushables, tag=tags, sbom=st.booleans())
    def push_and_trash(self, repository: RepositoryName, what: Pushable, tag: Tag, sbom: bool) -> None:
        """A push, perhaps with an SBOM, all of which is deleted again but for what something else lists."""
        for pushed in (what, SBOM) if sbom else (what,):
            self.push(repository, pushed, tag)
        for one in reversed(PUSHABLES):
            here = self.model.here(repository)
            is_free = one.digest in here.manifests.keys() - here.locked and not here.is_child(one.digest)
            if is_free and one in (*what.everything(), SBOM):
                rows, by = self.stores.catalog.manifests, collector(self.registry)
                self.do(rows.delete(repository, one.digest, by, TRASHED))
                self.trash.delete(repository, one.digest)

    @rule(repository=repositories, tag=tags)
    def trash_tag(self, repository: RepositoryName, tag: Tag) -> None:
        """DELETE of a tag that goes to the trash."""
        if tag in self.model.here(repository).tags:
            self.do(self.stores.catalog.manifests.untag(repository, tag, collector(self.registry), TRASHED))
            self.trash.untag(repository, tag)

    @rule(repository=repositories)
    def trash_repository(self, repository: RepositoryName) -> None:
        """DELETE of a repository that goes to the trash."""
        if repository in self.model.repositories and not self.model.here(repository).locked:
            self.do(self.stores.catalog.repositories.remove(repository, collector(self.registry), TRASHED))
            self.trash.remove(repository)

    @rule(repository=repositories, pick=picks, what=pushables, tag=st.none() | tags)
    def restore(self, repository: RepositoryName, pick: int, what: Pushable, tag: Tag | None) -> None:
        """What a tag pointed at, or a manifest, comes back whole or not at all; now and then what was never deleted."""
        digest = what.digest
        if self.trash.deletions and pick % 8:
            gone = self.trash.deletions[pick % len(self.trash.deletions)]
            repository, held = gone.name, gone.whole or Repository({}, {}, dict.fromkeys(gone.tags, digest))
            tag = tag if tag in held.tags or not held.tags else next(iter(held.tags)) if tag is not None else None
            digest = gone.digest or next(iter(held.manifests), digest)
        asked = Asked(repository, tag, None if tag is not None else digest)
        self._restore(asked, lambda: self.trash.restore(repository, tag, digest))

    @rule(repository=repositories)
    def restore_repository(self, repository: RepositoryName) -> None:
        """A repository comes back as it was, unless there is another of its name."""
        self._restore(Asked(repository), lambda: self.trash.restore_whole(repository))

    def _restore(self, asked: Asked, in_the_model: Callable[[], None]) -> None:
        restored = self.stores.catalog.trash.restore(asked, collector(self.registry))
        try:
            in_the_model()
        except Nothing:
            with pytest.raises(NotFound):
                self.do(restored)
        except Refused:
            with pytest.raises(Conflict):
                self.do(restored)
        else:
            self.do(restored)

    @rule(wait=waits, limit=st.sampled_from([1, LIMIT]))
    def purge(self, wait: int, limit: int) -> None:
        """Everything that expired in the trash is removed, in steps of any size."""
        self.wait(wait)
        while self.do(self.stores.catalog.trash_end.purge(limit, collector(self.registry))) != Purged(0, 0, 0):
            pass
        self.trash.purge()

    # --- Rules, locks, labels and whole repositories ------------------------------------------------------------

    @rule(name=st.sampled_from(["a", "b"]), made=st.sampled_from(RULES) | st.none())
    def rule_of_tags(self, name: str, made: Rule | None) -> None:
        """A rule is made, changed or removed: what is there stays as it is."""
        assert self.stores.settings is not None
        documents, before = self.stores.settings.documents, self.model.rules.pop(name, None)
        if before is not None:
            self.do(documents.remove(TAG_RULES.kind, name, self.by, path=before.path))
        if made is not None:
            document = Document(TAG_RULES.kind, name, msgspec.json.encode(_rule(made)), path=made.path)
            self.do(documents.put(document, self.by, expected=0, rights=False))
            self.model.rules[name] = made

    @rule(repository=repositories, pick=picks)
    def lock(self, repository: RepositoryName, pick: int) -> None:
        """A lock on a manifest, or its end."""
        here, what, locks = self.model.here(repository), self.stored(repository, pick), self.stores.catalog.locks
        if what.digest not in here.manifests:
            with pytest.raises(ManifestUnknown):
                self.do(locks.add(repository, what.digest, "audit", self.by))
        elif what.digest in here.locked:
            with pytest.raises(Conflict):
                self.do(locks.add(repository, what.digest, "audit", self.by))
            self.do(locks.lift(repository, what.digest, "over", self.by))
            here.locked.discard(what.digest)
        else:
            self.do(locks.add(repository, what.digest, "audit", self.by))
            here.locked.add(what.digest)
            with pytest.raises(Denied, match="is locked, and nobody deletes it"):
                self.do(self.stores.catalog.manifests.delete(repository, what.digest, self.by))

    def change(self, name: RepositoryName, tag: Tag, pick: int, *, locks: bool) -> None:
        """Between a plan of retention and its application."""
        here = self.model.here(name)
        if not locks:
            self.push(name, PUSHABLES[pick % len(PUSHABLES)], tag)
        elif here.tags[tag] not in here.locked:
            self.do(self.stores.catalog.locks.add(name, here.tags[tag], "audit", self.by))
            here.locked.add(here.tags[tag])

    @rule(repository=repositories, pick=picks, itself=st.booleans(), key=st.sampled_from("ab"))
    def label(self, repository: RepositoryName, pick: int, itself: bool, key: str) -> None:
        """A label on a repository or a manifest, or its end."""
        here, labels = self.model.here(repository), self.stores.catalog.labels
        of = None if itself else self.stored(repository, pick).digest
        kept = here.labels.get(of, {})
        change = LabelChange(removes=(key,)) if key in kept else LabelChange(sets={key: str(pick)})
        if repository not in self.model.repositories or (of is not None and of not in here.manifests):
            with pytest.raises((NameUnknown, ManifestUnknown)):
                self.do(labels.change(repository, of, change, self.by))
            return
        if kept.pop(key, None) is None:
            kept[key] = str(pick)
        here.labels[of] = kept
        assert self.do(labels.change(repository, of, change, self.by)) == kept

    @rule(repository=repositories)
    def remove_repository(self, repository: RepositoryName) -> None:
        """The end of a repository, unless a lock or a rule is in the way."""
        here = self.model.here(repository)

        async def remove(terms: Terms) -> None:
            await self.stores.catalog.repositories.remove(repository, self.by, terms)

        removal = self.registry.terms.keep(lambda: self.registry.terms.removal(ALICE, repository), remove)
        if repository not in self.model.repositories:
            with pytest.raises(NameUnknown):
                self.do(removal)
        elif here.locked or any(self.model.is_refused(repository, tag, None) for tag in here.tags):
            with pytest.raises(Denied):
                self.do(removal)
        else:
            self.do(removal)
            del self.model.repositories[repository]

    @property
    def by(self) -> By:
        """Who changes what is no content, now."""
        return By("alice", self.clock.at)

    # --- Time and collection -------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 3_601, 7_201, 90_000, -1, -1_900, -10_000]))
    def time_passes(self, seconds: int) -> None:
        """Or goes back."""
        self.wait(seconds)

    def wait(self, seconds: int) -> None:
        """Move the clock."""
        self.clock.at += seconds * SECOND
        self.model.now = self.clock.at

    @rule(step=st.sampled_from(STEPS), wait=waits)
    def collection_step(self, step: str, wait: int) -> None:
        """One step of a collection, in any order; tombstoning with no grace must not make a difference to clients."""
        self.wait(wait)
        rows, now, by = self.stores.catalog.collection, self.clock.at, collector(self.registry)
        match step:
            case "unlink loose":
                self.do(rows.unlink_loose(now - GRACE, LIMIT, by))
                self.model.unlink_loose(*self.trash.repositories)
            case "tombstone":
                self.do(rows.tombstone(now - GRACE, LIMIT, by))
            case "tombstone at once":
                self.do(rows.tombstone(now + 1, LIMIT, by))
            case "remove":
                for row, dead in self.do(rows.tombstones(0, LIMIT)):
                    self.do(self.stores.remover.remove(dead.key))
                    self.doomed.append(row)
            case "gone":
                self.do(rows.gone(self.doomed, by))
                self.doomed = []
            case "expire":
                self.do(self.registry.collection.expire_uploads())
                self.model.expire()
            case "sweep":
                assert self.do(self.registry.sweep.run()).removed == 0

    @rule(wait=waits)
    def collect(self, wait: int) -> None:
        """A whole collection."""
        self.wait(wait)
        self.do(self.registry.collection.run(GRACE))
        self.model.expire()
        self.trash.purge()
        self.model.unlink_loose(*self.trash.repositories)

    # --- What shows ----------------------------------------------------------------------------------------------

    @initialize()
    def begin_empty(self) -> None:
        """Nothing is there."""
        assert self.do(self.stores.catalog.browse.repositories(PageRequest())).items == ()

    @invariant()
    def shows_what_the_model_shows(self) -> None:
        """Everything that clients can see."""
        self.do(self._compare())

    async def _compare(self) -> None:
        browse = self.stores.catalog.browse
        assert set((await browse.repositories(PageRequest())).items) == self.model.repositories.keys()
        for name in REPOSITORIES:
            here = self.model.here(name)
            await self._compare_content(name)
            if name in self.model.repositories:
                assert (await browse.tags(name, PageRequest())).items == tuple(sorted(here.tags))
            else:
                with pytest.raises(NameUnknown):
                    await browse.tags(name, PageRequest())
            for what in (ONE, TWO):
                page = await self.registry.referrers.page(name, what.digest, None, PageRequest())
                referring = {d for d, other in here.manifests.items() if other.manifest.subject == what.digest}
                assert [entry.digest for entry in page.items] == sorted(referring)
        await self._compare_trash()
        for upload, session in self.model.sessions.items():
            if self.model.is_open(upload):
                status = await self.registry.uploads.status(session.repository, upload, ALICE)
                assert status.offset == len(session.content)

    async def _compare_trash(self) -> None:
        listed = (await self.stores.catalog.trash.page(EVERYTHING, PageRequest(LIMIT))).items
        assert [(entry.digest, list(entry.tags)) for entry in sorted(listed, key=lambda entry: entry.number)] == [
            (gone.digest, gone.tags) for gone in self.trash.deletions
        ]
        totals = await self.stores.catalog.vitals.totals()
        here = self.model.repositories.values()
        assert totals.repositories == len(here)
        assert totals.manifests == sum(len(repository.manifests) for repository in here)
        assert totals.tags == sum(len(repository.tags) for repository in here)

    async def _compare_content(self, name: RepositoryName) -> None:
        catalog, here = self.stores.catalog, self.model.here(name)
        for piece in PIECES:
            link = await catalog.links.find(name, piece.digest)
            assert (link is not None) is (piece.digest in here.blobs), (name, piece.name)
            if link is not None:
                assert link.loose_since == here.blobs[piece.digest], (name, piece.name)
        if name in self.model.repositories:
            assert {lock.digest for lock in (await catalog.locks.page(name, PageRequest())).items} == here.locked
            for of in (None, *here.manifests):
                assert await catalog.labels.of(name, of) == dict(sorted(here.labels.get(of, {}).items()))
        for what in PUSHABLES:
            manifest = await catalog.manifests.resolve(name, what.digest)
            assert (manifest.content if manifest else None) == (what.content if what.digest in here.manifests else None)
        for tag in TAGS:
            found = await catalog.manifests.resolve(name, tag)
            assert (found.digest if found else None) == here.tags.get(tag)
            changes = await catalog.history.history(name, tag, LIMIT)
            assert [change.digest for change in reversed(changes)] == here.history.get(tag, [])
            assert all(change.held is (change.digest in here.manifests) for change in changes)

    def teardown(self) -> None:
        """In the end everything is sound, and a second collection has nothing to do; also when all grace is over."""
        try:
            self.do(self._end())
        finally:
            self.do(self.stores.close())
            self.runner.close()

    async def _end(self) -> None:
        for patience in (0, 10 * EXPIRE, 10 * EXPIRE):
            self.clock.at += patience
            await self.registry.collection.run(GRACE)
            report = await self.registry.verification().run()
            assert report.findings == []
            second = await self.registry.collection.run(GRACE)
            assert (second.uploads, second.links, second.condemned, second.tombstoned, second.removed) == (0,) * 5
        stages = [stage.upload async for stage in self.stores.inventory.stages()]
        copies = [copy.blob async for copy in self.stores.inventory.copies()]
        records = await self.stores.catalog.inspection.blobs(0, LIMIT)
        assert stages == []
        assert sorted(copy.key for copy in copies) == sorted(record.blob.key for record in records)


class DiskMachine(RegistryMachine):
    """The same on SQLite and files."""

    def open_stores(self) -> Stores:
        """Empty stores in a folder of their own."""
        self.folder = Path(tempfile.mkdtemp(prefix="orlop-model-"))
        return empty_on_disk(self.folder / "data")

    def teardown(self) -> None:
        """See RegistryMachine; the folder goes too."""
        try:
            super().teardown()
        finally:
            shutil.rmtree(self.folder)


class PostgresMachine(DiskMachine):
    """The same on PostgreSQL and files."""

    server: PostgresServer

    def open_stores(self) -> Stores:
        """Empty stores in a database and a folder of their own."""
        self.folder = Path(tempfile.mkdtemp(prefix="orlop-model-"))
        return in_postgres(self.server.catalog(), self.folder / "data")


class ScaledOutMachine(RegistryMachine):
    """The same on PostgreSQL and a bucket."""

    server: PostgresServer
    store: S3Server

    def open_stores(self) -> Stores:
        """Empty stores in a database and under a prefix of their own."""
        return scaled_out(self.server.catalog(), self.store, "model")


_COMMON = settings(
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

TestInMemory = RegistryMachine.TestCase
TestInMemory.settings = settings(
    _COMMON, max_examples=volume(min(50, settings().max_examples), 1_000), stateful_step_count=60
)

TestOnDisk = pytest.mark.slow(DiskMachine.TestCase)
TestOnDisk.settings = settings(_COMMON, max_examples=volume(10, 100), stateful_step_count=40)


@pytest.mark.slow
def test_on_postgres(postgres: PostgresServer) -> None:
    PostgresMachine.server = postgres
    run_state_machine_as_test(
        PostgresMachine, settings=settings(_COMMON, max_examples=volume(10, 100), stateful_step_count=40)
    )


@pytest.mark.slow
def test_scaled_out(postgres: PostgresServer, tmp_path: Path) -> None:
    ScaledOutMachine.server = postgres
    with versitygw(tmp_path / "versitygw") as ScaledOutMachine.store:
        ScaledOutMachine.store.made("model")
        run_state_machine_as_test(
            ScaledOutMachine, settings=settings(_COMMON, max_examples=volume(3, 30), stateful_step_count=30)
        )
