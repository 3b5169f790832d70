"""The kits are imported by the drivers' tests, and their assertions should explain themselves as those of tests do."""

from pathlib import Path

import pytest

_OWN = ("conftest", "test_")
_KITS = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith(_OWN))
pytest.register_assert_rewrite(*(f"tests.contract.{name}" for name in _KITS))
