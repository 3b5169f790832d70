"""The process that makes and drills backups, beside those that serve."""
