"""Webhooks as values and rules: which events a hook wants, how they are written, signed, and sent again."""
