"""No kind of request is without an action, and none without a handler."""

from orlop.domain.access import Action
from orlop.domain.access.actions import READS
from orlop.domain.digest import digest_of
from orlop.domain.names import RepositoryName, Tag
from orlop.faces.distribution.blobs import BlobHandlers
from orlop.faces.distribution.budget import Budget
from orlop.faces.distribution.lists import ListHandlers
from orlop.faces.distribution.manifests import ManifestHandlers
from orlop.faces.distribution.request import Request, RequestKind
from orlop.faces.distribution.small import SmallBlobs
from orlop.faces.distribution.table import FILTERED, NEEDS, UPLOADING, WITH_BODY, Handlers, table
from orlop.faces.distribution.uploads import UploadHandlers
from orlop.services.content.pulls import PullLog
from tests.registry import HandClock, Registry, in_memory

#: Reads whose answers are remembered; the application answers them itself.
REMEMBERED = {RequestKind.MANIFEST_GET, RequestKind.BLOB_GET}


def handlers() -> Handlers:
    """Every handler, on stores in memory."""
    clock = HandClock()
    stores = in_memory(clock).stores
    registry = Registry(stores, clock)
    shown = registry.shown()
    return Handlers(
        lists=ListHandlers(registry.repositories, registry.access, shown.lists),
        manifests=ManifestHandlers(registry.manifests, shown.manifests, PullLog(stores.catalog.pulls, clock)),
        blobs=BlobHandlers(registry.blobs, shown.blobs, SmallBlobs(Budget(0), 1)),
        uploads=UploadHandlers(registry.uploads, registry.blobs),
    )


def test_every_kind_needs_something_or_shows_each_caller_their_own() -> None:
    assert set(NEEDS) | FILTERED == set(RequestKind)
    assert not set(NEEDS) & FILTERED
    assert all(needs.actions for needs in NEEDS.values())


def test_every_kind_has_a_handler() -> None:
    assert set(table(handlers())) | REMEMBERED == set(RequestKind)
    assert not set(table(handlers())) & REMEMBERED


def test_what_changes_something_is_never_a_read() -> None:
    reading = READS | {Action.PING}
    for kind, needs in NEEDS.items():
        changes = any(word in kind.value for word in ("put", "delete", "upload"))
        for action in (*needs.actions, *needs.by_tag):
            assert (action in reading) is not changes, kind


def test_deleting_is_not_pushing() -> None:
    for kind, needs in NEEDS.items():
        assert (Action.DELETE in needs.actions) is kind.value.endswith("-delete")
        assert (len(needs.actions) == 1) is (kind is not RequestKind.MANIFEST_PUT)


def test_a_tag_alone_is_untagged_and_a_manifest_deleted() -> None:
    needs = NEEDS[RequestKind.MANIFEST_DELETE]
    app = RepositoryName("app")
    assert needs.of(Request(RequestKind.MANIFEST_DELETE, app, Tag("v1"))) == ((Action.UNTAG,), "v1")
    assert needs.of(Request(RequestKind.MANIFEST_DELETE, app, digest_of(b""))) == ((Action.DELETE,), "")
    assert NEEDS[RequestKind.MANIFEST_GET].of(Request(RequestKind.MANIFEST_GET, app, Tag("v1"))) == (
        (Action.PULL,),
        "v1",
    )


def test_uploads_that_are_counted_bring_bodies() -> None:
    assert UPLOADING < WITH_BODY
    assert all(Action.PUSH_NEW in NEEDS[kind].actions for kind in WITH_BODY)
