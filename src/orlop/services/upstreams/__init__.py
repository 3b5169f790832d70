"""Upstreams: what a pull of a repository does that shows another registry."""
