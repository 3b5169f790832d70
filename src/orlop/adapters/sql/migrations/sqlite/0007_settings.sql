-- The previous release may go on running.

-- Documents have a place in the tree of namespaces: the path of a node; '': the root, where all were before.
CREATE TABLE settings (
    kind        TEXT    NOT NULL,
    path        TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    version     INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    changed_by  TEXT    NOT NULL,
    PRIMARY KEY (kind, path, name)
) STRICT, WITHOUT ROWID;
INSERT INTO settings SELECT kind, '', name, body, version, changed_at, changed_by FROM documents;
DROP TABLE documents;
ALTER TABLE settings RENAME TO documents;
-- What goes with a namespace.
CREATE INDEX documents_by_path ON documents (path) WHERE path <> '';

-- At most one row: the version of all settings, which every change of one raises; none: 1.
CREATE TABLE settings_state (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    version  INTEGER NOT NULL
) STRICT;
