"""Expressions in CEL, answered in a process of their own."""
