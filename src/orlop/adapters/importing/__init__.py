"""Other registries as imports read them: the storage of distribution and zot, and whatever answers as a registry."""
