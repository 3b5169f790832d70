"""Every setting of the server: its meaning, its bounds, and where its value came from."""

from orlop.config.settings import ConfigurationInvalid, Settings

__all__ = ["ConfigurationInvalid", "Settings"]
