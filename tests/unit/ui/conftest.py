"""A registry with pages for each test."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.unit.ui.scene import Scene


@pytest.fixture
def scene(runner: asyncio.Runner) -> Iterator[Scene]:
    """Nobody has an account yet."""
    scene = Scene()
    yield scene
    runner.run(scene.close())
