"""Which events leave content as it was."""

from orlop.domain.events import CONTENT_STAYS, EventKind


def test_whatever_changes_repositories_blobs_manifests_or_tags_is_news() -> None:
    of_content = {kind for kind in EventKind if kind.split(".")[0] in {"repository", "blob", "manifest", "tag"}}
    pulled = {EventKind.MANIFEST_PULLED, EventKind.BLOB_PULLED}
    assert set(EventKind) - CONTENT_STAYS == of_content - pulled
