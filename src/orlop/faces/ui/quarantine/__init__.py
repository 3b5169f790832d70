"""Pages of what waits in quarantine."""
