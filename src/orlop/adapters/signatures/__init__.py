"""Signatures: read, and checked against keys, in a process of their own."""
