"""Pages for people: signing in, and the account of whoever did. Plain HTML; only passkeys need a script."""
