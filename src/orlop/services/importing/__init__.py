"""Imports from other registries: planned, brought, compared."""
