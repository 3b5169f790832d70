-- The previous release may go on running.
-- It knows of no scanners.

-- When the scanner said anything last, a verdict or an SBOM; 0: it never did. state: 5 it made an SBOM and judges nothing.
ALTER TABLE scans ADD COLUMN told_at INTEGER NOT NULL DEFAULT 0;
UPDATE scans SET told_at = judged_at;
DROP INDEX scans_judged;
CREATE INDEX scans_told ON scans (scanner, told_at) WHERE state >= 2;

-- What waits is looked for scanner by scanner: one that rests has nobody go through all that waits for it.
DROP INDEX scans_due;
CREATE INDEX scans_due ON scans (scanner, due_at) WHERE state < 2;
