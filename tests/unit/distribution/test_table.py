"""No kind of request is without an action, and none without a handler."""

from orlop.domain.access import Action
from orlop.faces.distribution.blobs import BlobHandlers
from orlop.faces.distribution.lists import ListHandlers
from orlop.faces.distribution.manifests import ManifestHandlers
from orlop.faces.distribution.request import Kind
from orlop.faces.distribution.table import ACTIONS, UPLOADING, WITH_BODY, Handlers, table
from orlop.faces.distribution.uploads import UploadHandlers
from orlop.services.pulls import PullLog
from tests.registry import HandClock, Registry, in_memory

#: Reads whose answers are remembered; the application answers them itself.
REMEMBERED = {Kind.MANIFEST_GET, Kind.BLOB_GET}


def handlers() -> Handlers:
    """Every handler, on stores in memory."""
    clock = HandClock()
    stores = in_memory(clock).stores
    registry = Registry(stores, clock)
    return Handlers(
        lists=ListHandlers(stores.catalog.browse, registry.referrers),
        manifests=ManifestHandlers(registry.manifests, PullLog(stores.catalog.pulls, clock)),
        blobs=BlobHandlers(registry.blobs),
        uploads=UploadHandlers(registry.uploads, registry.blobs),
    )


def test_every_kind_has_an_action() -> None:
    assert set(ACTIONS) == set(Kind)


def test_every_kind_has_a_handler() -> None:
    assert set(table(handlers())) | REMEMBERED == set(Kind)
    assert not set(table(handlers())) & REMEMBERED


def test_what_changes_something_is_never_a_pull() -> None:
    reading = {Action.PING, Action.LIST, Action.PULL}
    for kind, action in ACTIONS.items():
        changes = any(word in kind.value for word in ("put", "delete", "upload"))
        assert (action in reading) is not changes, kind


def test_deleting_is_not_pushing() -> None:
    for kind in Kind:
        assert (ACTIONS[kind] is Action.DELETE) is kind.value.endswith("-delete")


def test_uploads_that_are_counted_bring_bodies() -> None:
    assert UPLOADING < WITH_BODY
    assert {ACTIONS[kind] for kind in WITH_BODY} == {Action.PUSH_NEW}
