"""Makes backups, looks through them, restores them, and lets old ones go."""
