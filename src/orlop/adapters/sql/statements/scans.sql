-- Scanners and images: what is to be asked, what they said, and how they fare.

-- name: scan_wait
INSERT INTO scans (scanner, digest, repository, state, due_at, lease_until, fence, tries, accepted_at, request,
    report_type, secret, secret_until, error, judged_at, judged_by, counts, left_out, round, attached,
    attached_sbom)
VALUES (?1, ?2, ?3, 0, ?4, 0, 0, 0, 0, '', '', '', 0, '', 0, '', '', 0, 0, '', '') ON CONFLICT (digest, scanner) DO NOTHING;

-- name: scan_pushed
-- What could not be judged, or was passed over, is tried once more when it is pushed once more.
INSERT INTO scans (scanner, digest, repository, state, due_at, lease_until, fence, tries, accepted_at, request,
    report_type, secret, secret_until, error, judged_at, judged_by, counts, left_out, round, attached,
    attached_sbom)
VALUES (?1, ?2, ?3, 0, ?4, 0, 0, 0, 0, '', '', '', 0, '', 0, '', '', 0, 0, '', '')
ON CONFLICT (digest, scanner) DO UPDATE SET repository = excluded.repository, state = 0, due_at = excluded.due_at,
    tries = 0, error = ''
WHERE scans.state IN (3, 4);

-- name: scan_ask
-- What a scanner is at goes on: asking once more does not begin it anew.
INSERT INTO scans (scanner, digest, repository, state, due_at, lease_until, fence, tries, accepted_at, request,
    report_type, secret, secret_until, error, judged_at, judged_by, counts, left_out, round, attached,
    attached_sbom)
VALUES (?1, ?2, ?3, 0, ?4, 0, 0, 0, 0, '', '', '', 0, '', 0, '', '', 0, 0, '', '')
ON CONFLICT (digest, scanner) DO UPDATE SET
    repository = CASE scans.state WHEN 1 THEN scans.repository ELSE excluded.repository END,
    due_at = CASE scans.state WHEN 1 THEN scans.due_at ELSE excluded.due_at END,
    tries = CASE scans.state WHEN 1 THEN scans.tries ELSE 0 END,
    error = CASE scans.state WHEN 1 THEN scans.error ELSE '' END,
    state = CASE scans.state WHEN 1 THEN 1 ELSE 0 END;

-- name: scan_lanes
-- Scanners that do not rest and that something is to be done for, and when the first of it is due.
WITH RECURSIVE lanes (scanner) AS (
    SELECT (SELECT min(s.scanner) FROM scans s WHERE s.state < 2)
    UNION ALL
    SELECT (SELECT min(s.scanner) FROM scans s WHERE s.state < 2 AND s.scanner > l.scanner)
    FROM lanes l WHERE l.scanner IS NOT NULL
)
SELECT l.scanner, (SELECT min(s.due_at) FROM scans s WHERE s.state < 2 AND s.scanner = l.scanner),
       coalesce(w.failing_since, 0) > 0
FROM lanes l LEFT JOIN scanner_states w ON w.scanner = l.scanner
WHERE l.scanner IS NOT NULL AND coalesce(w.rests_until, 0) <= ?1
ORDER BY 2, 1;

-- name: scan_open
SELECT s.id, s.scanner, s.digest, s.repository, s.state, s.fence, s.tries, s.accepted_at, s.request, s.report_type,
    s.attached, s.attached_sbom
FROM scans s
WHERE s.scanner = ?4 AND s.state < 2 AND s.due_at <= ?1 AND (s.lease_until <= ?1 OR s.lease_until > ?2)
ORDER BY s.due_at LIMIT ?3 FOR UPDATE SKIP LOCKED;

-- name: scan_claim
UPDATE scans SET lease_until = ?2, fence = fence + 1 WHERE id = ?1;

-- name: scan_hold
UPDATE scans SET lease_until = ?3 WHERE id = ?1 AND fence = ?2 AND lease_until > 0;

-- name: scan_offer
UPDATE scans SET secret = ?3, secret_until = ?4 WHERE id = ?1 AND fence = ?2 RETURNING id;

-- name: scan_accepted
UPDATE scans SET state = 1, due_at = ?3, accepted_at = ?4, request = ?5, report_type = ?6, lease_until = 0
WHERE id = ?1 AND fence = ?2;

-- name: scan_later
-- What a scanner that did not take the scan may have got to pull with is worth nothing.
UPDATE scans SET due_at = ?3, lease_until = 0, secret = CASE state WHEN 1 THEN secret ELSE '' END
WHERE id = ?1 AND fence = ?2 AND state < 2;

-- name: scan_holder
SELECT r.name FROM manifests m JOIN repositories r ON r.id = m.repository_id
WHERE m.digest = ?1 AND r.name < '~' AND (?2 = '' OR r.name = ?2 OR (r.name > ?2 || '/' AND r.name < ?2 || '0'))
LIMIT 1;

-- name: scan_elsewhere
UPDATE scans SET repository = ?3, due_at = ?4, lease_until = 0, state = 0, request = '', accepted_at = 0, secret = ''
WHERE id = ?1 AND fence = ?2;

-- name: scan_over
UPDATE scans SET state = ?3, due_at = ?4, tries = ?5, error = ?6, request = '', accepted_at = 0, secret = '',
    lease_until = 0
WHERE id = ?1 AND fence = ?2 RETURNING id;

-- name: scan_judged
UPDATE scans SET state = 2, due_at = 0, tries = 0, error = ?9, request = '', accepted_at = 0, secret = '',
    lease_until = 0, judged_at = ?3, told_at = ?3, judged_by = ?4, counts = ?5, left_out = ?6, round = ?2, attached = ?7,
    attached_sbom = ?8
WHERE id = ?1 AND fence = ?2 RETURNING id;

-- name: scan_described
UPDATE scans SET state = 5, due_at = 0, tries = 0, error = '', request = '', accepted_at = 0, secret = '',
    lease_until = 0, told_at = ?3, attached_sbom = ?4
WHERE id = ?1 AND fence = ?2 RETURNING id;

-- name: scanner_finding_add
INSERT INTO scanner_findings (scan_id, round, number, body) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (scan_id, round, number) DO UPDATE SET body = excluded.body;

-- name: scanner_findings_forget
DELETE FROM scanner_findings WHERE scan_id = ?1 AND round <> ?2;

-- name: scanner_findings_of
SELECT f.body FROM scans s JOIN scanner_findings f ON f.scan_id = s.id AND f.round = s.round
WHERE s.digest = ?1 AND s.scanner = ?2 AND s.judged_at > 0 ORDER BY f.number;

-- name: scans_of_image
SELECT scanner, state, due_at, accepted_at, error, judged_at, judged_by, counts, left_out, told_at, attached,
    attached_sbom FROM scans
WHERE digest = ?1 ORDER BY scanner;

-- name: scan_of_secret
SELECT id, scanner, digest, repository FROM scans WHERE secret = ?1 AND secret <> '' AND secret_until > ?2;

-- name: scans_again
UPDATE scans SET state = 0, due_at = ?3, tries = 0, error = ''
WHERE id IN (SELECT id FROM scans WHERE scanner = ?1 AND state >= 2 AND told_at <= ?2 ORDER BY told_at LIMIT ?4)
RETURNING id;

-- name: scan_manifests
SELECT m.id, m.digest, r.name, r.name < '~' AND m.artifact_type IN (SELECT value FROM json_each(?3) AS wanted)
FROM (SELECT id, digest, repository_id, artifact_type FROM manifests WHERE id > ?1 ORDER BY id LIMIT ?2) AS m
JOIN repositories r ON r.id = m.repository_id ORDER BY m.id;

-- name: scans_window
SELECT s.id, s.scanner, NOT EXISTS (SELECT 1 FROM manifests m WHERE m.digest = s.digest)
FROM (SELECT id, scanner, digest FROM scans WHERE id > ?1 ORDER BY id LIMIT ?2) AS s ORDER BY s.id;

-- name: scan_forget
DELETE FROM scans WHERE id = ?1;

-- name: scanner_state
SELECT answered_at, failing_since, failures, failed_at, rests_until, error, metadata FROM scanner_states
WHERE scanner = ?1;

-- name: scanner_states_all
SELECT scanner, answered_at, failing_since, failures, failed_at, rests_until, error, metadata FROM scanner_states
ORDER BY scanner;

-- name: scanner_state_lock
SELECT answered_at, failing_since, failures, failed_at, rests_until, error, metadata FROM scanner_states
WHERE scanner = ?1 FOR UPDATE;

-- name: scanner_state_put
INSERT INTO scanner_states (scanner, answered_at, failing_since, failures, failed_at, rests_until, error, metadata)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (scanner) DO UPDATE SET answered_at = excluded.answered_at, failing_since = excluded.failing_since,
    failures = excluded.failures, failed_at = excluded.failed_at, rests_until = excluded.rests_until,
    error = excluded.error, metadata = excluded.metadata;

-- name: scanner_state_forget
DELETE FROM scanner_states WHERE scanner = ?1;
