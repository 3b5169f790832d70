"""A client of the management API, over aiohttp."""
