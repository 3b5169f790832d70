"""Signing in from the command line, and the credential helpers that others call."""
