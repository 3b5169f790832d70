-- What came of looking at signatures of images.

-- name: signature_verdicts_of
SELECT v.judged_at, v.verdicts FROM signature_verdicts v WHERE v.image = ?1 AND v.question = ?2;

-- name: signature_verdicts_begin
-- Whoever else keeps them at this moment has ended then.
INSERT INTO signature_verdicts (image, question, judged_at, verdicts)
SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM manifests m WHERE m.digest = ?1)
ON CONFLICT (image, question) DO NOTHING;

-- name: signature_verdicts_put
UPDATE signature_verdicts SET judged_at = ?3, verdicts = ?4 WHERE image = ?1 AND question = ?2;

-- name: signature_verdicts_drop
-- All of an image but the latest.
DELETE FROM signature_verdicts WHERE image = ?1 AND id NOT IN (
    SELECT v.id FROM signature_verdicts v WHERE v.image = ?1 ORDER BY v.judged_at DESC, v.id DESC LIMIT ?2);

-- name: signature_verdicts_window
SELECT v.id, NOT EXISTS (SELECT 1 FROM manifests m WHERE m.digest = v.image)
FROM (SELECT id, image FROM signature_verdicts WHERE id > ?1 ORDER BY id LIMIT ?2) AS v ORDER BY v.id;

-- name: signature_verdicts_forget
DELETE FROM signature_verdicts
WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.digest = signature_verdicts.image);
