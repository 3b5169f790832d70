"""A registry with accounts for each test."""

from collections.abc import Iterator

import pytest

from tests.unit.sign_in.scene import Scene


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Nobody has an account yet."""
    scene = Scene()
    yield scene
    scene.close()
