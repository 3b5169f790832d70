-- The previous release may go on running.

-- The promotions along a pipeline and into a stage of it, of any state and of one.
CREATE INDEX promotions_of_pipeline ON promotions (path, pipeline, id);
CREATE INDEX promotions_of_pipeline_in ON promotions (path, pipeline, state, id);
CREATE INDEX promotions_into ON promotions (path, pipeline, stage, id);
CREATE INDEX promotions_into_in ON promotions (path, pipeline, stage, state, id);
