"""Upstreams: other registries that a namespace shows, as values and rules."""
