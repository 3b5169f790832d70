"""Checks signatures."""
