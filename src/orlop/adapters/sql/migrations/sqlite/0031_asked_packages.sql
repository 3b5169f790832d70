-- The previous release may go on running.

-- Packages by their names as questions spell them: in small letters, with dashes.
CREATE INDEX packages_asked ON packages (replace(lower(name), '_', '-'), type);
