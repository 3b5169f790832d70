"""Signatures: read, and checked against keys and certificates; those of images in a process of their own."""
