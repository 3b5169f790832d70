"""What every kind of store may say before it is opened."""


class StoreRefused(Exception):
    """A store that Orlop does not use: not ours, damaged, or of another release. The message is one sentence that says
    why and what to do."""
