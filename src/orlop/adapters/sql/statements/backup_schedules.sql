-- name: backup_runs
SELECT schedule, work, target, job, tried_at, done_at, backup, blobs, bytes, new_bytes, lasted, failures, error
FROM backup_runs ORDER BY schedule, work;

-- name: backup_run
SELECT schedule, work, target, job, tried_at, done_at, backup, blobs, bytes, new_bytes, lasted, failures, error
FROM backup_runs WHERE schedule = ?1 AND work = ?2;

-- name: backup_run_put
INSERT INTO backup_runs
    (schedule, work, target, job, tried_at, done_at, backup, blobs, bytes, new_bytes, lasted, failures, error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT (schedule, work) DO UPDATE SET target = ?3, job = ?4, tried_at = ?5, done_at = ?6, backup = ?7, blobs = ?8,
    bytes = ?9, new_bytes = ?10, lasted = ?11, failures = ?12, error = ?13;

-- name: backup_runs_forget
DELETE FROM backup_runs WHERE schedule = ?1;

-- name: backups_forget
DELETE FROM backups WHERE schedule = ?1;

-- name: backup_names
SELECT name FROM backups WHERE schedule = ?1;

-- name: backup_seen
INSERT INTO backups (schedule, name, at, ended_at, engine, program, blobs, bytes, damaged, drilled_at, drill_error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, '') ON CONFLICT (schedule, name) DO NOTHING;

-- name: backup_gone
DELETE FROM backups WHERE schedule = ?1 AND name = ?2;

-- name: backup_drilled
UPDATE backups SET drilled_at = ?3, drill_error = ?4 WHERE schedule = ?1 AND name = ?2;

-- name: backup_page
SELECT name, at, ended_at, engine, program, blobs, bytes, damaged, drilled_at, drill_error FROM backups
WHERE schedule = ?1 AND name < ?2 ORDER BY name DESC LIMIT ?3;
