-- The previous release may go on running.
-- Plans that it makes say that nothing is shared.

ALTER TABLE retention_plans ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
