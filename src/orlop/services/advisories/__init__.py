"""Advisories: taken in, matched with packages, asked about."""
