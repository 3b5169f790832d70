-- The previous release may go on running.

-- How many sessions somebody has open is asked whenever they begin one.
CREATE INDEX uploads_by_owner ON uploads (created_by, expires_at);
