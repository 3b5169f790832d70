-- name: answer_begin
INSERT INTO kept_answers (account_id, key, fingerprint, begun_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (account_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, begun_at = excluded.begun_at
WHERE kept_answers.answer IS NULL AND kept_answers.begun_at < ?5
RETURNING begun_at;

-- name: answer_get
SELECT fingerprint, begun_at, answer FROM kept_answers WHERE account_id = ?1 AND key = ?2;

-- name: answer_finish
UPDATE kept_answers SET answer = ?3 WHERE account_id = ?1 AND key = ?2 AND answer IS NULL;

-- name: answer_drop
DELETE FROM kept_answers WHERE account_id = ?1 AND key = ?2 AND answer IS NULL;

-- name: answers_forget
DELETE FROM kept_answers WHERE begun_at < ?1;
