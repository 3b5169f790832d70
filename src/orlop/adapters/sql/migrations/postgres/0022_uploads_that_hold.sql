-- The previous release may go on running.
-- It then looks through all uploads for what those of a place hold.

-- What an upload holds of its place's room: most hold nothing, because all of their content is there with their head.
DROP INDEX uploads_by_repository;
CREATE INDEX uploads_by_repository ON uploads (repository, expires_at, lease_until, "offset", reserved)
    WHERE reserved > 0 OR "offset" > 0;
