-- The previous release may go on running.

-- Packages by their names as questions spell them: in small letters, with dashes.
CREATE INDEX packages_asked ON packages (replace(lower(name), '_', '-'), type);

-- Since when a finding waits to be told of in an event; 0: it was, or is not to be. What the previous release finds beside
-- this one it tells of itself.
ALTER TABLE findings ADD COLUMN untold_since BIGINT NOT NULL DEFAULT 0;
CREATE INDEX findings_untold ON findings (untold_since) WHERE untold_since <> 0;
