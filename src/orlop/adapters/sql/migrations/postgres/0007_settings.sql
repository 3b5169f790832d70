-- The previous release may go on running.
-- It sees the documents of the root and of no other place, which are all of the kinds that it knows.

-- Documents have a place in the tree of namespaces: the path of a node; '': the root, where all were before.
ALTER TABLE documents ADD COLUMN path TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE documents DROP CONSTRAINT documents_pkey;
ALTER TABLE documents ADD PRIMARY KEY (kind, path, name);
-- What goes with a namespace.
CREATE INDEX documents_by_path ON documents (path) WHERE path <> '';

-- At most one row: the version of all settings, which every change of one raises; none: 1.
CREATE TABLE settings_state (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    version  BIGINT NOT NULL
);
