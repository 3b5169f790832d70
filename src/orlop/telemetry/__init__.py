"""What the registry tells those who run it: logs and metrics. Nothing here decides anything."""
