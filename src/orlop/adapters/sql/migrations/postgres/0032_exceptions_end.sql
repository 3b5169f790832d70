-- The previous release may go on running.
-- It knows of no ends and no VEX documents: an exception that it changes is told of by its end as it was before, and one
-- that it makes is not told of until it is changed.

-- When a setting ends by itself, and when something is told of that next; 0: nothing is.
CREATE TABLE document_ends (
    kind       TEXT COLLATE "C" NOT NULL,
    path       TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    remind_at  BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,
    PRIMARY KEY (kind, path, name),
    FOREIGN KEY (kind, path, name) REFERENCES documents (kind, path, name) ON DELETE CASCADE
);
CREATE INDEX document_ends_due ON document_ends (next_at) WHERE next_at > 0;
CREATE INDEX document_ends_in_order ON document_ends (kind, ends_at);

INSERT INTO document_ends (kind, path, name, remind_at, ends_at, next_at)
SELECT kind, path, name, ends_at - 7 * 86400000000, ends_at, ends_at - 7 * 86400000000
FROM (SELECT kind, path, name, (extract(epoch FROM (convert_from(body, 'UTF8')::json ->> 'until')::date) * 1000000)::bigint + 86400000000 AS ends_at FROM documents WHERE kind = 'exception') AS d;

-- VEX documents that refer to images, by the image: what they say is MessagePack, compressed by zlib.
CREATE TABLE vex_documents (
    manifest_id    BIGINT NOT NULL PRIMARY KEY REFERENCES manifests (id) ON DELETE CASCADE,
    repository_id  BIGINT NOT NULL,
    subject        TEXT COLLATE "C" NOT NULL,               -- the digest; empty until the document was read that says it
    state          BIGINT NOT NULL,               -- 0 waits, 1 read, 2 could not be read, 3 holds none
    tries          BIGINT NOT NULL,
    since          BIGINT NOT NULL,               -- of one that waits: until when
    body           BYTEA NOT NULL,
    unread         TEXT COLLATE "C" NOT NULL                -- why
);
CREATE INDEX vex_documents_of ON vex_documents (repository_id, subject, manifest_id);
CREATE INDEX vex_documents_waiting ON vex_documents (since) WHERE state = 0;
