-- The previous release may go on running.
-- It does not know the sessions that are begun with a ticket by that.

-- The name that the client had for a session before it began; NULL: there was none.
ALTER TABLE uploads ADD COLUMN ticket TEXT;
CREATE UNIQUE INDEX uploads_by_ticket ON uploads (ticket);
