"""What is wrong with a configuration."""


class ConfigurationInvalid(Exception):
    """A setting is unknown, malformed, out of bounds or contradicts another; the message says which in one sentence."""
