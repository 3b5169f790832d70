-- The previous release may go on running.

-- What came of looking at the signatures of an image, by the digest of what is signed, whichever repositories hold it.
-- question: the hash of the digests that it goes by, of the signers with their roots, and of the version of what judges.
-- verdicts: those on each signature, by its hash, packed.
CREATE TABLE signature_verdicts (
    id         INTEGER PRIMARY KEY,
    image      TEXT    NOT NULL,
    question   TEXT    NOT NULL,
    judged_at  INTEGER NOT NULL,
    verdicts   BLOB    NOT NULL,
    UNIQUE (image, question)
) STRICT;
