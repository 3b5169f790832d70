"""Retention: plans of what rules delete, made and applied, and what is in use meanwhile."""
