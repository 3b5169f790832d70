-- The previous release may go on running.
-- A setting that is changed there may be missed by a write that commits at the same moment, as it was before.

-- Raises an exception unless the version of all settings is this one, and stays it until the transaction is committed:
-- whoever changes a setting takes the lock alone. A function sees what was committed before each of its statements, so
-- it misses nothing that it waited for.
CREATE FUNCTION orlop_settings_hold(expected BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1330793555);
    IF expected <> coalesce((SELECT version FROM settings_state WHERE id = 1), 1) THEN
        RAISE EXCEPTION 'settings moved' USING ERRCODE = 'OR001';
    END IF;
END
$$;
