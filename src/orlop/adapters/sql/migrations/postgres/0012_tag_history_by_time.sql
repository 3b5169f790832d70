-- The previous release may go on running.

-- What a tag pointed at at a time is asked of tags that moved a hundred thousand times.
CREATE INDEX tag_history_by_time ON tag_history (repository_id, tag, at);
