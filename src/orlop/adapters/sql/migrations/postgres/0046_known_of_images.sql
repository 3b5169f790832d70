-- The previous release may go on running.
-- What it finds out about images meanwhile other replicas hear of when something in their repositories changes, as before.

-- One row: every change of what is known of images (ports.events) raises its version.
CREATE TABLE known_state (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    version  BIGINT NOT NULL
);
INSERT INTO known_state (id, version) VALUES (1, 1);
