"""The tables of a catalog, for what works on whole tables: a move to another catalog, and its count of rows."""

from typing import NamedTuple

from orlop.ports.moving import Key


class Table(NamedTuple):
    """The columns of a table, those of its key first; `start` is a key that lies before every row that moves."""

    start: Key
    columns: str


#: Each table after those that it refers to. The root of the namespaces is in every catalog.
TABLES: dict[str, Table] = {
    "namespaces": Table((1,), "id path parent_id created_at created_by"),
    "repositories": Table(
        (0,),
        "id name namespace_id created_at created_by pushed_at pulled_at pulls manifest_count "
        "manifest_bytes tag_count blob_count blob_bytes cache_root",
    ),
    "blobs": Table((0,), "id digest copy size state state_at created_at created_by verified_at rotten_at rot"),
    "blob_links": Table((0, ""), "repository_id digest blob_id linked_at linked_by loose_since"),
    "node_blobs": Table((0, 0), "blob_id namespace_id holders"),
    "node_cached": Table((0, 0), "blob_id namespace_id holders"),
    "node_usage": Table(
        (0, -1), "namespace_id part stored_bytes logical_bytes tags manifests repositories cached_bytes"
    ),
    "usage_days": Table(
        (0, -1), "namespace_id day stored_bytes logical_bytes tags manifests repositories cached_bytes"
    ),
    "finding_days": Table((0, -1), "repository_id day critical high medium low others accepted cleared fixable"),
    "manifests": Table(
        (0,),
        "id repository_id digest media_type artifact_type subject_digest size content_size pushed_at "
        "pushed_by annotations content",
    ),
    "annotations": Table((0, ""), "manifest_id key value"),
    "quarantined": Table(
        (0,),
        "id manifest_id repository digest state along tags pushed_by pushed_id pushed_at decided_by decided_at reason",
    ),
    "cached_manifests": Table((0,), "manifest_id cache_root used_at"),
    "edges": Table((0, -1), "manifest_id position repository_id kind child_digest child_size media_type optional"),
    "tags": Table((0, ""), "repository_id name manifest_id created_at updated_at updated_by"),
    "pulls": Table((0, ""), "manifest_id tag pulls pulled_at"),
    "tag_history": Table((0,), "id repository_id tag at actor digest previous detail"),
    "locks": Table((0, ""), "repository_id digest reason locked_at locked_by"),
    "trash": Table(
        (0,),
        "id name kind digest subject holder size body deleted_at deleted_by request expires_at left_to returns_until "
        "restoring_since",
    ),
    "trash_tags": Table((0, ""), "entry tag name"),
    "remote_tags": Table(("", ""), "repository tag digest checked_at moved_at gone_since"),
    "labels": Table((0, "", ""), "repository_id digest key value"),
    "scrub": Table((0,), "id started_at finished_at read_up_to blobs bytes rotten failed"),
    "orphans": Table(("",), "name size found_at"),
    "outbox": Table(
        (0,),
        "id at kind actor repository digest tag credential address request subject detail times first_at",
    ),
    "readers": Table(("", ""), "stream name position"),
    "audit": Table(
        (0,),
        "sequence event at kind actor credential address request repository digest tag subject detail "
        "times first_at hash refused",
    ),
    "audit_places": Table(("", 0), "path sequence"),
    "audit_segments": Table((0,), "number day first last opening closing from_at until_at appended_at dropped_at"),
    "audit_heads": Table((0,), "sequence hash at key signature"),
    "attestation_keys": Table(("",), "id public private created_at retired_at"),
    "attestations_waiting": Table(
        (0,),
        "id repository digest predicate_type predicate key signature asked_at due_at tries error",
    ),
    "audit_keys": Table(("",), "id public private created_at"),
    "jobs": Table(("",), "name owner fence lease_until started_at finished_at outcome"),
    "queue": Table(
        (0,),
        "id kind arguments place asked_by asked_at priority not_before state attempts started_at ended_at owner fence "
        "lease_until beat_at done total unit text result error unwanted once",
    ),
    "queue_plan": Table(("",), "kind schedule next_at last_at"),
    "retention_plans": Table(
        (0,),
        "id path asked_by asked_at state rules brake repositories tags manifests deleted_tags deleted_manifests bytes "
        "job applied_by applied_at ended_at done skipped shared",
    ),
    "retention_pages": Table((0, "", 0), "plan_id repository number items deletes open"),
    "in_use": Table((0,), "id path name digests posted_at posted_by expires_at"),
    "in_use_digests": Table((0, ""), "in_use_id digest"),
    "namespace_settings": Table((0,), "namespace_id path visibility description version"),
    "accounts": Table(
        (0,),
        "id kind name display email source external namespace password must_change factors factor_kinds "
        "disabled expires_at created_at created_by used_at used_from version authority epoch signed_in_from",
    ),
    "secrets": Table(
        (0,),
        "id account_id kind name lookup hash limits created_at created_by expires_at warned_at used_at used_from",
    ),
    "groups": Table((0,), "id name source description created_at created_by version"),
    "members": Table((0, ""), "group_id account"),
    "grants": Table(
        (0,),
        "id effect account_id group_id role place_kind path tags conditions expires_at created_at created_by",
    ),
    "documents": Table(("", "", ""), "kind path name body version changed_at changed_by made"),
    "document_ends": Table(("", "", ""), "kind path name remind_at ends_at next_at"),
    "access_state": Table((0,), "id version"),
    "settings_state": Table((0,), "id version"),
    "repository_deletions": Table(("",), "name version at"),
    "signing_keys": Table(("",), "id algorithm private created_at active_at expires_at"),
    "attempts": Table(("",), "key failures last_at"),
    "sessions": Table(("",), "id account_id provider provider_session created_at expires_at address agent"),
    "sign_in_steps": Table(("",), "id kind body address expires_at"),
    "sign_ons": Table(("", ""), "provider external account_id refresh_token checked_at"),
    "follower_troubles": Table(("", ""), "stream name position failures since at error"),
    "deliveries": Table(
        (0,),
        "id hook lane event kind facts state created_at due_at expires_at attempts tried_at status error",
    ),
    "delivery_attempts": Table((0, 0), "delivery_id number at took status answer error"),
    "webhook_health": Table(("",), "hook failures failing_since resting_until paused_at error"),
    "upstream_states": Table(
        ("",),
        "upstream state since until away_since failures openings last_ok_at last_error last_error_at budgets hits "
        "misses bytes_in",
    ),
    "inside_layers": Table(("",), "digest reader facts read_at"),
    "inside_images": Table(
        (0,), "id digest state since lease_until tries assembler distribution unread platform stands"
    ),
    "signature_verdicts": Table((0,), "id image question judged_at verdicts"),
    "packages": Table((0,), "id identity type name version purl body matched licensed"),
    "package_keys": Table(("", "", 0), "ecosystem name package_id version"),
    "licence_names": Table((0,), "id folded name"),
    "package_licences": Table((0, 0), "licence_id package_id"),
    "units": Table((0,), "id hash complete"),
    "unit_packages": Table((0, 0, ""), "unit_id package_id path"),
    "image_units": Table((0, -1, 0), "image_id layer unit_id reader"),
    "vex_documents": Table((0,), "manifest_id repository_id subject state tries since body unread"),
    "advisory_sources": Table(("",), "name origin etag tried_at imported_at records changed refused refusals error"),
    "advisories": Table((0,), "id name hash source modified withdrawn severity summary body matched"),
    "advisory_packages": Table(("", "", 0), "ecosystem name advisory_id entry"),
    "advisory_aliases": Table(("", 0), "alias advisory_id"),
    "exploited": Table(("",), "cve added due ransomware"),
    "exploit_scores": Table(("",), "cve score percentile"),
    "findings": Table((0, 0), "package_id advisory_id fixed severity source how untold_since came_at"),
    "advisory_changes": Table((0,), "id version last"),
    "scans": Table(
        (0,),
        "id scanner digest repository state due_at lease_until fence tries accepted_at request report_type secret "
        "secret_until error judged_at judged_by counts left_out round attached attached_sbom told_at",
    ),
    "scanner_findings": Table((0, 0, -1), "scan_id round number body"),
    "scanner_states": Table(("",), "scanner answered_at failing_since failures failed_at rests_until error metadata"),
    "promotions": Table(
        (0,),
        "id path pipeline source stage bundle state asked_by asked_id asked_at needed expires_at ended_at ended_by why "
        "once due_at automatic",
    ),
    "promotion_images": Table((0, -1), "promotion_id number repository tag digest target target_tag previous moved"),
    "promotion_gates": Table((0, -1), "promotion_id number said"),
    "promotion_approvals": Table((0, 0), "promotion_id account_id name at"),
    "backup_runs": Table(
        ("", ""), "schedule work target job tried_at done_at backup blobs bytes new_bytes lasted failures error"
    ),
    "backups": Table(("", ""), "schedule name at ended_at engine program blobs bytes damaged drilled_at drill_error"),
    "read_only_told": Table(("",), "cause version holds changed_at reason"),
    "bundles": Table((0,), "id path name created_by account_id created_at"),
    "bundle_images": Table((0, -1), "bundle_id number repository tag digest"),
    "kept_answers": Table((0, ""), "account_id key fingerprint begun_at answer"),
}


#: Those that say how many repositories below a node hold, or cache, a blob.
_COUNTS_OF_HOLDERS = ("node_blobs", "node_cached")


def of_counts_of_holders(templates: dict[str, str]) -> dict[str, str]:
    """Each template of a statement, filled in for each table that counts holders of blobs."""
    return {
        title.format(table=table): text.format(table=table)
        for table in _COUNTS_OF_HOLDERS
        for title, text in templates.items()
    }


def of_each_table(templates: dict[str, str]) -> dict[str, str]:
    """Each template of a statement, filled in for each table."""
    made: dict[str, str] = {}
    for name, table in TABLES.items():
        columns = table.columns.split()
        key = columns[: len(table.start)]
        words = {
            "table": name,
            "columns": ", ".join(columns),
            "values": _parameters(len(columns)),
            "key": ", ".join(key),
            "key_backwards": ", ".join(f"{column} DESC" for column in key),
            "after": _parameters(len(key)),
            "limit": f"?{len(key) + 1}",
        }
        made |= {title.format(**words): text.format(**words) for title, text in templates.items()}
    return made


def _parameters(count: int) -> str:
    return ", ".join(f"?{number}" for number in range(1, count + 1))
