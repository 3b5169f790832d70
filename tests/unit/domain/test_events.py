"""Which events leave content as it was, and whom they are for."""

from orlop.domain.events import CONTENT_STAYS, OF_CONTENT, EventKind


def test_whatever_changes_repositories_blobs_manifests_or_tags_is_news() -> None:
    of_content = {kind for kind in EventKind if kind.split(".")[0] in {"repository", "blob", "manifest", "tag"}}
    pulled = {EventKind.MANIFEST_PULLED, EventKind.BLOB_PULLED}
    assert set(EventKind) - CONTENT_STAYS == of_content - pulled


def test_every_event_is_for_those_who_pull_or_for_those_who_read_the_audit_log() -> None:
    """A new word is sorted here first: who learns of it may be somebody with a webhook."""
    content = {"repository", "blob", "manifest", "tag", "lock", "trash", "label", "image", "scan", "signature"}
    content |= {"attestation"}
    others = {"account", "secret", "group", "grant", "namespace", "document", "key", "session", "sign-in", "access"}
    others |= {
        "audit",
        "follower",
        "webhook",
        "job",
        "retention",
        "in-use",
        "quota",
        "upstream",
        "advisories",
        "exception",
        "gate",
        "quarantine",
        "sbom",
        "scanner",
        "promotion",
        "bundle",
        "backup",
        "read-only",
        "signing-key",
    }
    assert {kind.split(".")[0] for kind in EventKind} == content | others
    of_no_repository = {kind for kind in EventKind if kind.startswith("blob.")} - OF_CONTENT
    assert OF_CONTENT | of_no_repository == {kind for kind in EventKind if kind.split(".")[0] in content}
    assert {kind.value for kind in of_no_repository} == {
        f"blob.{what}" for what in ("condemned", "revived", "tombstoned", "gone", "rotten", "healed")
    }
