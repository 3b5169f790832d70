"""Keys that sign what the registry attests: of the catalog, or of a command that asks a key service."""
