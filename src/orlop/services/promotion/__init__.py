"""Promotion: asked for, agreed to, carried out at once or not at all, and rolled back."""
