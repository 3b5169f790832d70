-- The previous release may go on running.
-- It looks for advisories that were matched by none, which this index finds as well.

DROP INDEX advisories_unmatched;
CREATE INDEX advisories_by_matcher ON advisories (matched, id);
