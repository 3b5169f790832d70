"""The audit log: written, searched, sent on, verified."""
