"""How SQLite runs every statement: by an index, so that what a request costs does not grow with the store."""

import json
import re
from collections.abc import Iterator

import apsw
import pytest

from orlop.adapters.sql.catalog import DATABASE
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.adapters.sql.sqlite import connect
from orlop.adapters.sql.statements import SQLITE
from orlop.adapters.sql.tables import TABLES, of_each_table

#: Steps that would be too slow elsewhere, with the reason why they are not here.
EXCEPTIONS = {
    "totals": {
        "SCAN totals": "one row",
        "SCAN blobs USING COVERING INDEX blobs_condemned": "blobs that wait to be collected, for metrics and readiness",
        "SCAN blobs USING INDEX blobs_rotten": "copies that are damaged, for metrics and readiness",
        "SCAN uploads USING COVERING INDEX uploads_by_expiry": "open sessions, for metrics and readiness",
    },
    "blob_rotten_count": {"SCAN blobs USING INDEX blobs_rotten": "copies that are damaged, of which there are few"},
    "node_blobs_hold_all": {"SCAN held VIRTUAL TABLE INDEX 1:": "as many blobs as one statement counts"},
    "node_cached_hold_all": {"SCAN held VIRTUAL TABLE INDEX 1:": "the same"},
    "upload_start": {"SCAN held": "no more than the limit that is asked about"},
    "advisories_meaning": {
        "USE TEMP B-TREE FOR ORDER BY": "advisories of some names",
    },
    "advisories_known": {"USE TEMP B-TREE FOR ORDER BY": "advisories of the names of a batch"},
    "packages_of_image": {"USE TEMP B-TREE FOR DISTINCT": "the packages of one image"},
    "tag_history_at": {"USE TEMP B-TREE FOR ORDER BY": "what happened to one tag in a minute"},
    "children_newest": {"SCAN alike": "a page of repositories", "SCAN less": "the same"},
    "children_largest": {"SCAN alike": "a page of repositories", "SCAN less": "the same"},
    "repository_spans": {"USE TEMP B-TREE FOR ORDER BY": "at most a page of names from each of some spans"},
    "edge_blob_children": {"USE TEMP B-TREE FOR DISTINCT": "the references of one manifest, which has a limit of them"},
    "tags_of_manifest": {"USE TEMP B-TREE FOR ORDER BY": "tags that are all about to be deleted, which costs more"},
    "facts_place": {"SCAN nearest": "one row"},
    "restored_sign_ons": {"SCAN sign_ons": "a row for each person, once when a backup is restored"},
    "restored_deliveries": {
        "SCAN deliveries USING INDEX deliveries_expiring": "what waits, once when a backup is restored"
    },
    "ids_settle": {"SCAN sqlite_sequence": "a row for each table, once in a move"},
    "audit_key_list": {
        "SCAN audit_keys": "a row for each change of the key",
        "USE TEMP B-TREE FOR ORDER BY": "the same few rows",
    },
    "audit_last_head": {"SCAN audit_heads": "the last row alone"},
    "audit_last_segment": {"SCAN audit_segments": "the last row alone"},
    "audit_segments": {"SCAN audit_segments": "a row for each day"},
    "audit_sweep_heads": {"SCAN audit_segments": "a row for each day"},
    "outbox_kept": {"SCAN outbox": "the newest ten thousand, once a minute"},
    "follower_behind_outbox": {"SCAN later": "what one follower has not read, for metrics"},
    "follower_behind_audit": {"SCAN later": "what one follower has not read, for metrics"},
    "delivery_backlog": {
        "SCAN webhook_health USING INDEX webhook_health_paused": "hooks that are paused, for metrics",
        "SCAN deliveries USING COVERING INDEX deliveries_expiring": "what waits to be delivered, for metrics",
        "SCAN deliveries USING COVERING INDEX deliveries_dead": "what was given up in the last days, for metrics",
    },
    "delivery_waiting": {"SCAN w": "a row for each hook that something is pending for"},
    "webhook_troubled": {
        "SCAN w": "a row for each hook that something was given up of",
        "SCAN dead": "the same rows",
        "SCAN webhook_health USING INDEX webhook_health_failing": "hooks that fail",
        "SCAN t": "both together",
        "SCAN given_up": "no more than are to be counted",
        "USE TEMP B-TREE FOR ORDER BY": "hooks that something is wrong with",
    },
    "delivery_lanes": {
        "SCAN l": "a row for each repository that something of one hook is pending for",
        "USE TEMP B-TREE FOR ORDER BY": "the same rows",
    },
    "upstream_states_all": {"SCAN upstream_states": "a row for each upstream, for metrics"},
    "queue_plans": {"SCAN queue_plan": "a row for each kind of job"},
    "queue_depths": {"USE TEMP B-TREE FOR GROUP BY": "jobs that have not ended well, for metrics"},
    "room_held": {
        "SCAN held": "what is under way below one place, when somebody begins to send much",
        "USE TEMP B-TREE FOR GROUP BY": "the same rows",
    },
    "usage_below": {
        "SCAN children": "what lies directly below one namespace",
        "USE TEMP B-TREE FOR ORDER BY": "the same rows",
    },
    "usage_held": {"USE TEMP B-TREE FOR DISTINCT": "no more blobs than are to be looked at"},
    "usage_sharing": {
        "SCAN shared": "no more links than are to be followed",
        "USE TEMP B-TREE FOR DISTINCT": "the same",
        "USE TEMP B-TREE FOR GROUP BY": "the same",
    },
    "usage_day_write": {"SCAN u": "every node, once an hour"},
    "trash_leaving": {"SCAN trash USING INDEX trash_leaving": "those of which a removal is under way"},
    "nodes_above": {"SCAN above": "namespaces above one repository", "SCAN a": "the same few"},
    "repository_lock": {"SCAN above": "namespaces above one repository", "SCAN a": "the same few"},
    "repositories_lock": {
        "SCAN l": "those that were found by their ids",
        "SCAN above": "namespaces above one repository",
        "SCAN a": "the same few",
    },
    "search_window": {"SCAN n": "the names of one window"},
    "search_names": {"USE TEMP B-TREE FOR ORDER BY": "names of one window that fit"},
    **{
        f"sought_{what}": {"SCAN f": "no more than what is rare"}
        for what in ("tag", "manifest", "blob", "label", "annotation")
    },
    **{
        f"within_{what}": {"USE TEMP B-TREE FOR ORDER BY": "what fits in the repositories of one window"}
        for what in ("tag", "manifest", "blob", "label", "annotation")
    },
    "inside_of": {"USE TEMP B-TREE FOR count(DISTINCT)": "packages of one image"},
    "inside_packages": {"USE TEMP B-TREE FOR LAST 3 TERMS OF ORDER BY": "packages of one image"},
    "inside_depths": {
        "SCAN inside_images USING INDEX inside_images_open": "images that wait, for metrics",
        "SCAN inside_images USING COVERING INDEX inside_images_unread": "images that could not be read, for metrics",
    },
    "inside_open": {"SCAN inside_images USING INDEX inside_images_open": "images that wait, until some may be read"},
    "inside_images_window": {"SCAN i": "the rows of one window"},
    "inside_layers_window": {"SCAN l": "the rows of one window"},
    "signature_verdicts_window": {"SCAN v": "the rows of one window"},
    "signature_verdicts_drop": {"USE TEMP B-TREE FOR ORDER BY": "the answers of one image, some more than are kept"},
    "inside_places": {"SCAN m": "the rows of one window"},
    "inside_manifests": {"SCAN m": "the rows of one window"},
    "vex_window": {"SCAN m": "the rows of one window"},
    "packages_window": {"SCAN p": "the rows of one window"},
    "licence_names_window": {"SCAN n": "the rows of one window"},
    "scan_lanes": {
        "SCAN l": "a row for each scanner that something waits for",
        "USE TEMP B-TREE FOR ORDER BY": "the same rows",
    },
    "scan_manifests": {"SCAN m": "the rows of one window"},
    "scans_window": {"SCAN s": "the rows of one window"},
    "attestation_keys_public": {
        "SCAN attestation_keys USING INDEX attestation_keys_by_age": "a row for each rotation, a hundred at most",
    },
    "attestation_oldest": {"SCAN attestations_waiting": "the first row alone"},
    "attestations_backlog": {
        "SCAN attestations_waiting USING COVERING INDEX attestations_waiting_due": "what waits, for metrics",
    },
    "scanner_states_all": {"SCAN scanner_states": "a row for each scanner, for metrics"},
    "units_window": {"SCAN u": "the rows of one window"},
    "advisories_named": {"USE TEMP B-TREE FOR ORDER BY": "advisories of one name"},
    "quarantined_page": {"SCAN spans EXISTS VIRTUAL TABLE INDEX 1:": "the places that somebody asks about"},
    "board_holding": {"USE TEMP B-TREE FOR ORDER BY": "the tags of one image"},
    "newest_images": {"SCAN l": "the last hundred tags of a repository"},
    "vulnerability_days_of": {"USE TEMP B-TREE FOR GROUP BY": "the days that are kept of some repositories"},
    "aliases_of": {"USE TEMP B-TREE FOR ORDER BY": "the other names of some advisories"},
    "backup_runs": {"SCAN backup_runs USING INDEX sqlite_autoindex_backup_runs_1": "two rows for each schedule"},
    "advisory_sources": {"SCAN advisory_sources": "a row for each source"},
    "advisory_counts": {
        "SCAN advisories USING COVERING INDEX advisories_by_matcher": "the status that somebody asks for",
        "SCAN findings USING COVERING INDEX findings_of": "the same",
        "SCAN exploited": "the same",
        "SCAN exploit_scores": "the same",
    },
    "packages_affected": {"USE TEMP B-TREE FOR ORDER BY": "packages of the names that some advisories are about"},
    "packages_unmatched_of": {"USE TEMP B-TREE FOR ORDER BY": "packages of one image"},
    "findings_of_image": {"USE TEMP B-TREE FOR ORDER BY": "findings of one image"},
    "ecosystems_of_image": {
        "SCAN e": "the ecosystems of one image",
        "USE TEMP B-TREE FOR GROUP BY": "packages of one image",
        "USE TEMP B-TREE FOR count(DISTINCT)": "the same",
        "USE TEMP B-TREE FOR ORDER BY": "the ecosystems of one image",
    },
    "counts_of_images": {
        "USE TEMP B-TREE FOR GROUP BY": "findings of the images of a page",
        "USE TEMP B-TREE FOR count(DISTINCT)": "the same",
    },
    "images_affected": {
        "SCAN u": "no more pairs than are to be told of",
        "USE TEMP B-TREE FOR DISTINCT": "images that hold some packages, for a job",
        "USE TEMP B-TREE FOR ORDER BY": "the same",
    },
    "images_holding": {
        "SCAN u": "no more images than are rare",
        "USE TEMP B-TREE FOR DISTINCT": "the same",
    },
    "images_along": {
        "SCAN m": "no more manifests than are looked at together",
        "USE TEMP B-TREE FOR ORDER BY": "those of some repositories",
    },
    "images_licensed": {
        "SCAN u": "no more images than are rare",
        "USE TEMP B-TREE FOR DISTINCT": "the same",
    },
    "licensed_along": {
        "SCAN m": "no more manifests than are looked at together",
        "USE TEMP B-TREE FOR ORDER BY": "those of some repositories",
    },
    "licensed_in_images": {"USE TEMP B-TREE FOR DISTINCT": "packages of the images of a page"},
    "packages_in_images": {"USE TEMP B-TREE FOR DISTINCT": "packages of the images of a page"},
    "untold_ages": {
        "SCAN findings USING COVERING INDEX findings_untold": "findings that wait to be told of, for a job"
    },
    "untold": {
        "SCAN f": "no more than are to be told of",
        "SCAN findings USING INDEX findings_untold": "the same",
    },
    "packages_hit_in_units": {"USE TEMP B-TREE FOR DISTINCT": "packages of the images of a page"},
    "findings_told_of_packages": {"USE TEMP B-TREE FOR ORDER BY": "findings of the images of a page"},
    "hit_images": {
        "SCAN h": "parts of images that some findings are in",
        "SCAN u": "no more images than are rare",
        "USE TEMP B-TREE FOR DISTINCT": "the same",
    },
    "newly_hit_images": {
        "SCAN g": "new findings, until enough images are known",
        "SCAN h": "the same",
        "SCAN u": "no more images than are rare",
        "USE TEMP B-TREE FOR DISTINCT": "the same",
    },
    **{
        name: {
            "SCAN m": "no more manifests than are looked at together",
            "USE TEMP B-TREE FOR ORDER BY": "those of some repositories",
        }
        for name in ("hit_along", "newly_hit_along")
    },
    **{
        name: {
            f"SCAN (subquery-{number})": "the worst findings of one image",
            "SCAN f": "the same",
            "SCAN held": "packages of one image",
            "USE TEMP B-TREE FOR DISTINCT": "the same",
            "USE TEMP B-TREE FOR ORDER BY": "findings of one image that has very many",
        }
        for name, number in {"worst_hits_in_image": 5, "worst_new_hits_in_image": 4}.items()
    },
    "keys_all": {"SCAN signing_keys": "the keys of the last days"},
    "keys_forget": {"SCAN signing_keys": "the keys of the last days"},
}

#: Nothing is read but what came as a parameter.
HARMLESS = {
    "SCAN CONSTANT ROW",
    *(f"SCAN {name} VIRTUAL TABLE INDEX 1:" for name in ("wanted", "others", "spans", "word")),
}

#: Everything but verification and moves, which work on whole tables or look at their ends.
ON_THE_WAY = sorted(name for name in SQLITE if not name.startswith(("finding_", "inspect_", "clear_", "last_")))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    """A catalog with its schema and nothing in it."""
    path = tmp_path_factory.mktemp("plans") / DATABASE
    migrate(path, lambda: 0)
    connection = connect(path)
    yield connection
    connection.close()


def plan(catalog: apsw.Connection, statement: str) -> list[str]:
    """The steps of a statement, in SQLite's words."""
    text = SQLITE[statement]
    parameters = [0] * max([int(number) for number in re.findall(r"\?(\d+)", text)], default=0)
    return [str(row[3]) for row in catalog.execute(f"EXPLAIN QUERY PLAN {text}", parameters)]


@pytest.mark.parametrize("statement", ON_THE_WAY)
def test_no_statement_reads_a_whole_table_or_sorts(catalog: apsw.Connection, statement: str) -> None:
    steps = plan(catalog, statement)
    slow = {step for step in steps if step.startswith("SCAN ") or "TEMP B-TREE" in step or "AUTOMATIC" in step}
    assert slow - HARMLESS == set(EXCEPTIONS.get(statement, {}))


def test_images_of_new_findings_are_found_without_a_list_of_all_of_these(catalog: apsw.Connection) -> None:
    steps = plan(catalog, "newly_hit_images")
    assert "SEARCH f USING COVERING INDEX findings_new (came_at>?)" in steps
    assert steps.count("CO-ROUTINE g") == steps.count("CO-ROUTINE h") == 1
    assert not [step for step in steps if "LIST SUBQUERY" in step or step.startswith("MATERIALIZE")]


def test_what_runs_seldom_stays_prepared(catalog: apsw.Connection) -> None:
    """Between two runs of what a push runs once there are those for its blobs, and those of other pushes."""
    catalog.execute(SQLITE["totals"]).fetchall()
    for _ in range(400):
        catalog.execute(SQLITE["settings_version"]).fetchall()
    before = catalog.cache_stats()["misses"]
    catalog.execute(SQLITE["totals"]).fetchall()
    assert catalog.cache_stats()["misses"] == before


@pytest.mark.parametrize("statement", sorted(name for name in SQLITE if "JOIN documents d" in SQLITE[name]))
def test_the_role_of_each_grant_is_found_by_its_whole_key(catalog: apsw.Connection, statement: str) -> None:
    [step] = {step for step in plan(catalog, statement) if step.startswith("SEARCH d ")}
    assert "(kind=? AND path=? AND name=?)" in step, "the roles that there are must not be read for each grant"


#: Those of whole tables, which are made from templates, table by table.
OF_EACH_TABLE = sorted(of_each_table({f"{kind}_{{table}}": "" for kind in ("rows", "row", "last", "clear")}))


@pytest.mark.parametrize("statement", OF_EACH_TABLE)
def test_what_is_made_for_each_table_goes_along_its_key(catalog: apsw.Connection, statement: str) -> None:
    kind, _, table = statement.partition("_")
    steps = plan(catalog, statement)
    if kind == "rows":
        (step,) = steps
        assert re.match(rf"SEARCH {table} USING (INTEGER )?PRIMARY KEY \(", step) or "autoindex" in step, steps
    elif kind == "last":
        assert len(steps) == 1, f"the end of an index, without sorting: {steps}"
        assert steps[0].startswith(f"SCAN {table}")
    else:
        assert not [step for step in steps if "TEMP B-TREE" in step], steps


@pytest.mark.parametrize("table", TABLES)
def test_what_is_made_for_each_table_names_the_whole_key_first(catalog: apsw.Connection, table: str) -> None:
    columns = catalog.execute(f"SELECT name, pk FROM pragma_table_info('{table}')").fetchall()
    named = TABLES[table].columns.split()
    key = [str(name) for _, name in sorted((pk, name) for name, pk in columns if pk)]
    assert sorted(named) == sorted(str(name) for name, _ in columns)
    assert named[: len(TABLES[table].start)] == key


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("manifest_by_tag", "USING PRIMARY KEY (repository_id=? AND name=?)"),
        ("manifest_by_digest", "(repository_id=? AND digest=?)"),
        ("link_find", "USING PRIMARY KEY (repository_id=? AND digest=?)"),
        ("tag_page", "USING PRIMARY KEY (repository_id=? AND name>?)"),
        ("tag_history_page", "tag_history_by_tag (repository_id=? AND tag=? AND id<?)"),
        ("tag_history_at", "SEARCH h USING INDEX tag_history_by_time (repository_id=? AND tag=? AND at>? AND at<?)"),
        ("tag_history_at", "SEARCH n USING COVERING INDEX tag_history_by_time (repository_id=? AND tag=? AND at<?)"),
        ("tag_history_of_all", "tag_history_by_repository (repository_id=? AND id<?)"),
        ("labelled_by_value", "labels_by_key (key=? AND value=? AND repository_id=?)"),
        ("labelled_by_value", "SEARCH o USING PRIMARY KEY (repository_id=? AND digest=? AND key=?)"),
        ("labelled_by_key", "SEARCH l USING PRIMARY KEY (repository_id=?)"),
        ("labelled_repositories", "(name>? AND name<?)"),
        ("referrer_page", "manifests_by_subject (repository_id=? AND subject_digest=? AND digest>?)"),
        (
            "referrer_page_of_type",
            "manifests_by_subject_and_type (repository_id=? AND subject_digest=? AND artifact_type=? AND digest>?)",
        ),
        ("repository_page", "(name>? AND name<?)"),
        ("listed_by_time", "tags_by_time (repository_id=? AND (updated_at,name)<(?,?))"),
        ("listed_by_name", "USING PRIMARY KEY (repository_id=? AND name>? AND name<?)"),
        ("children_namespaces", "namespaces_below (parent_id=? AND <expr>>?)"),
        ("children_repositories", "repositories_by_namespace (namespace_id=? AND name>? AND name<?)"),
        ("sought_tag", "tags_by_name (name>? AND name<?)"),
        ("sought_manifest", "manifests_by_digest (digest>? AND digest<?)"),
        ("sought_blob", "blob_links_by_digest (digest>? AND digest<?)"),
        ("sought_label", "labels_by_key (key=? AND value=?)"),
        ("sought_annotation", "annotations_by_value (key=? AND value=?)"),
        ("within_tag", "USING PRIMARY KEY (repository_id=? AND name>? AND name<?)"),
        ("within_label", "labels_by_key (key=? AND value=? AND repository_id=?)"),
        ("trash_manifest", "trash_by_digest (name=? AND digest=?)"),
        ("trash_of_tag", "trash_tags_by_tag (name=? AND tag=?)"),
        ("trash_referrers", "trash_by_subject (name=? AND subject=?)"),
        ("trash_due", "trash_by_expiry (expires_at<?)"),
        ("edge_to_blob", "edges_by_child (repository_id=? AND child_digest=? AND kind=?)"),
        ("queue_due", "queue_waiting (state=?)"),
        ("queue_dead", "queue_running (state=? AND kind=?)"),
        ("uploads_expired", "uploads_by_expiry (expires_at<?)"),
        ("links_loose", "blob_links_loose (loose_since<?)"),
        ("blob_present", "blobs_present (digest=?)"),
        ("facts_account", "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)"),
        ("facts_grants", "members_by_account (account=?)"),
        ("facts_grants", "grants_by_group (group_id=?)"),
        ("facts_grants", "grants_by_account (account_id=?)"),
        ("facts_place", "(path=?)"),
        ("secret_find", "(lookup=?)"),
        ("session_get", "SEARCH s USING PRIMARY KEY (id=?)"),
        ("account_page", "accounts_by_kind (kind=? AND name>?)"),
        ("namespaces_open", "namespace_settings_visible (<expr>>?)"),
        ("grants_covering", "grants_by_place (place_kind=? AND path=?)"),
        ("audit_after", "SEARCH audit USING INTEGER PRIMARY KEY (rowid>?)"),
        ("audit_before_by_actor", "audit_by_actor (actor=? AND sequence>? AND sequence<?)"),
        ("audit_before_by_kind", "audit_by_kind (kind=? AND sequence>? AND sequence<?)"),
        ("audit_before_by_subject", "audit_by_subject (subject=? AND sequence>? AND sequence<?)"),
        ("audit_before_by_address", "audit_by_address (address=? AND sequence>? AND sequence<?)"),
        ("audit_before_by_refused", "audit_by_refused (sequence>? AND sequence<?)"),
        ("audit_before_by_place", "SEARCH p USING PRIMARY KEY (path=? AND sequence>? AND sequence<?)"),
    ],
)
def test_the_busiest_statements_use_the_whole_key(catalog: apsw.Connection, statement: str, index: str) -> None:
    assert any(index in step for step in plan(catalog, statement)), plan(catalog, statement)


def test_lists_are_read_in_the_order_of_an_index(catalog: apsw.Connection) -> None:
    """A page costs the same wherever it lies: no list is sorted, and none skips what came before."""
    for statement, text in SQLITE.items():
        assert " offset " not in re.sub(r'"offset"', "", text.lower()), statement


@pytest.mark.parametrize("statement", ["children_newest", "children_largest"])
def test_a_page_of_repositories_that_are_alike_reads_no_more_than_itself(
    catalog: apsw.Connection, statement: str
) -> None:
    insert = (
        "INSERT INTO repositories (name, namespace_id, created_at, created_by, pushed_at, manifest_bytes)"
        " WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)"
        " SELECT printf('r%04d', i), 1, 0, '', 500, 500 FROM n"
    )
    done = 0

    def step() -> bool:
        nonlocal done
        done += 1
        return False

    catalog.execute("SAVEPOINT alike")
    try:
        catalog.execute(insert)
        catalog.set_progress_handler(step, 1)
        found = catalog.execute(SQLITE[statement], ("", 500, "r5000", 10)).fetchall()
        catalog.set_progress_handler(None)
        assert [row[0] for row in found] == [f"r{number}" for number in range(4999, 4989, -1)]
        assert done < 1_000
    finally:
        catalog.execute("ROLLBACK TO alike")


def test_what_lies_outside_of_the_spans_is_not_read(catalog: apsw.Connection) -> None:
    """A list of a hundred names takes about as many steps among a hundred thousand others as among none."""
    spans = json.dumps([[f"seen{number}/", f"seen{number}0"] for number in range(10)])

    def steps() -> int:
        done = 0

        def step() -> bool:
            nonlocal done
            done += 1
            return False

        catalog.set_progress_handler(step, 1)
        names = catalog.execute(SQLITE["repository_spans"], (spans, 101)).fetchall()
        catalog.set_progress_handler(None)
        assert len(names) == 100
        return done

    insert = (
        "INSERT INTO repositories (name, namespace_id, created_at, created_by)"
        " WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)"
        " SELECT printf(?2, i % ?3, i), 1, 0, '' FROM n"
    )
    catalog.execute("SAVEPOINT names")
    try:
        catalog.execute(insert, (100, "seen%d/r%d", 10))
        alone = steps()
        catalog.execute(insert, (100_000, "hidden%d/r%d", 997))
        assert steps() < alone + 50  # where the last span ends differs, and no more
    finally:
        catalog.execute("ROLLBACK TO names")


#: How each statement finds repositories: none finds a hidden one (adapters.sql.hidden) unless it means to.
OF_REPOSITORIES = {
    "by the name that somebody asked for": {
        *("facts_place", "link_find", "link_holders", "link_in", "manifest_by_digest", "manifest_by_tag"),
        *("repository_holding", "repository_id", "repository_lock", "repository_pulled", "tag_history_at"),
        *(
            "tag_history_page",
            "tag_history_of_all",
            "tag_history_of",
            "usage_places",
            "room_in_use",
            "cached_tags_gone",
        ),
        *("inside_indexes", "inside_missed"),
        *(
            "images_along",
            "licensed_along",
            "hit_along",
            "newly_hit_along",
            "places_tagged",
            "places_listed",
            "images_of_manifests",
            "newest_images",
            "pulls_of_images",
        ),
        *("vulnerability_day_put", "vulnerability_days_of"),
        *("remote_blob_size", "repository_is_cache", "held_manifest", "vex_wait", "vex_of", "vex_referred"),
        *("gate_place", "gate_artifact_types", "gate_tags", "quarantined_of", "quarantined_released"),
        *("board_newest", "board_tagged", "board_holding"),
        "held_indexes",
    },
    "by a row that was found by its name": {
        *("repository_count", "repository_delete", "repository_rename", "repository_sizes", "repositories_lock"),
        *("repository_own", "repository_hide", "repository_place", "cached_manifest_add", "retention_waiting"),
    },
    "by names before those that are hidden": {
        *("repositories_empty", "blob_holders", "link_holder", "cached_holder"),
        *("repository_page", "repository_spans", "repository_below"),
        *("labelled_by_key", "labelled_by_value", "labelled_repositories"),
        *("usage_below", "usage_held", "usage_sharing", "cached_described"),
        *("children_repositories", "children_newest", "children_largest", "repositories_counted"),
        *("search_window", "search_names", "board_repositories"),
        *("within_tag", "within_manifest", "within_blob", "within_label", "within_annotation"),
        *(
            "inside_holder",
            "inside_holders",
            "scan_holder",
            "images_affected",
            "images_holding",
            "images_licensed",
            "hit_images",
            "newly_hit_images",
            "vex_waiting",
            "vex_window",
        ),
    },
    "hidden ones, too: their links are links": {"links_loose", "doomed_links", "mark_link", "mark_links"},
    "hidden ones, too: they are of no place": {"inside_places"},
    "hidden ones, too: who asks leaves out what nobody sees": {
        *("sought_tag", "sought_manifest", "sought_blob", "sought_label", "sought_annotation"),
        "scan_manifests",
    },
    "hidden ones, too: none has the name of what was pushed": {"quarantined_page", "quarantined_depth"},
    "those that are hidden": {"trash_leaving_from"},
    "it makes one": {"repository_create"},
}


def test_how_each_statement_finds_repositories_is_known() -> None:
    table = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO) repositories\b")
    found = {name for name in ON_THE_WAY if table.search(SQLITE[name]) and name not in OF_EACH_TABLE}
    assert found == set().union(*OF_REPOSITORIES.values())
