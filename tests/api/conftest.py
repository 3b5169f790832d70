"""Where the folders of these tests are."""

from tests.memory import folders_in_memory

__all__ = ["folders_in_memory"]
