-- The previous release may go on running.
-- It knows of no scanners: what it is pushed meanwhile is found by the next look for images without a scan.

-- A scanner and an image: how far it is, and what the scanner said last. state: 0 waits until due_at, 1 the scanner is
-- at it and is asked again at due_at, 2 it judged, 3 it could not, 4 it is not sent to images like that.
CREATE TABLE scans (
    id           INTEGER PRIMARY KEY,
    scanner      TEXT    NOT NULL,              -- the identity of the setting
    digest       TEXT    NOT NULL,
    repository   TEXT    NOT NULL,              -- where the scanner pulls it from
    state        INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    lease_until  INTEGER NOT NULL,
    fence        INTEGER NOT NULL,
    tries        INTEGER NOT NULL,
    accepted_at  INTEGER NOT NULL,              -- when the scanner took it; 0: it did not yet
    request      TEXT    NOT NULL,              -- the scanner's own id of it
    report_type  TEXT    NOT NULL,
    secret       TEXT    NOT NULL,              -- SHA-256 of what the scanner pulls with; empty: it may not
    secret_until INTEGER NOT NULL,              -- and until when
    error        TEXT    NOT NULL,
    judged_at    INTEGER NOT NULL,              -- 0: there is no verdict
    judged_by    TEXT    NOT NULL,
    counts       TEXT    NOT NULL,
    left_out     INTEGER NOT NULL,
    round        INTEGER NOT NULL,              -- which of the findings are those of the verdict
    attached     TEXT    NOT NULL,              -- the manifest that keeps the report beside the image
    attached_sbom TEXT   NOT NULL               -- and the one of its SBOM
) STRICT;
CREATE UNIQUE INDEX scans_of ON scans (digest, scanner);
CREATE INDEX scans_due ON scans (due_at) WHERE state < 2;
CREATE INDEX scans_by_secret ON scans (secret) WHERE secret <> '';
CREATE INDEX scans_judged ON scans (scanner, judged_at) WHERE state >= 2;

-- What scanners found. Those of a round that is not that of the verdict are left of a process that ended.
CREATE TABLE scanner_findings (
    scan_id   INTEGER NOT NULL REFERENCES scans (id) ON DELETE CASCADE,
    round     INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    body      TEXT    NOT NULL,
    PRIMARY KEY (scan_id, round, number)
) STRICT, WITHOUT ROWID;

-- How scanners fare.
CREATE TABLE scanner_states (
    scanner        TEXT    NOT NULL PRIMARY KEY,
    answered_at    INTEGER NOT NULL,
    failing_since  INTEGER NOT NULL,            -- 0: it answers
    failures       INTEGER NOT NULL,
    failed_at      INTEGER NOT NULL,
    rests_until    INTEGER NOT NULL,
    error          TEXT    NOT NULL,
    metadata       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
