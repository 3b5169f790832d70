-- When settings end by themselves.

-- name: ends_set
-- What was told of the same end is not told again.
INSERT INTO document_ends (kind, path, name, remind_at, ends_at, next_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (kind, path, name) DO UPDATE SET remind_at = excluded.remind_at, ends_at = excluded.ends_at,
next_at = CASE WHEN document_ends.remind_at = excluded.remind_at AND document_ends.ends_at = excluded.ends_at
               THEN document_ends.next_at ELSE excluded.next_at END;

-- name: ends_due_now
SELECT 1 FROM document_ends WHERE next_at > 0 AND next_at <= ?1 LIMIT ?2;

-- name: ends_due
SELECT kind, path, name, ends_at FROM document_ends
WHERE next_at > 0 AND next_at <= ?1 ORDER BY next_at LIMIT ?2 FOR UPDATE;

-- name: ends_told
UPDATE document_ends SET next_at = ?4 WHERE kind = ?1 AND path = ?2 AND name = ?3;

-- name: ends_next
SELECT path, name, remind_at, ends_at FROM document_ends WHERE kind = ?1 AND ends_at > ?2 ORDER BY ends_at LIMIT ?3;
