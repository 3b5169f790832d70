"""How each server is found, configured, started on loopback and stopped."""
