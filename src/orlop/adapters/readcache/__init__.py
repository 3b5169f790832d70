"""A part of the blob store on the machine's own disk: what was read lately, bounded, verified whenever it is read."""

from orlop.adapters.readcache.folder import CacheFolder, CacheRefused
from orlop.adapters.readcache.reader import CachedReader, Outcome

__all__ = ["CacheFolder", "CacheRefused", "CachedReader", "Outcome"]
