"""Pages for people: signing in, and the account of whoever did. Plain HTML that works without scripts, but for passkeys."""
