"""Why a signature counts for nothing."""


class Refused(Exception):
    """The message says why, as a sentence without its end."""
