-- The previous release may go on running.
-- It knows nothing of these tables; what it is pushed meanwhile is read once it is gone.

-- What a layer says of packages (domain.inside.layers), packed, by the version of the reader that read it.
CREATE TABLE inside_layers (
    digest   TEXT    PRIMARY KEY NOT NULL,
    reader   INTEGER NOT NULL,
    facts    BLOB    NOT NULL,
    read_at  INTEGER NOT NULL
) STRICT;

-- What is known of images: by digest, whichever repositories hold them. state: 0 waits, 1 is being read until
-- lease_until, 2 is read, 3 cannot be read.
CREATE TABLE inside_images (
    id            INTEGER PRIMARY KEY,
    digest        TEXT    NOT NULL UNIQUE,
    state         INTEGER NOT NULL,
    since         INTEGER NOT NULL,
    lease_until   INTEGER NOT NULL,
    tries         INTEGER NOT NULL,
    assembler     INTEGER NOT NULL,
    distribution  TEXT    NOT NULL,
    unread        TEXT    NOT NULL
) STRICT;
CREATE INDEX inside_images_open ON inside_images (since) WHERE state < 2;
CREATE INDEX inside_images_unread ON inside_images (since) WHERE state = 3;
CREATE INDEX inside_images_by_assembler ON inside_images (assembler, id) WHERE state >= 2;

-- Packages, each once, whatever holds them. identity is the SHA-256 of all that is said of one.
CREATE TABLE packages (
    id        INTEGER PRIMARY KEY,
    identity  TEXT    NOT NULL UNIQUE,
    type      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    purl      TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    matched   INTEGER NOT NULL DEFAULT 0  -- by which matcher advisories were looked up for it; 0: not yet
) STRICT;
CREATE INDEX packages_by_matcher ON packages (matched);
CREATE INDEX packages_by_name ON packages (name, type);

-- By what names advisories know a package.
CREATE TABLE package_keys (
    ecosystem   TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    package_id  INTEGER NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
    version     TEXT    NOT NULL,
    PRIMARY KEY (ecosystem, name, package_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX package_keys_of ON package_keys (package_id);

-- What one layer and one reader contribute to images, by a hash of it: images share them. One that is not complete yet
-- (0) is being written, in several transactions.
CREATE TABLE units (
    id        INTEGER PRIMARY KEY,
    hash      TEXT    NOT NULL UNIQUE,
    complete  INTEGER NOT NULL
) STRICT;
CREATE TABLE unit_packages (
    unit_id     INTEGER NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    package_id  INTEGER NOT NULL REFERENCES packages (id),
    path        TEXT    NOT NULL,
    PRIMARY KEY (unit_id, package_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX unit_packages_of ON unit_packages (package_id, unit_id);
CREATE TABLE image_units (
    image_id  INTEGER NOT NULL REFERENCES inside_images (id) ON DELETE CASCADE,
    layer     INTEGER NOT NULL,
    unit_id   INTEGER NOT NULL REFERENCES units (id),
    reader    TEXT    NOT NULL,
    PRIMARY KEY (image_id, layer, unit_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_units_of ON image_units (unit_id, image_id);
