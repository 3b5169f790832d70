-- The previous release may go on running.

-- What of robots expires soon is shown to those who administer them, whether or not it was warned of.
CREATE INDEX secrets_of_robots ON secrets (expires_at, id) WHERE expires_at > 0 AND kind = 'robot';

-- So are webhooks that fail.
CREATE INDEX webhook_health_failing ON webhook_health (hook) WHERE failures > 0;
