"""Drivers: one package for each thing outside Orlop. Their errors are translated at the door, cause kept."""
