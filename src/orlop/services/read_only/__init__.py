"""Read-only mode: whether the registry takes writes, by switch or because a store takes none."""
