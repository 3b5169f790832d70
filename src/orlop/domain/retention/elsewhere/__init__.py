"""Rules of other registries: read, put into ours as far as ours can say them, and computed as they are there."""
