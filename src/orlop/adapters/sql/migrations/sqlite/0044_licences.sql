-- The previous release may go on running.
-- What it writes beside this one has 0 in `licensed`, and is entered once it is gone.

-- The names of licences that packages are under (domain.inside.licence_names), by what they are found by.
CREATE TABLE licence_names (
    id      INTEGER PRIMARY KEY,
    folded  TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL
) STRICT;
CREATE TABLE package_licences (
    licence_id  INTEGER NOT NULL REFERENCES licence_names (id),
    package_id  INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
    PRIMARY KEY (licence_id, package_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX package_licences_of ON package_licences (package_id);

-- By which version of domain.inside.licence_names they were entered; 0: they were not.
ALTER TABLE packages ADD COLUMN licensed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX packages_by_licensed ON packages (licensed);
