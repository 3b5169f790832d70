-- The previous release may go on running.

-- What waits along a pipeline.
CREATE INDEX promotions_along ON promotions (path, pipeline, id) WHERE state = 0;
