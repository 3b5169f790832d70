"""What the catalog keeps: repositories, manifests, tags, links to blobs, uploads, and everything that happened.

Each method is one transaction. `by` says who acts and when; the catalog reads no clock.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from orlop.domain.access.spans import NameSpan
from orlop.domain.blob import Blob, BlobKey, BlobState
from orlop.domain.descriptor import Descriptor
from orlop.domain.digest import Digest
from orlop.domain.events import Event
from orlop.domain.manifest import Manifest
from orlop.domain.names import Reference, RepositoryName, Tag
from orlop.domain.pages import Page, PageRequest
from orlop.domain.quotas import Room
from orlop.domain.upload import Upload
from orlop.ports.advisories import AdvisoryStore
from orlop.ports.attesting import AttestationKeys, Statements
from orlop.ports.backups import BackupRecords
from orlop.ports.boards import Boards
from orlop.ports.browse import Children, TagLists
from orlop.ports.bundles import Bundles
from orlop.ports.by import By as By
from orlop.ports.by import by as by
from orlop.ports.caching import Caches
from orlop.ports.collection import Collection as Collection
from orlop.ports.collection import CollectionPreview, Marking
from orlop.ports.gates import GateStore
from orlop.ports.held import HeldPushes
from orlop.ports.holdings import HeldManifest as HeldManifest
from orlop.ports.holdings import Holding as Holding
from orlop.ports.holdings import Holdings as Holdings
from orlop.ports.holdings import UntaggedManifest as UntaggedManifest
from orlop.ports.inside_inspection import InsideInspection
from orlop.ports.insides import InsideStore
from orlop.ports.labels import LabelStore
from orlop.ports.locks import Locks
from orlop.ports.promotion import Promotions
from orlop.ports.read_only import ReadOnlyRecord
from orlop.ports.replicas import Replicas
from orlop.ports.retention import Retention
from orlop.ports.scans import ScanStore
from orlop.ports.scrub import Orphans, Quarantine, ScrubRows
from orlop.ports.search import SearchRows
from orlop.ports.setting_ends import SettingEnds
from orlop.ports.signatures import SignatureVerdicts
from orlop.ports.tag_history import TagChange as TagChange
from orlop.ports.tag_history import TagHistory as TagHistory
from orlop.ports.terms import FREELY as FREELY
from orlop.ports.terms import Terms as Terms
from orlop.ports.trash import NamespaceTrash, Trash, TrashEnd
from orlop.ports.upstreams import CachedContent, RemoteTags, UpstreamStates
from orlop.ports.usage import UsageKeeping, Usages
from orlop.ports.vex import VexDocuments
from orlop.ports.vitals import Totals as Totals
from orlop.ports.vitals import Vitals as Vitals

# --- Manifests and tags -------------------------------------------------------------------------------------------


class StoredManifest(msgspec.Struct, frozen=True, gc=False):
    """A manifest as it was pushed, byte for byte."""

    digest: Digest
    media_type: str
    content: bytes
    row: int = 0
    """The catalog's own number of it, 0 where it has none; what is pushed again has another."""


class ManifestPush(msgspec.Struct, frozen=True):
    """A manifest to store, and the tags to point at it. `sparse`: an index may name manifests that are not there;
    `lazy`: it may name anything, which is fetched when somebody asks for it; `held`: it lands in quarantine unless the
    repository shows it, and without that what is hidden is shown; `pushed_id`: the account, 0: nobody's."""

    repository: RepositoryName
    digest: Digest
    content: bytes
    manifest: Manifest
    tags: tuple[Tag, ...] = ()
    sparse: bool = False
    lazy: bool = False
    held: bool = False
    pushed_id: int = 0
    terms: Terms = FREELY


class Manifests(Protocol):
    """Manifests and the tags that point at them."""

    async def resolve(self, repository: RepositoryName, reference: Reference) -> StoredManifest | None:
        """The manifest of a tag or digest, in one query; None when the repository holds none."""
        ...

    async def put(self, push: ManifestPush, by: By) -> bool:
        """Store a manifest, its edges and its tags, and make the repository if it is new. Whether it waits in
        quarantine, without its tags.
        Checks in the same transaction that everything the manifest names is in the repository: raises
        ManifestBlobUnknown (`detail` lists the digests) or ManifestInvalid (a size differs from what is stored).
        Storing the same bytes again changes nothing but tags. Raises what the push is refused with, before anything
        that would tell what the repository holds.
        """
        ...

    async def delete(self, repository: RepositoryName, digest: Digest, by: By, terms: Terms = FREELY) -> None:
        """Remove a manifest and every tag that points at it.
        Raises ManifestUnknown, or Denied while an index of the same repository names it, or what the removal of one of
        the tags is refused with
        """

    async def untag(self, repository: RepositoryName, tag: Tag, by: By, terms: Terms = FREELY) -> None:
        """Remove a tag, and nothing else. Raises ManifestUnknown, or what that is refused with."""


class Browse(Protocol):
    """Lists, in byte order of their keys."""

    async def repositories(self, page: PageRequest, within: Sequence[NameSpan] | None = None) -> Page[RepositoryName]:
        """Every repository, or those whose names lie in spans that are in order and do not touch.

        Reads no more than a page of each span.
        """
        ...

    async def tags(self, repository: RepositoryName, page: PageRequest) -> Page[Tag]:
        """The tags of a repository. Raises NameUnknown."""
        ...

    async def referrers(
        self, repository: RepositoryName, subject: Digest, artifact_type: str | None, page: PageRequest
    ) -> Page[Descriptor]:
        """The manifests of the repository whose subject is `subject`, by digest; those of one artifact type if given.

        An unknown repository or subject has none.
        """
        ...


class Repositories(Protocol):
    """Repositories as a whole."""

    async def remove(self, name: RepositoryName, by: By, terms: Terms = FREELY) -> None:
        """Delete a repository with every tag, manifest and link, and remember that it was: tokens for it end.

        Raises NameUnknown, or what the removal of one of the tags is refused with.
        """


# --- Blobs --------------------------------------------------------------------------------------------------------


class LinkedBlob(msgspec.Struct, frozen=True):
    """A blob that a repository holds."""

    blob: Blob
    loose_since: int | None
    """Since when no manifest of the repository names it, as far as collection counts; None while one does."""


class BlobLinks(Protocol):
    """Which repository holds which blob. A link is all that makes a blob visible, and all that a mount adds."""

    async def find(self, repository: RepositoryName, digest: Digest) -> LinkedBlob | None:
        """The blob, in one query; None when the repository does not hold it, whoever else does."""
        ...

    async def keep(self, repository: RepositoryName, digest: Digest, by: By) -> bool:
        """Start a loose link's grace anew: somebody was told that the blob is there. False when it is not any more."""
        ...

    async def holders(self, digest: Digest, among: Sequence[RepositoryName]) -> tuple[RepositoryName, ...]:
        """Those of these repositories that hold a blob. It costs the same whoever else holds it."""
        ...

    async def holder(self, digest: Digest) -> RepositoryName | None:
        """Some repository that holds a blob; None where none does."""
        ...

    async def mount(
        self,
        digest: Digest,
        source: RepositoryName | None,
        target: RepositoryName,
        by: By,
        terms: Terms = FREELY,
    ) -> Blob | None:
        """Link a blob of `source` (None: of any repository) into `target`; None when `source` does not hold it.

        Raises what it is refused with, only where there is something to link.
        """
        ...

    async def stored(self, digest: Digest) -> Blob | None:
        """The live or condemned copy of a digest that is whole, whoever holds it: spares an upload its promotion."""
        ...

    async def unlink(self, repository: RepositoryName, digest: Digest, by: By) -> None:
        """Remove a blob from a repository; the last link to go condemns the blob.

        Raises BlobUnknown, or Denied while a manifest of the repository names it.
        """


# --- Uploads ------------------------------------------------------------------------------------------------------


class UploadCommit(msgspec.Struct, frozen=True):
    """A finished upload: `blob` is the promoted copy, or with `promoted` false the stored one to link instead."""

    upload: Upload
    blob: Blob
    promoted: bool
    terms: Terms = FREELY


class Uploads(Protocol):
    """Sessions. Apart from `commit` nothing here needs to survive a power cut: a lost session is begun again."""

    async def start(
        self,
        upload: Upload,
        at_most: int = 0,
        *,
        target: Digest | None = None,
        ticket: str = "",
        room: tuple[Room, ...] = (),
    ) -> None:
        """Record a new session, which may be claimed from the beginning: then `target` as in `claim`.

        `ticket` is the name under which it is found beside its id. Raises TooManyRequests when another was begun with
        that (BlobUploadUnknown when that one is over), or when whoever begins it has `at_most` already; 0: any number.
        Raises Denied when what it reserves does not fit a quota in `room`, unless the target is stored already.
        """

    async def get(self, repository: RepositoryName, upload: str, now: int) -> Upload:
        """A session of this repository that has not expired. Raises BlobUploadUnknown."""
        ...

    async def begun(self, repository: RepositoryName, ticket: str, now: int) -> Upload | None:
        """The session that was begun with a ticket, as `get`; None when none was, or its row is gone since."""
        ...

    async def give_up(self, ticket: str, now: int) -> None:
        """Let another session begin with the ticket of one that is over, which then is cleared away without it."""

    async def claim(
        self,
        repository: RepositoryName,
        upload: str,
        *,
        now: int,
        lease_until: int,
        target: Digest | None = None,
        reserved: int = 0,
        room: tuple[Room, ...] = (),
    ) -> Upload:
        """Take a session to write to it until `lease_until`, raising its fence.

        `target` is the digest it is about to become, so that a copy left by a crash can be found, unless that is the
        digest so far. Raises BlobUploadUnknown, or TooManyRequests while another claim holds; Denied
        as `start`, of all that the session is to have.
        """
        ...

    async def advance(
        self, upload: Upload, *, offset: int, digest: Digest | None, place: str, lease_until: int, expires_at: int
    ) -> Upload:
        """Record how far a claimed session came; `lease_until` 0 lets it go.

        Compare-and-set on the fence: raises BlobUploadUnknown when the session was claimed by another or is gone.
        """
        ...

    async def hold_none(self, upload: str) -> None:
        """Have a session hold no room under any quota, whatever it has, until it is claimed again."""

    async def commit(self, commit: UploadCommit, by: By) -> Blob | None:
        """End a session that is claimed, or that nobody claimed since it was looked at: blob, link and end of session
        in one durable transaction.

        Without a promotion the session's stage is still there, so its row stays, expired, until `forget`.

        Returns the blob that is linked now. That is another copy than the promoted one when the same content arrived
        twice; the promoted copy is then tombstoned. Where the copy that was there is in quarantine, the promoted one
        takes its place in every repository. None when nothing was promoted and the copy to link is gone: the
        session is as before, promote and commit again. Raises BlobUploadUnknown as `advance` does, or what the
        push is refused with: the session is as before then, too.
        """
        ...


class ExpiredUpload(msgspec.Struct, frozen=True):
    """A session to clear away, and the copy that it may have left behind."""

    id: str
    stray: BlobKey | None


class UploadExpiry(Protocol):
    """The end of sessions that nobody finishes."""

    async def cancel(self, repository: RepositoryName, upload: str, now: int) -> None:
        """Make a session expired, whoever writes to it. Raises BlobUploadUnknown."""

    async def expired(self, now: int, limit: int) -> tuple[ExpiredUpload, ...]:
        """Sessions that expired and that nobody writes to, fenced by this call so that none can still be committed.

        A stray is named only when no blob row names that copy.
        """
        ...

    async def forget(self, upload: str, now: int) -> None:
        """Remove an expired session; fine when it is gone."""


# --- Reading what happened, and writing what was read ---------------------------------------------------------------


class Outbox(Protocol):
    """Everything that happened, in order of commit."""

    async def events(self, after: int, limit: int) -> tuple[Event, ...]:
        """The first `limit` events whose id is greater than `after`, or as many of these as a page may hold."""
        ...


class Pull(msgspec.Struct, frozen=True, gc=False):
    """A manifest that was read: through `tag`, or by its digest when that is None."""

    repository: RepositoryName
    digest: Digest
    tag: Tag | None
    row: int
    """See StoredManifest."""


class PullTimes(Protocol):
    """When things were last pulled."""

    async def record(self, pulls: Sequence[tuple[Pull, int, int]]) -> None:
        """For each (pull, count, time of the last): raise the counts and times. What is gone is passed over.

        Not one transaction: when it fails, some of them may be written.
        """


# --- Verification -------------------------------------------------------------------------------------------------


class ManifestRecord(msgspec.Struct, frozen=True):
    """A manifest with everything the catalog derived from it, to derive it again and compare."""

    id: int
    repository: RepositoryName
    digest: Digest
    media_type: str
    artifact_type: str
    subject: Digest | None
    annotations: dict[str, str]
    size: int
    content: bytes
    edges: tuple[tuple[str, Digest, int], ...]
    """(kind, digest, size), in order."""


class BlobRecord(msgspec.Struct, frozen=True):
    """A row of the blobs table."""

    id: int
    blob: Blob
    state: BlobState


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it should be: the number of the invariant, where, and what."""

    invariant: int
    where: str
    what: str


class Overdue(msgspec.Struct, frozen=True):
    """Until when things may be of the past, in microseconds since 1970: older uploads and tombstones are overdue."""

    uploads_before: int
    tombstones_before: int


class Inspection(Protocol):
    """Everything, for verification; nothing here is on the way of a request."""

    async def manifests(self, after: int, limit: int) -> tuple[ManifestRecord, ...]:
        """The first `limit` manifests whose id is greater than `after`, or as many of these as a page may hold."""
        ...

    async def blobs(self, after: int, limit: int) -> tuple[BlobRecord, ...]:
        """Blobs whose id is greater than `after`."""
        ...

    async def knows_copy(self, key: BlobKey) -> bool:
        """Whether a row names this copy, or an upload may still become it."""
        ...

    async def knows_upload(self, upload: str) -> bool:
        """Whether the session has a row."""
        ...

    def findings(self, limits: Overdue) -> AsyncIterator[Finding]:
        """What is wrong between the catalog's own rows: edges that lead nowhere, links and states that disagree,
        counters that differ from a recount, sessions, leases and tombstones that are overdue."""
        ...


class SignatureStore(msgspec.Struct, frozen=True):
    """What signatures of images are found by, never behind, and what came of looking at them."""

    verdicts: SignatureVerdicts
    browse: Browse
    holdings: Holdings


class Catalog(msgspec.Struct, frozen=True):
    """All roles of one catalog, for bootstrap to hand each service what it needs."""

    manifests: Manifests
    browse: Browse
    repositories: Repositories
    history: TagHistory
    links: BlobLinks
    uploads: Uploads
    expiry: UploadExpiry
    collection: Collection
    outbox: Outbox
    pulls: PullTimes
    vitals: Vitals
    inspection: Inspection
    insides: InsideStore
    inside_inspection: InsideInspection
    scanning: ScanStore
    holdings: Holdings
    locks: Locks
    usages: Usages
    usage_keeping: UsageKeeping
    retention: Retention
    trash: Trash
    trash_end: TrashEnd
    namespace_trash: NamespaceTrash
    labels: LabelStore
    preview: CollectionPreview
    marking: Marking
    quarantine: Quarantine
    scrub: ScrubRows
    orphans: Orphans
    upstream_states: UpstreamStates
    caches: Caches
    remote_tags: RemoteTags
    cached_content: CachedContent
    children: Children
    tag_lists: TagLists
    search: SearchRows
    advisories: AdvisoryStore
    gates: GateStore
    held_pushes: HeldPushes
    signatures: SignatureStore
    vex: VexDocuments
    setting_ends: SettingEnds
    attestation_keys: AttestationKeys
    statements: Statements
    promotions: Promotions
    boards: Boards
    bundles: Bundles
    replicas: Replicas
    read_only: ReadOnlyRecord
    backups: BackupRecords
